import Base
import ORTC
import SFU
import TestSupport
import Testing

private func golden(_ name: String) throws -> [JSONValue] {
    try #require(try Vectors.json("mediasoup-3.14.16/stats.json")[name]?.arrayValue)
}

private func members(_ value: JSONValue?) -> Set<String> { Set(value?.objectValue?.keys ?? [:].keys) }

@Test func `statistics have mediasoup's member names`() throws {
    let stage = try Stage()
    let source = try stage.transport("source")
    try stage.produce("video", on: source, Parameters.vp8())
    let audioSource = try stage.transport("audio source")
    try stage.produce("audio", on: audioSource, Parameters.opus(), kind: .audio)
    let out = try stage.receiver("c", of: "video", at: 5000)
    try stage.consume("a", on: out, of: "audio")
    let (video, audio) = (ProducerID(rawValue: "video"), ProducerID(rawValue: "audio"))
    #expect(try stage.engine.stats(of: video, now: stage.now) == [])

    let before = try stage.engine.stats(of: ConsumerID(rawValue: "c"), now: stage.now).arrayValue
    #expect(before?.map(members) == (try golden("simple video consumer (no packet)").map(members)))
    let audioBefore = try stage.engine.stats(of: ConsumerID(rawValue: "a"), now: stage.now).arrayValue
    #expect(audioBefore?.map(members) == (try golden("audio consumer before any packet").map(members)))

    var track = VideoTrack()
    for number in 0..<100 {
        for packet in try track.frame(isKeyFrame: number == 0) { stage.feed(packet, on: source.rtp) }
        stage.feed(
            try Packets.rtp(
                payloadType: 100, sequence: number, timestamp: UInt32(number * 960), ssrc: 1111, payload: [1, 2]),
            on: audioSource.rtp)
        stage.pass(.milliseconds(20))
    }
    stage.feed(
        Packets.pictureLoss(ssrc: 1), on: try #require(source.rtcp), from: Stage.address("203.0.113.5", 7001))

    let inbound = try stage.engine.stats(of: audio, now: stage.now).arrayValue
    #expect(inbound?.map(members) == (try golden("audio producer").map(members)))
    let both = try stage.engine.stats(of: ConsumerID(rawValue: "a"), now: stage.now).arrayValue
    // The recorded consumer had RTX on; ours has not.
    #expect(both?.map(members) == (try golden("audio consumer (enableRtx)").map(members)))

    let transport = try stage.engine.stats(of: source.id, now: stage.now).arrayValue
    var expected = members(try golden("plain transport (receiving, comedia, no rtcp-mux)").first)
    expected.remove("maxIncomingBitrate")
    #expect(members(transport?.first) == expected)
    let tuple = try golden("plain transport (receiving, comedia, no rtcp-mux)").first?["tuple"]
    #expect(members(transport?.first?["tuple"]) == members(tuple))
    #expect(members(transport?.first?["rtcpTuple"]) == members(tuple))
}

@Test func `a rate is told up to 400 Gbit/s`() {
    var meter = RateMeter(window: .milliseconds(2500))
    var now = Instant(nanoseconds: 0)
    // 32 steps of 78.125 ms.
    for _ in 0..<32 {
        meter.add(4_000_000_000, now: now)
        now = now + .nanoseconds(78_125_000)
    }
    #expect(meter.bitsPerSecond(now: now - .nanoseconds(1)) == 409_600_000_000)
    #expect(meter.bitsPerSecond(now: now + .seconds(3)) == 0)
}

@Test func `statistics count`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    let out = try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    // 50 packets a second of 112 bytes: 44,800 bit/s.
    for number in 0..<250 {
        for packet in try track.frame(isKeyFrame: number == 0) { stage.feed(packet, on: source.rtp) }
        stage.pass(.milliseconds(20))
    }
    let inbound = try stage.engine.stats(of: ProducerID(rawValue: "video"), now: stage.now).arrayValue?.first
    #expect(inbound?["packetCount"] == 250)
    #expect(inbound?["byteCount"] == 28_000)
    #expect(inbound?["packetsLost"] == 0)
    #expect(inbound?["timestamp"] == 6000)
    let rate = try #require(inbound?["bitrate"]?.integerValue)
    #expect((43_000...46_000).contains(rate))
    let outbound = try stage.engine.stats(of: ConsumerID(rawValue: "c"), now: stage.now).arrayValue?.first
    #expect(outbound?["packetCount"] == 250)
    #expect(outbound?["byteCount"] == 28_000)
    let transport = try stage.engine.stats(of: out.id, now: stage.now).arrayValue?.first
    #expect(transport?["rtpBytesSent"] == 28_000)
    let sent = try #require(transport?["bytesSent"]?.integerValue)
    #expect(sent > 28_000 && sent < 29_000)
    let sendRate = try #require(transport?["sendBitrate"]?.integerValue)
    #expect((43_000...47_000).contains(sendRate))
    stage.pass(.seconds(3))
    let idle = try stage.engine.stats(of: ProducerID(rawValue: "video"), now: stage.now).arrayValue?.first
    #expect(idle?["bitrate"] == 0)
}

@Test func `statistics of direct and pipe transports, and of pipes' ends, have mediasoup's member names`() throws {
    let stage = try Stage()
    let direct = TransportID(rawValue: "direct")
    try stage.engine.createDirectTransport(
        DirectTransportSetup(router: Stage.room, id: direct, socket: SocketID(77)), now: stage.now,
        into: &stage.outbox)
    let pipe = TransportID(rawValue: "pipe")
    _ = try stage.engine.createPipeTransport(
        PipeTransportSetup(
            router: Stage.room, id: pipe, local: LocalEndpoint(socket: SocketID(78), address: "a", port: 9)),
        now: stage.now)
    let ours = try stage.engine.stats(of: direct, now: stage.now).arrayValue?.first
    #expect(members(ours) == members(try golden("direct transport").first))
    var expected = members(try golden("pipe transport (not connected)").first)
    expected.remove("sctpState")
    #expect(members(try stage.engine.stats(of: pipe, now: stage.now).arrayValue?.first) == expected)
    // Limits that are set are told.
    try stage.engine.setMaxIncomingBitrate(pipe, 1_500_000, now: stage.now)
    try stage.engine.setMaxOutgoingBitrate(pipe, 1_000_000, now: stage.now, into: &stage.outbox)
    try stage.engine.setMinOutgoingBitrate(pipe, 100_000, now: stage.now, into: &stage.outbox)
    expected.formUnion(["maxIncomingBitrate", "maxOutgoingBitrate", "minOutgoingBitrate"])
    #expect(members(try stage.engine.stats(of: pipe, now: stage.now).arrayValue?.first) == expected)

    let source = try stage.transport("source", rtcpMux: true)
    var parameters = Parameters.vp8()
    parameters.encodings = [1001, 1002].map { RTPEncodingParameters(ssrc: $0, scalabilityMode: "L1T3") }
    try stage.produce("video", on: source, parameters)
    let consumer = ConsumerID(rawValue: "piped")
    _ = try stage.engine.consume(
        ConsumerSetup(
            transport: pipe, id: consumer, producer: ProducerID(rawValue: "video"),
            rtpCapabilities: Parameters.everything), now: stage.now, into: &stage.outbox)
    // Before any packet: what goes out, one for each encoding.
    let out = try stage.engine.stats(of: consumer, now: stage.now).arrayValue
    #expect(out?.map(members) == (try golden("pipe consumer").map(members)))
    for ssrc: UInt32 in [1001, 1002] {
        stage.feed(
            try Packets.rtp(sequence: 1, ssrc: ssrc, payload: Packets.vp8Payload(isKeyFrame: true)), on: source.rtp)
    }
    let inbound = try stage.engine.stats(of: ProducerID(rawValue: "video"), now: stage.now).arrayValue
    #expect(inbound?.map(members) == (try golden("simulcast video producer").map(members)))
}
