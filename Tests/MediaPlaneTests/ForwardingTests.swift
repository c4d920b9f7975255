import Base
import CLinux
import Glibc
import MediaCore
import MediaPlane
import TestSupport
import Testing

@Suite struct ForwardingTests {
    @Test func `RTP goes in, and comes out with the consumer's SSRC and payload type in an unbroken sequence`()
        async throws
    {
        let stage = try await Stage()
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await stage.inlet()
        let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
        let outlet = try await stage.outlet(to: sink.address.port)
        let consumer = try await stage.consume(producer.id, on: outlet.id)
        let ssrc = try #require(consumer.rtpParameters.encodings.first?.ssrc)
        #expect(ssrc != 1111)

        var last: UInt16?
        // Across the wrap of the sequence number.
        for number in 0..<400 {
            let payload = [UInt8](repeating: UInt8(number & 255), count: 40 + number)
            sender.send(
                rtpPacket(
                    ssrc: 1111, sequence: 65_400 &+ UInt16(number), timestamp: UInt32(number) * 960, payload: payload),
                to: inlet.tuple.localPort)
            let packet = try #require(sink.receiveRTP())
            #expect(packet.ssrc == ssrc)
            #expect(packet.payloadType == consumer.rtpParameters.codecs.first?.payloadType)
            #expect(packet.payload.elementsEqual(payload))
            if let last { #expect(packet.sequence == last &+ 1) }
            last = packet.sequence
        }
        await stage.core.shutDown()
    }

    @Test func `comedia takes the first source and tells who it is; others are not heard`() async throws {
        let stage = try await Stage()
        let (sender, stranger, sink) = (try TestSocket(), try TestSocket(), try TestSocket())
        let inlet = try await stage.inlet()
        let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
        let outlet = try await stage.outlet(to: sink.address.port)
        _ = try await stage.consume(producer.id, on: outlet.id)

        sender.send(rtpPacket(ssrc: 1111, sequence: 1, payload: [1]), to: inlet.tuple.localPort)
        var connected: TransportTuple?
        for await event in stage.core.events {
            if case .transportConnected(inlet.id, let tuple) = event {
                connected = tuple
                break
            }
        }
        #expect(connected?.remotePort == sender.address.port)
        #expect(connected?.remoteIP == "127.0.0.1")
        #expect(connected?.localPort == inlet.tuple.localPort)
        #expect(sink.receiveRTP()?.payload == [1])
        stranger.send(rtpPacket(ssrc: 1111, sequence: 2, payload: [2]), to: inlet.tuple.localPort)
        sender.send(rtpPacket(ssrc: 1111, sequence: 3, payload: [3]), to: inlet.tuple.localPort)
        #expect(sink.receiveRTP()?.payload == [3])
        await stage.core.shutDown()
    }

    @Test func `garbage on an RTP port changes nothing`() async throws {
        let stage = try await Stage()
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await stage.inlet()
        let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
        let outlet = try await stage.outlet(to: sink.address.port)
        _ = try await stage.consume(producer.id, on: outlet.id)

        var generator = SeededGenerator(seed: 1)
        let good = rtpPacket(ssrc: 1111, sequence: 1, payload: [7])
        let sourceDescription: [UInt8] = [0x81, 202, 0, 2, 0, 0, 4, 87, 1, 1, 65, 0]
        for length in 0...64 {
            sender.send((0..<length).map { _ in .random(in: 0...255, using: &generator) }, to: inlet.tuple.localPort)
            sender.send(Array(good.prefix(min(length, 11))), to: inlet.tuple.localPort)
            sender.send(Array(sourceDescription.prefix(length)), to: inlet.tuple.localPort)
            sender.send([0x90] + [UInt8](repeating: 255, count: length), to: inlet.tuple.localPort)
        }
        sender.send(rtpPacket(ssrc: 9, sequence: 1, payload: [8]), to: inlet.tuple.localPort)
        sender.send([UInt8](repeating: 0x80, count: 65_507), to: inlet.tuple.localPort)
        sender.send(good, to: inlet.tuple.localPort)
        #expect(sink.receiveRTP()?.payload == [7])
        #expect(await stage.core.counters().received == 65 * 4 + 3)
        await stage.core.shutDown()
    }

    @Test func `a burst that arrives together leaves in runs`() async throws {
        let stage = try await Stage()
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await stage.inlet()
        let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
        let outlet = try await stage.outlet(to: sink.address.port)
        _ = try await stage.consume(producer.id, on: outlet.id)
        try #require(sendBurst(from: sender, to: inlet.tuple.localPort, count: 8, firstSequence: 1))
        for number in 0..<8 { #expect(sink.receiveRTP()?.payload.first == UInt8(number)) }
        let counters = await stage.core.counters()
        #expect(counters.received == 8)
        #expect(counters.sent >= 8)
        // The packets in two messages at most (a sender report may stand between them), and that report.
        #expect(counters.messages <= 3)
        await stage.core.shutDown()
    }

    @Test(arguments: ["transport", "producer"])
    func `what was sent before the sender is closed is forwarded, also to those who are behind`(
        closing: String
    ) async throws {
        // A busy machine may need longer than groups of pictures are kept.
        let stage = try await Stage(MediaPlaneConfiguration(gopCacheDuration: .seconds(600)))
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await stage.inlet()
        let producer = try await stage.produceVideo(on: inlet.id, ssrc: 2222)
        let outlet = try await stage.outlet(to: sink.address.port)
        // A key frame of VP8 (descriptor, then the head of RFC 6386 §9.1) and what follows it.
        let (key, other): ([UInt8], [UInt8]) = ([0x10, 0x10, 0, 0, 0x9D, 1, 0x2A, 64, 0, 64, 0], [0x10, 0x11, 0, 0])
        func send(_ number: Int) {
            sender.send(
                rtpPacket(
                    ssrc: 2222, sequence: UInt16(number), timestamp: UInt32(number) * 3000, payloadType: 101,
                    marker: true, payload: number == 0 ? key : other), to: inlet.tuple.localPort)
        }
        for number in 0..<1000 { send(number) }
        while await stage.core.counters().received < 1000 { await Task.yield() }
        // It is given all since the key frame, 32 packets at a time, and the end comes long before the last of them.
        _ = try await stage.consume(producer.id, on: outlet.id)
        // These may still lie in the socket then.
        for number in 1000..<1200 { send(number) }
        if closing == "transport" { await stage.core.close(inlet.id) } else { await stage.core.close(producer.id) }
        let counters = await stage.core.counters()
        #expect(counters.received == 1200)
        #expect(counters.sent >= 1200)
        await stage.core.shutDown()
    }

    @Test func `where the kernel takes no runs the packets leave one by one`() async throws {
        let stage = try await Stage()
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await stage.inlet()
        let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
        let outlet = try await stage.outlet(to: sink.address.port)
        _ = try await stage.consume(producer.id, on: outlet.id)
        // Without checksums the kernel refuses UDP_SEGMENT with EINVAL, as it does for segments beyond the MTU.
        try #require(turnOffChecksums(ofSocketAt: outlet.tuple.localPort))
        for burst in 0..<3 {
            try #require(
                sendBurst(from: sender, to: inlet.tuple.localPort, count: 8, firstSequence: UInt16(burst * 8)))
            for number in 0..<8 { #expect(sink.receiveRTP()?.payload.first == UInt8(number)) }
        }
        let counters = await stage.core.counters()
        #expect(counters.runsCutUp == 1)
        #expect(counters.sent >= 24)
        #expect(counters.failed == 0)
        await stage.core.shutDown()
    }

    @Test func `a consumer that nobody listens at harms no other`() async throws {
        let stage = try await Stage()
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await stage.inlet()
        let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
        // Bound and closed again: sending there makes the kernel answer with ICMP errors.
        let deaf = try TestSocket().address.port
        for port in [deaf, sink.address.port, deaf] {
            _ = try await stage.consume(producer.id, on: stage.outlet(to: port).id)
        }
        for number in 0..<100 {
            sender.send(
                rtpPacket(ssrc: 1111, sequence: UInt16(number), payload: [UInt8(number)]), to: inlet.tuple.localPort)
            #expect(sink.receiveRTP()?.payload.first == UInt8(number))
        }
        let counters = await stage.core.counters()
        #expect(counters.refused > 0)
        #expect(counters.failed == 0)
        // Ready for another packet, not spinning on an error that nobody takes.
        #expect(counters.turns < 2_000)
        // Somebody listens there now.
        let back = try TestSocket(port: deaf)
        sender.send(rtpPacket(ssrc: 1111, sequence: 100, payload: [100]), to: inlet.tuple.localPort)
        #expect(back.receiveRTP()?.payload == [100])
        #expect(back.receiveRTP()?.payload == [100])
        await stage.core.shutDown()
    }

    @Test func `commands and other senders are served while packets pour in`() async throws {
        let stage = try await Stage()
        let (flood, floodSink) = (try TestSocket(), try TestSocket())
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let (floodInlet, inlet) = (try await stage.inlet(), try await stage.inlet())
        let loud = try await stage.produceAudio(on: floodInlet.id, ssrc: 1111)
        let quiet = try await stage.produceAudio(on: inlet.id, ssrc: 2222)
        let floodOutlet = try await stage.outlet(to: floodSink.address.port)
        _ = try await stage.consume(loud.id, on: floodOutlet.id)
        _ = try await stage.consume(quiet.id, on: stage.outlet(to: sink.address.port).id)
        let isDone = Locked(false)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var sequence: UInt16 = 0
                while !isDone.value {
                    for _ in 0..<64 {
                        sequence &+= 1
                        flood.send(
                            rtpPacket(ssrc: 1111, sequence: sequence, payload: [UInt8](repeating: 0, count: 1000)),
                            to: floodInlet.tuple.localPort)
                    }
                    await Task.yield()
                }
            }
            group.addTask {
                do {
                    for number in 0..<200 {
                        let consumer = try await stage.consume(loud.id, on: floodOutlet.id)
                        await stage.core.close(consumer.id)
                        sender.send(
                            rtpPacket(ssrc: 2222, sequence: UInt16(number), payload: [UInt8(number)]),
                            to: inlet.tuple.localPort)
                        #expect(sink.receiveRTP()?.payload.first == UInt8(number))
                    }
                } catch { Issue.record(error) }
                isDone.value = true
            }
        }
        #expect(await stage.core.counters().received > 1_000)
        await stage.core.shutDown()
    }

    @Test func `IPv6 is served as IPv4 is`() async throws {
        let stage = try await Stage(MediaPlaneConfiguration(listenIP: "::1"))
        let (sender, sink) = (try TestSocket(ip: "::1"), try TestSocket(ip: "::1"))
        let inlet = try await stage.inlet()
        let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
        _ = try await stage.consume(producer.id, on: stage.outlet(to: sink.address.port).id)
        try #require(sendBurst(from: sender, to: inlet.tuple.localPort, count: 8, firstSequence: 1))
        for number in 0..<8 { #expect(sink.receiveRTP()?.payload.first == UInt8(number)) }
        #expect(await stage.core.counters().messages <= 3)
        await stage.core.shutDown()
    }
}

/// Sends datagrams as one UDP_SEGMENT message, which reaches a socket with UDP_GRO in one piece.
private func sendBurst(from socket: TestSocket, to port: UInt16, count: Int, firstSequence: UInt16) -> Bool {
    let packets = (0..<count).map { number in
        rtpPacket(
            ssrc: 1111, sequence: firstSequence &+ UInt16(number), timestamp: UInt32(firstSequence),
            payload: [UInt8(number)] + [UInt8](repeating: 0, count: 500))
    }
    guard var to = SocketAddress(socket.address.ip, port: port) else { return false }
    var bytes = packets.flatMap { $0 }
    let control = UnsafeMutableRawPointer.allocate(byteCount: Int(LADLE_CONTROL_SPACE), alignment: 16)
    defer { control.deallocate() }
    return bytes.withUnsafeMutableBytes { bytes in
        var piece = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
        let length = to.length
        return withUnsafeMutablePointer(to: &piece) { piece in
            withUnsafeMutablePointer(to: &to.storage) { name in
                var message = ladle_mmsghdr()
                message.msg_hdr.msg_iov = piece
                message.msg_hdr.msg_iovlen = 1
                message.msg_hdr.msg_name = UnsafeMutableRawPointer(name)
                message.msg_hdr.msg_namelen = length
                ladle_put_segment_size(&message.msg_hdr, control, UInt16(packets[0].count))
                return ladle_sendmmsg(socket.descriptor, &message, 1) == 1
            }
        }
    }
}

private func turnOffChecksums(ofSocketAt port: UInt16) -> Bool {
    var on: Int32 = 1
    guard let descriptor = descriptor(boundTo: port) else { return false }
    return setsockopt(descriptor, SOL_SOCKET, SO_NO_CHECK, &on, socklen_t(MemoryLayout<Int32>.size)) == 0
}

/// Finds the core's socket among this process's descriptors.
private func descriptor(boundTo port: UInt16) -> Int32? {
    (Int32(3)..<4096).first { descriptor in
        var name = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let isSocket = withUnsafeMutablePointer(to: &name) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
        }
        return isSocket && SocketAddress(storage: name).port == port
    }
}
