import Base
import RTCP
import SFU
import TestSupport
import Testing

private let rtcpSource = Stage.address("203.0.113.5", 7001)
private let stranger = Stage.address("203.0.113.66", 7000)

private func audioPacket(_ sequence: Int = 1) throws -> [UInt8] {
    try Packets.rtp(payloadType: 100, sequence: sequence, ssrc: 1111, payload: [1, 2, 3])
}

private let report = Packets.senderReport(ssrc: 1111, ntp: NTPTime(rawValue: 1 << 40), timestamp: 5)

@Test func `comedia latches RTP and RTCP separately, each from its own first packet`() throws {
    let stage = try Stage()
    let port = try stage.transport("in")
    #expect(port.tuples.rtp.remote == nil && port.tuples.rtcp?.remote == nil)
    stage.feed(report, on: try #require(port.rtcp), from: rtcpSource)
    let rtcp = EndpointTuple(localAddress: "192.0.2.1", localPort: 40_002, remote: rtcpSource)
    #expect(stage.takeEvents() == [.transportRTCPConnected(port.id, rtcp)])
    stage.feed(try audioPacket(), on: port.rtp)
    let rtp = EndpointTuple(localAddress: "192.0.2.1", localPort: 40_001, remote: Stage.source)
    #expect(stage.takeEvents() == [.transportConnected(port.id, rtp)])
    #expect(stage.engine.tuples(of: port.id)?.rtp == rtp)
    #expect(stage.engine.tuples(of: port.id)?.rtcp == rtcp)
}

@Test func `a latched transport does not listen to others`() throws {
    let stage = try Stage()
    let port = try stage.transport("in")
    try stage.produce("audio", on: port, Parameters.opus(), kind: .audio)
    stage.feed(try audioPacket(), on: port.rtp)
    _ = stage.takeEvents()
    stage.feed(try audioPacket(2), on: port.rtp, from: stranger)
    #expect(stage.takeEvents().isEmpty)
    #expect(stage.drops(port).foreignSource == 1)
    #expect(stage.engine.tuples(of: port.id)?.rtp.remote == Stage.source)
}

@Test func `RTCP that arrives on the RTP port first makes that port the RTCP side`() throws {
    let stage = try Stage()
    let port = try stage.transport("in")
    stage.feed(report, on: port.rtp, from: rtcpSource)
    let tuple = EndpointTuple(localAddress: "192.0.2.1", localPort: 40_001, remote: rtcpSource)
    #expect(stage.takeEvents() == [.transportRTCPConnected(port.id, tuple)])
    // … and RTP on the RTCP port likewise.
    stage.feed(try audioPacket(), on: try #require(port.rtcp))
    let rtp = EndpointTuple(localAddress: "192.0.2.1", localPort: 40_002, remote: Stage.source)
    #expect(stage.takeEvents() == [.transportConnected(port.id, rtp)])
}

@Test func `with one port for both, the first RTCP packet tells where the remote side is`() throws {
    let stage = try Stage()
    let port = try stage.transport("in", rtcpMux: true)
    #expect(port.tuples.rtcp == nil)
    stage.feed(report, on: port.rtp)
    let tuple = EndpointTuple(localAddress: "192.0.2.1", localPort: 40_001, remote: Stage.source)
    #expect(stage.takeEvents() == [.transportConnected(port.id, tuple)])
}

@Test func `garbage latches nothing`() throws {
    let stage = try Stage()
    let port = try stage.transport("in", rtcpMux: true)
    for garbage: [UInt8] in [[], [0x80], Array("GET / HTTP/1.1".utf8), [0x80, 200, 0, 9, 1, 2, 3, 4], [0x9F, 0, 1]] {
        stage.feed(garbage, on: port.rtp, from: stranger)
    }
    #expect(stage.takeEvents().isEmpty)
    #expect(stage.engine.tuples(of: port.id)?.rtp.remote == nil)
    #expect(stage.drops(port).total == 5)
}

@Test func `a transport without comedia takes nothing before connect`() throws {
    let stage = try Stage()
    let port = try stage.transport("in", comedia: false)
    try stage.produce("audio", on: port, Parameters.opus(), kind: .audio)
    stage.feed(try audioPacket(), on: port.rtp)
    #expect(stage.drops(port).notConnected == 1)
    try stage.connect(port, ip: "203.0.113.5", to: 7000)
    // A method causes no event on its own object.
    #expect(stage.takeEvents().isEmpty)
    stage.feed(try audioPacket(2), on: port.rtp)
    #expect(stage.takeEvents().contains(.producerFlowing(ProducerID(rawValue: "audio"), true)))
}

@Test func `connect checks what it is given, and counts only when it succeeds`() throws {
    let stage = try Stage()
    let mux = try stage.transport("mux", comedia: false, rtcpMux: true)
    let split = try stage.transport("split", comedia: false)
    func attempt(_ port: Stage.Port, _ ip: String?, _ number: UInt16?, _ rtcp: UInt16?) -> String? {
        do {
            _ = try stage.engine.connect(
                port.id, ip: ip, port: number, rtcpPort: rtcp, now: stage.now, into: &stage.outbox)
            return nil
        } catch {
            return "\(error.name): \(error.message.replacing(" [method:plainTransport.connect]", with: ""))"
        }
    }
    #expect(attempt(mux, nil, nil, nil) == "TypeError: missing ip")
    #expect(attempt(mux, "127.0.0.1", nil, nil) == "TypeError: missing port")
    #expect(attempt(mux, "127.0.0.1", 5000, 5001) == "TypeError: cannot set rtcpPort with rtcpMux enabled")
    #expect(attempt(mux, "localhost", 5000, nil) == "TypeError: invalid IP 'localhost'")
    #expect(attempt(mux, "127.0.0.1", 0, nil) == nil)
    #expect(attempt(mux, "127.0.0.1", 5000, nil) == "Error: connect() already called")
    #expect(attempt(split, "::1", 5000, nil) == "TypeError: missing rtcpPort (required with rtcpMux disabled)")
    #expect(attempt(split, "::1", 5000, 5001) == nil)
    #expect(stage.engine.tuples(of: split.id)?.rtcp?.remote == SocketAddress("::1", port: 5001))

    let comedia = try stage.transport("comedia", rtcpMux: true)
    #expect(attempt(comedia, "127.0.0.1", 5000, 5001) == nil)
    #expect(stage.engine.tuples(of: comedia.id)?.rtp.remote == nil)
    #expect(attempt(comedia, nil, nil, nil) == "Error: connect() already called")
}

@Test func `a consumer on a comedia transport waits until its receiver has shown itself`() throws {
    let stage = try Stage()
    let source = try stage.transport("in", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    let receiver = try stage.transport("out", rtcpMux: true)
    try stage.consume("c", on: receiver, of: "video")
    var track = VideoTrack()
    for number in 0..<5 {
        for packet in try track.frame(isKeyFrame: number == 0) { stage.feed(packet, on: source.rtp) }
    }
    #expect(stage.sent.isEmpty)
    stage.feed(
        Packets.receiverReport(ReportBlock(ssrc: 1)), on: receiver.rtp, from: Stage.address("198.51.100.9", 9000))
    #expect(stage.media(to: 9000).map(\.number) == Array(0..<5))
}

@Test func `a producer is found by its MID when its SSRC was not announced`() throws {
    let stage = try Stage()
    let source = try stage.transport("in", rtcpMux: true)
    var parameters = Parameters.opus(ssrc: nil, mid: "a0")
    parameters.headerExtensions = [.init(uri: "urn:ietf:params:rtp-hdrext:sdes:mid", id: 3)]
    try stage.produce("audio", on: source, parameters, kind: .audio)
    try stage.receiver("c", of: "audio", at: 5000)
    func packet(_ ssrc: UInt32, _ sequence: Int, mid: String?) throws -> [UInt8] {
        try Packets.rtp(
            payloadType: 100, sequence: sequence, ssrc: ssrc,
            extensions: mid.map { [.init(id: 3, data: Array($0.utf8))] } ?? [], payload: [1])
    }
    stage.feed(try packet(77, 1, mid: nil), on: source.rtp)
    stage.feed(try packet(77, 2, mid: "zz"), on: source.rtp)
    #expect(stage.drops(source).noProducer == 2)
    stage.feed(try packet(77, 3, mid: "a0"), on: source.rtp)
    // From now on its SSRC is enough.
    stage.feed(try packet(77, 4, mid: nil), on: source.rtp)
    // Another stream with the same MID is not taken.
    stage.feed(try packet(78, 5, mid: "a0"), on: source.rtp)
    #expect(stage.media(to: 5000).count == 2)
    #expect(stage.drops(source).otherStream == 1)
}

@Test func `an announced stream is known by its own SSRC alone`() throws {
    let stage = try Stage()
    let source = try stage.transport("in", rtcpMux: true)
    var parameters = Parameters.opus(ssrc: 1111, mid: "a0")
    parameters.encodings[0].rtxSSRC = 1112
    parameters.headerExtensions = [.init(uri: "urn:ietf:params:rtp-hdrext:sdes:mid", id: 3)]
    try stage.produce("audio", on: source, parameters, kind: .audio)
    try stage.receiver("c", of: "audio", at: 5000)
    // Under the SSRC of retransmissions, and under a strange one with the MID.
    for ssrc: UInt32 in [1112, 77] {
        stage.feed(
            try Packets.rtp(
                payloadType: 100, sequence: 1, ssrc: ssrc, extensions: [.init(id: 3, data: Array("a0".utf8))],
                payload: [1]), on: source.rtp)
    }
    #expect(stage.drops(source).otherStream == 2)
    stage.feed(try Packets.rtp(payloadType: 100, sequence: 9, ssrc: 1111, payload: [1]), on: source.rtp)
    #expect(stage.media(to: 5000).count == 1)
}

@Test func `SSRCs and MIDs that are taken on the transport are refused, and free again after close`() throws {
    let stage = try Stage()
    let source = try stage.transport("in")
    try stage.produce("a", on: source, Parameters.vp8(ssrc: 1, mid: "x"))
    func refusal(ssrc: UInt32, mid: String) -> SFUError? {
        do {
            try stage.produce("b", on: source, Parameters.vp8(ssrc: ssrc, mid: mid))
            return nil
        } catch {
            return error as? SFUError
        }
    }
    let bySSRC = refusal(ssrc: 1, mid: "y")
    #expect(bySSRC?.message == "ssrc already exists in RTP listener [ssrc:1] [method:transport.produce]")
    #expect(bySSRC?.code == .conflict)
    let byMID = refusal(ssrc: 2, mid: "x")
    #expect(byMID?.message == "MID already exists in RTP listener [mid:x] [method:transport.produce]")
    #expect(stage.engine.population.producers == 1)
    stage.engine.close(ProducerID(rawValue: "a"), now: stage.now, into: &stage.outbox)
    #expect(refusal(ssrc: 1, mid: "x") == nil)
}

@Test func `all transports with one CNAME give it to all their producers`() throws {
    let stage = try Stage()
    let first = try stage.transport("1", cname: "sender")
    let second = try stage.transport("2", cname: "sender")
    let audio = try stage.produce("a", on: first, Parameters.opus(cname: "own"), kind: .audio)
    let video = try stage.produce("v", on: second, Parameters.vp8())
    #expect(audio.rtpParameters.rtcp.cname == "sender" && video.rtpParameters.rtcp.cname == "sender")
    let third = try stage.transport("3")
    #expect(
        try stage.produce("b", on: third, Parameters.opus(cname: "own"), kind: .audio).rtpParameters.rtcp.cname == "own"
    )
    #expect(try stage.produce("c", on: third, Parameters.vp8(cname: "other")).rtpParameters.rtcp.cname == "own")
    let fourth = try stage.transport("4")
    let made = try stage.produce("d", on: fourth, Parameters.vp8()).rtpParameters.rtcp.cname
    #expect(made?.count == 8)
    let receiver = try stage.transport("5", comedia: false)
    #expect(try stage.consume("x", on: receiver, of: "a").rtpParameters.rtcp.cname == "sender")
}
