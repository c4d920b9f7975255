import Base
import MediaCore
import MediaPlane
import ORTC
import Synchronization
import Testing

@Suite struct PipeTests {
    /// Two rooms: on two workers, or on one.
    private func stages(workers: Int) async throws -> (near: Stage, far: Stage) {
        let core = try EmbeddedCore(MediaPlaneConfiguration(workers: workers))
        let stages = (near: try await Stage(on: core), far: try await Stage(on: core))
        let apart = core.worker(of: stages.near.router.id) != core.worker(of: stages.far.router.id)
        #expect(apart == (workers > 1))
        return stages
    }

    @Test(arguments: [1, 2]) func `packets reach the other router's receivers, in order and none twice`(workers: Int)
        async throws
    {
        let (near, far) = try await stages(workers: workers)
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await near.inlet()
        let producer = try await near.produceAudio(on: inlet.id, ssrc: 1111)
        let piped = try await near.core.pipe(producer.id, to: far.router.id)
        #expect(piped.producer.id == producer.id && piped.consumer.type == "pipe")
        #expect(near.core.portFigures.used == 1)
        let outlet = try await far.outlet(to: sink.address.port)
        _ = try await far.consume(producer.id, on: outlet.id)
        #expect(await near.core.canConsume(producer.id, on: far.router.id, far.router.rtpCapabilities))
        for sequence in 0..<2000 as Range<UInt16> {
            sender.send(
                rtpPacket(ssrc: 1111, sequence: sequence, payload: [UInt8(sequence & 255), UInt8(sequence >> 8)]),
                to: inlet.tuple.localPort)
            // A few at a time, so that no socket's buffer is too small.
            if sequence % 50 == 49 {
                for expected in (sequence - 49)...sequence {
                    let payload = Array(sink.receiveRTP()?.payload ?? [])
                    #expect(payload == [UInt8(expected & 255), UInt8(expected >> 8)])
                }
            }
        }
        let stats = try await near.core.stats(piped.consumer.id).arrayValue?.first
        #expect(stats?["packetCount"] == 2000)
        await near.core.shutDown()
    }

    @Test(arguments: [1, 2]) func `pausing, resuming and closing the original follow`(workers: Int) async throws {
        let (near, far) = try await stages(workers: workers)
        let core = near.core
        let inlet = try await near.inlet()
        let producer = try await near.produceVideo(on: inlet.id, ssrc: 2222)
        let piped = try await core.pipe(producer.id, to: far.router.id)
        let outlet = try await far.outlet(to: 9)
        let consumer = try await far.consume(producer.id, on: outlet.id)
        let events = Locked<[MediaCoreEvent]>([])
        let reading = Task { for await event in core.events { events.withLock { $0.append(event) } } }
        func happens(_ event: MediaCoreEvent) async -> Bool {
            await eventually { events.withLock { $0.contains(event) } }
        }
        try await core.pause(producer.id)
        #expect(await happens(.consumerProducerPaused(piped.consumer.id, true)))
        #expect(await happens(.consumerProducerPaused(consumer.id, true)))
        try await core.resume(producer.id)
        #expect(await happens(.consumerProducerPaused(consumer.id, false)))
        await core.close(producer.id)
        #expect(await happens(.consumerClosed(consumer.id, .producerClosed)))
        #expect(await happens(.consumerClosed(piped.consumer.id, .producerClosed)))
        // The pipe itself stays, for the next one.
        let second = try await near.produceVideo(on: inlet.id, ssrc: 3333)
        let again = try await core.pipe(second.id, to: far.router.id)
        #expect(again.transports.source == piped.transports.source)
        // Closing what was made there leaves the original.
        await core.close(second.id, pipedTo: far.router.id)
        #expect(await eventually { (try? await core.stats(again.consumer.id)) == nil })
        #expect(await core.canConsume(second.id, on: near.router.id, near.router.rtpCapabilities))
        // Closing one end closes the other, and the next pipe is a new one.
        _ = try await core.pipe(second.id, to: far.router.id)
        await core.close(piped.transports.sink)
        #expect(await eventually { (try? await core.stats(piped.transports.source)) == nil })
        let other = try await core.pipe(second.id, to: far.router.id)
        #expect(other.transports.source != piped.transports.source)
        // A router that goes takes its end along.
        await core.close(far.router.id)
        #expect(await eventually { (try? await core.stats(other.transports.source)) == nil })
        await core.close(near.router.id)
        #expect(core.objectCount == 0)
        await core.shutDown()
        await reading.value
    }

    @Test func `several that want the same pipe at once get one, in both directions`() async throws {
        let (near, far) = try await stages(workers: 2)
        let (one, other) = (try await near.inlet(), try await far.inlet())
        var producers: [(ProducerID, RouterID)] = []
        for ssrc in 1...5 as ClosedRange<UInt32> {
            producers.append((try await near.produceAudio(on: one.id, ssrc: ssrc).id, far.router.id))
            producers.append((try await far.produceAudio(on: other.id, ssrc: ssrc).id, near.router.id))
        }
        let transports = try await withThrowingTaskGroup(of: Set<TransportID>.self) { group in
            for (producer, router) in producers {
                group.addTask {
                    let piped = try await near.core.pipe(producer, to: router)
                    return [piped.transports.source, piped.transports.sink]
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(transports.count == 1)
        await near.core.shutDown()
    }

    @Test func `what can't be piped is refused in mediasoup's words`() async throws {
        let (near, far) = try await stages(workers: 2)
        let inlet = try await near.inlet()
        let producer = try await near.produceAudio(on: inlet.id, ssrc: 1111)
        for (id, router, message) in [
            (producer.id, near.router.id, "TypeError: cannot use this Router as destination"),
            (ProducerID(rawValue: "nobody"), far.router.id, "TypeError: Producer not found"),
            (producer.id, RouterID(rawValue: "nowhere"), "TypeError: Router not found"),
        ] {
            await #expect {
                _ = try await near.core.pipe(id, to: router)
            } throws: {
                "\($0)" == message
            }
        }
        _ = try await near.core.pipe(producer.id, to: far.router.id)
        await #expect {
            _ = try await near.core.pipe(producer.id, to: far.router.id)
        } throws: {
            "\($0)".contains("a Producer with same id \"\(producer.id)\" already exists")
        }
        await near.core.shutDown()
    }

    @Test func `cores that end in the midst of piped traffic leave nothing behind`() async {
        await #expect(processExitsWith: .success) {
            let before = openDescriptors()
            for round in 0..<10 {
                let core = try EmbeddedCore(MediaPlaneConfiguration(workers: 3))
                let near = try await Stage(on: core)
                let inlet = try await near.inlet()
                let producer = try await near.produceAudio(on: inlet.id, ssrc: 1111)
                for _ in 0..<4 {
                    let far = try await Stage(on: core)
                    _ = try await core.pipe(producer.id, to: far.router.id)
                    let outlet = try await far.outlet(to: 9)
                    _ = try await far.consume(producer.id, on: outlet.id)
                }
                let sender = try TestSocket()
                for sequence in 0..<500 as Range<UInt16> {
                    sender.send(rtpPacket(ssrc: 1111, sequence: sequence, payload: [1]), to: inlet.tuple.localPort)
                    if sequence == 300, round % 2 == 0 { await core.close(producer.id) }
                }
                if round % 3 == 0 { await core.shutDown() }
            }
            #expect(await eventually { openDescriptors() <= before + 3 })
        }
    }
}

@Suite struct DirectTransportTests {
    @Test func `packets go in and come out in batches, in order`() async throws {
        let stage = try await Stage()
        let direct = try await stage.core.createDirectTransport(on: stage.router.id)
        let producer = try await stage.produceAudio(on: direct, ssrc: 1111)
        let consumer = try await stage.consume(producer.id, on: direct)
        let packets = try await stage.core.packets(of: consumer.id)
        let reports = try await stage.core.rtcp(of: direct)
        for start in stride(from: 0, to: 400, by: 40) {
            try await stage.core.send(
                (start..<start + 40).map { rtpPacket(ssrc: 1111, sequence: UInt16($0), payload: [UInt8($0 & 255)]) },
                on: producer.id)
        }
        var seen: [UInt8] = []
        var batches = 0
        while seen.count < 400, let batch = await packets.next() {
            batches += 1
            for index in 0..<batch.count { if let last = batch[index].last { seen.append(last) } }
        }
        #expect(seen == (0..<400).map { UInt8($0 & 255) })
        #expect(batches <= 400 && packets.dropped == 0)
        // A sender report leaves with the first packet.
        let first = await reports.next()
        #expect(first?[0].dropFirst().first == 200)
        // What is wrong is refused in words.
        await #expect {
            try await stage.core.send([[UInt8](repeating: 0x80, count: 1601)], on: producer.id)
        } throws: {
            "\($0)".contains("1601 bytes; 1600 are allowed")
        }
        await stage.core.close(consumer.id)
        while await packets.next() != nil {}
        await stage.core.close(direct)
        while await reports.next() != nil {}
        await stage.core.shutDown()
    }

    @Test func `a reader that does not read loses packets, and they are counted`() async throws {
        let stage = try await Stage()
        let direct = try await stage.core.createDirectTransport(on: stage.router.id)
        let producer = try await stage.produceAudio(on: direct, ssrc: 1111)
        let consumer = try await stage.consume(producer.id, on: direct)
        let packets = try await stage.core.packets(of: consumer.id)
        for start in stride(from: 0, to: 1500, by: 50) {
            try await stage.core.send(
                (start..<start + 50).map {
                    rtpPacket(ssrc: 1111, sequence: UInt16($0), payload: [UInt8](repeating: 1, count: 1000))
                }, on: producer.id)
        }
        #expect(await eventually { packets.dropped > 0 })
        let batch = await packets.next()
        #expect((batch?.byteCount ?? 0) <= 1 << 20 && (batch?.count ?? 0) > 900)
        await stage.core.shutDown()
    }

    @Test func `RTCP from code reaches the streams of the consumers that it is about`() async throws {
        let stage = try await Stage()
        let direct = try await stage.core.createDirectTransport(on: stage.router.id)
        let sender = try TestSocket()
        let inlet = try await stage.inlet()
        let producer = try await stage.produceVideo(on: inlet.id, ssrc: 2222)
        let consumer = try await stage.consume(producer.id, on: direct)
        sender.send(
            rtpPacket(ssrc: 2222, sequence: 0, payloadType: 101, payload: [0x10, 0x11, 0]), to: inlet.tuple.localPort)
        let ssrc = try #require(consumer.rtpParameters.encodings.first?.ssrc)
        let pli: [UInt8] = [0x81, 206, 0, 2, 0, 0, 0, 1] + withUnsafeBytes(of: ssrc.bigEndian) { [UInt8]($0) }
        try await stage.core.sendRTCP(pli, on: direct)
        let stats = try await stage.core.stats(consumer.id).arrayValue?.first
        #expect(stats?["pliCount"] == 1)
        await #expect(throws: MediaCoreError.self) { try await stage.core.sendRTCP(pli, on: inlet.id) }
        await #expect(throws: MediaCoreError.self) { _ = try await stage.core.rtcp(of: inlet.id) }
        #expect(try await stage.core.stats(direct).arrayValue?.first?["type"] == "direct-transport")
        await stage.core.shutDown()
    }
}
