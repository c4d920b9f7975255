import Base
import ORTC
import RTCP
import RTP
import SFU
import Testing

@Test(arguments: [
    // mediasoup's answers for three encodings of three temporal layers.
    (PreferredLayers(spatialLayer: 1), ConsumerLayers(spatialLayer: 1, temporalLayer: 2)),
    (PreferredLayers(spatialLayer: 1, temporalLayer: 0), ConsumerLayers(spatialLayer: 1, temporalLayer: 0)),
    (PreferredLayers(spatialLayer: 7, temporalLayer: 7), ConsumerLayers(spatialLayer: 2, temporalLayer: 2)),
])
private func `preferred layers are what there is of them, asked for early or late`(
    wanted: PreferredLayers, becomes: ConsumerLayers
) throws {
    let stage = try Stage()
    _ = try LayeredSource(stage)
    let early = try stage.consumeLayers("early", at: 5000, preferring: wanted)
    #expect(early.preferredLayers == becomes)
    _ = try stage.consumeLayers("late", at: 5100)
    let late = try stage.prefer(wanted.spatialLayer, wanted.temporalLayer, of: "late")
    #expect(late == becomes)
}

@Test func `simple consumers have no layers, and closed ones are not found`() throws {
    let stage = try Stage()
    let port = try stage.transport("source")
    try stage.produce("video", on: port, Parameters.vp8())
    let state = try stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 1))
    #expect(state.preferredLayers == nil)
    let layers = try stage.prefer(1)
    #expect(layers == nil)
    let error = #expect(throws: SFUError.self) { try stage.prefer(1, of: "nobody") }
    #expect(
        error?.message
            == "Channel request handler with ID nobody not found [method:consumer.setPreferredLayers]")
}

@Test func `of two producers with the same RIDs one has to have a MID`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage, usesRIDs: true)
    var parameters = source.parameters
    parameters.mid = nil
    let error = #expect(throws: SFUError.self) { try stage.produce("other", on: source.port, parameters) }
    #expect(
        error?.message
            == "RID already exists in RTP listener and no MID is given [rid:low] [method:transport.produce]")
    // With a MID of its own it is told apart by that.
    parameters.mid = "w"
    try stage.produce("other", on: source.port, parameters)
    _ = try stage.consumeLayers("c", of: "other", at: 5000)
    source.mid = "w"
    for place in 0..<3 { source.encodings[place].ssrc += 5000 }
    try source.play(2, keys: [0, 1, 2])
    #expect(stage.layered(to: 5000).map(\.number) == [0, 1])
}

@Test func `a packet of no known RID is dropped`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage, usesRIDs: true)
    source.encodings[0].rid = "strange"
    try source.play(2, keys: [0, 1, 2])
    #expect(stage.drops(source.port).otherStream == 2)
}

@Test func `key frames are asked for no more often than the producer's delay, unless a new viewer is blind`() throws {
    let stage = try Stage()
    let port = try stage.transport("source", rtcpMux: true)
    let id = ProducerID(rawValue: "video")
    _ = try stage.engine.produce(
        ProducerSetup(
            transport: port.id, id: id, kind: .video, rtpParameters: Parameters.vp8(),
            keyFrameRequestDelay: .seconds(5)), now: stage.now, into: &stage.outbox)
    var track = VideoTrack()
    func requests() -> Int { stage.feedback(to: Stage.source.port).count { $0.isPictureLoss } }
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: port.rtp) }
    try stage.receiver("c", of: "video", at: 5000)
    let consumer = ConsumerID(rawValue: "c")
    for second in 0..<12 {
        try stage.engine.requestKeyFrame(consumer, now: stage.now, into: &stage.outbox)
        stage.pass(.seconds(1))
        #expect(requests() == 1 + (second + 1) / 5, "second \(second)")
    }
    // Resumed: nobody can see anything before the next key frame.
    let before = requests()
    try stage.engine.pause(id, now: stage.now, into: &stage.outbox)
    try stage.engine.resume(id, now: stage.now, into: &stage.outbox)
    stage.flush()
    #expect(requests() == before + 1)
}

@Test func `reports of a switched consumer stay on the line of its first stream`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage)
    try source.play(1, keys: [0, 1, 2])
    _ = try stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 0))
    try source.play(60)
    try stage.prefer(2)
    try source.report()
    try source.play(120, keys: [2])
    let infos = stage.feedback(to: 5001).flatMap(\.senderInfos)
    #expect(infos.count > 3)
    for info in infos {
        // Timestamp 10,000 was the source's beginning, and 3000 ticks are 33,333,333 ns.
        let elapsed = info.ntp.unixNanoseconds - Stage.unixNanosecondsAtZero - source.beginning.nanoseconds
        let expected = 10_000 + elapsed * 3000 / LayeredSource.period.nanoseconds
        #expect(abs(Int64(info.rtpTimestamp) - expected) <= 90, "at \(elapsed) ns")
    }
}

@Test func `short picture ids get two bytes, so that those of any stream have room`() throws {
    let stage = try Stage()
    let port = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: port, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    for number in 0..<3 {
        let payload: [UInt8] = [0x90, 0x80, UInt8(126 + number) & 0x7F, number == 0 ? 0x10 : 0x11, 9, 8, 7]
        stage.feed(
            try Packets.rtp(
                marker: true, sequence: 10 + number, timestamp: UInt32(3000 * number), padding: 4, payload: payload),
            on: port.rtp)
    }
    let payloads = stage.media(to: 5000).map(\.payload)
    #expect(
        payloads == [
            [0x90, 0x80, 0x80, 126, 0x10, 9, 8, 7], [0x90, 0x80, 0x80, 127, 0x11, 9, 8, 7],
            [0x90, 0x80, 0x80, 0, 0x11, 9, 8, 7],
        ])
}

@Test func `bandwidth that falls takes layers away, and gives them back when it rises`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage, isManaged: true)
    try source.play(1, keys: [0, 1, 2])
    let transport = try stage.transport("to-c", comedia: false)
    try stage.connect(transport, to: 5000)
    try stage.consume("c", on: transport, of: "video", BandwidthTests.capabilities(.remb))
    func tell(_ bitrate: Int64) throws {
        let ssrc = stage.media(to: 5000).last?.header?.ssrc ?? 0
        let remb = Packets.write { rtcp, bytes in
            let ssrcs = [ssrc]
            rtcp.receiverEstimatedMaximumBitrate(
                senderSSRC: 1, bitrateBitsPerSecond: bitrate, ssrcs: ssrcs.span, into: &bytes)
        }
        let report = Packets.receiverReport(
            ReportBlock(
                ssrc: ssrc, fractionLost: 0, packetsLost: 0, extendedHighestSequence: 1, jitter: 0,
                lastSenderReport: 0, delaySinceLastSenderReport: 0))
        guard let rtcp = transport.rtcp else { return }
        for packet in [remb, report] { stage.feed(packet, on: rtcp, from: Stage.address("198.51.100.7", 5001)) }
    }
    // About 57, 210 and 450 kbit/s.
    for _ in 0..<9 {
        try source.play(30, keys: [0, 1, 2])
        try tell(2_000_000)
    }
    #expect(stage.layered(to: 5000).last?.place == 2)
    // The cached group of the lowest would take longer than a key frame does that is asked for.
    try tell(40_000)
    try source.play(5)
    #expect(source.requests(0) == 1)
    #expect(stage.layered(to: 5000).last?.place == 2)
    try source.play(5, keys: [0])
    #expect(stage.layered(to: 5000).last?.place == 0)
    // Not before ten seconds are over.
    for second in 0..<60 {
        try tell(2_000_000)
        try source.play(30, keys: [0, 1, 2])
        if second < 9 { #expect(stage.layered(to: 5000).last?.place == 0) }
    }
    #expect(stage.layered(to: 5000).last?.place == 2)
    let packets = stage.layered(to: 5000)
    for (before, after) in zip(packets, packets.dropFirst()) {
        #expect((1...2).contains((after.sequence - before.sequence) & 0xFFFF), "\(before) then \(after)")
        #expect(Int32(bitPattern: after.timestamp &- before.timestamp) >= 0, "\(before) then \(after)")
    }
}

@Test func `what is asked for again is sent as it was, across switches and squeezed frames`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage, asksForPackets: true)
    try source.play(1, keys: [0, 1, 2])
    let transport = try stage.transport("to-c", comedia: false, rtcpMux: true)
    try stage.connect(transport, to: 5000)
    let state = try stage.engine.consume(
        ConsumerSetup(
            transport: transport.id, id: ConsumerID(rawValue: "c"), producer: ProducerID(rawValue: "video"),
            rtpCapabilities: Parameters.everythingWithoutRTX,
            preferredLayers: PreferredLayers(spatialLayer: 0, temporalLayer: 1)), now: stage.now, into: &stage.outbox)
    stage.flush()
    let ssrc = try #require(state.rtpParameters.encodings.first?.ssrc)
    try source.play(20)
    try stage.prefer(2)
    try source.play(5)
    let first = stage.media(to: 5000)
    #expect(Set(first.compactMap { LayeredPacket($0)?.place }) == [0, 2])
    stage.sent = []
    for packet in first {
        let nack = Packets.write { rtcp, bytes in
            rtcp.nack(
                NACKItem(packetID: UInt16(packet.sequence), lossBitmap: 0), senderSSRC: 1, mediaSSRC: ssrc, into: &bytes
            )
        }
        stage.feed(nack, on: transport.rtp, from: Stage.address("198.51.100.7", 5000))
    }
    let again = stage.media(to: 5000)
    #expect(again.count == first.count)
    for (first, again) in zip(first, again) { #expect(first.bytes == again.bytes, "\(first)") }
}
