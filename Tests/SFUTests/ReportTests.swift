import Base
import RTCP
import SFU
import TestSupport
import Testing

private func ntp(_ unixNanoseconds: Int64) -> NTPTime { NTPTime(unixNanoseconds: unixNanoseconds) }

/// What a receiver makes of a sender report: the wall time (Unix, in ns) of an RTP timestamp.
private func wallTime(of timestamp: UInt32, _ info: SenderInfo, clockRate: Double) -> Double {
    let ticks = Double(Int32(bitPattern: timestamp &- info.rtpTimestamp))
    return Double(info.ntp.unixNanoseconds) + ticks / clockRate * 1e9
}

@Test func `the first sender report leaves with the first packet, and says who sends`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true, cname: "camera")
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    #expect(stage.feedback(to: 5001).isEmpty)
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true, packets: 3) { stage.receive(packet, on: source.rtp) }
    stage.flush()
    let reports = stage.feedback(to: 5001)
    #expect(reports.count == 1)
    let compound = try #require(reports.first)
    let info = try #require(compound.senderInfos.first)
    #expect(info.ssrc == stage.media(to: 5000).first?.header?.ssrc)
    #expect(info.packetCount == 3 && info.octetCount == 300)
    // A microsecond: NTP fractions are rounded.
    #expect(abs(info.ntp.unixNanoseconds - stage.unixNow) < 1000)
    #expect(info.rtpTimestamp == 90_000)
    guard case .sourceDescription(let description)? = compound.packets.last else {
        Issue.record("no SDES")
        return
    }
    #expect(description.cname(of: info.ssrc, in: compound.bytes.span.bytes) == "camera")
}

@Test func `sender reports carry the sender's own clock, shifted alike for all tracks of a CNAME`() throws {
    let stage = try Stage()
    // Two transports of one sender; its clock is 1,000 s behind ours; audio reaches us 300 ms later than video.
    let videoIn = try stage.transport("v", rtcpMux: true, cname: "camera")
    let audioIn = try stage.transport("a", rtcpMux: true, cname: "camera")
    try stage.produce("video", on: videoIn, Parameters.vp8())
    try stage.produce("audio", on: audioIn, Parameters.opus(), kind: .audio)
    try stage.receiver("cv", of: "video", at: 5000)
    try stage.receiver("ca", of: "audio", at: 5100)

    // Moment 0 of the sender: video 90,000, audio 48,000.
    let origin = stage.unixNow - 1_000_000_000_000
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: videoIn.rtp) }
    stage.feed(Packets.senderReport(ssrc: 2222, ntp: ntp(origin), timestamp: 90_000), on: videoIn.rtp)
    stage.pass(.milliseconds(300))
    stage.feed(
        try Packets.rtp(payloadType: 100, sequence: 1, timestamp: 48_000, ssrc: 1111, payload: [1]), on: audioIn.rtp)
    stage.feed(Packets.senderReport(ssrc: 1111, ntp: ntp(origin), timestamp: 48_000), on: audioIn.rtp)

    let video = try #require(stage.feedback(to: 5001).last?.senderInfos.first)
    let audio = try #require(stage.feedback(to: 5101).last?.senderInfos.first)
    let skew = wallTime(of: 90_000, video, clockRate: 90_000) - wallTime(of: 48_000, audio, clockRate: 48_000)
    // Arrival would say 300 ms. What is left is one tick of rounding.
    #expect(abs(skew) < 50_000)
    // Our reports tell our time, not the sender's.
    #expect(abs(audio.ntp.unixNanoseconds - stage.unixNow) < 1000)
}

@Test func `a line that becomes known is told at once, and later reports keep to it`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
    stage.pass(.milliseconds(100))
    #expect(stage.feedback(to: 5001).count == 1)
    // The frame was captured 80 ms before it came.
    stage.feed(
        Packets.senderReport(ssrc: 2222, ntp: ntp(stage.unixNow), timestamp: 90_000 + 180 * 90), on: source.rtp)
    let told = stage.feedback(to: 5001)
    #expect(told.count == 2)
    let second = try #require(told.last?.senderInfos.first)
    #expect(abs(Int64(second.rtpTimestamp) - (90_000 + 180 * 90)) <= 1)
    stage.pass(.seconds(10))
    for report in stage.feedback(to: 5001).dropFirst(2) {
        let info = try #require(report.senderInfos.first)
        let captured = wallTime(of: 90_000 + 180 * 90, info, clockRate: 90_000)
        #expect(abs(captured - Double(second.ntp.unixNanoseconds)) < 50_000)
    }
}

@Test func `a sender that starts over has a new line, and receivers hear of it at once`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
    stage.feed(Packets.senderReport(ssrc: 2222, ntp: ntp(stage.unixNow), timestamp: 90_000), on: source.rtp)
    let told = stage.feedback(to: 5001).count
    // A long loss: the numbers jump, the timestamps go on as time does.
    stage.clock.advance(to: stage.now + .milliseconds(100))
    (track.sequence, track.timestamp) = (20_000, 99_000)
    for _ in 0..<2 { for packet in try track.frame() { stage.feed(packet, on: source.rtp) } }
    #expect(stage.feedback(to: 5001).count == told)
    // The program was started again: everything is new, and the timestamp is a lower one.
    (track.sequence, track.timestamp) = (50_000, 4_000_000_000)
    for _ in 0..<2 { for packet in try track.frame() { stage.feed(packet, on: source.rtp) } }
    let info = try #require(stage.feedback(to: 5001).last?.senderInfos.first)
    #expect(stage.feedback(to: 5001).count == told + 1)
    #expect(info.rtpTimestamp == 4_000_003_000)
    // The new sender's own report is told at once again.
    stage.feed(
        Packets.senderReport(ssrc: 2222, ntp: ntp(stage.unixNow), timestamp: 4_000_001_000), on: source.rtp)
    #expect(stage.feedback(to: 5001).last?.senderInfos.first?.rtpTimestamp == 4_000_001_000)
}

@Test func `a sender that falls far behind keeps its clock, one that sets its clock gets a new one`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
    let origin = stage.unixNow
    // Half of real time: after 20 s it is 10 s behind.
    for second in 0..<10 {
        let timestamp = UInt32(90_000 + second * 90_000)
        stage.feed(
            Packets.senderReport(ssrc: 2222, ntp: ntp(origin + Int64(second) * 1_000_000_000), timestamp: timestamp),
            on: source.rtp)
        stage.pass(.seconds(2))
    }
    for report in stage.feedback(to: 5001) {
        let info = try #require(report.senderInfos.first)
        let started = wallTime(of: 90_000, info, clockRate: 90_000)
        #expect(
            abs(started - Double(origin)) < 50_000, "its first frame has moved by \((started - Double(origin)) / 1e9) s"
        )
    }
    // An hour ahead from one report to the next.
    let set = origin + 3_600_000_000_000
    stage.feed(Packets.senderReport(ssrc: 2222, ntp: ntp(set), timestamp: 990_000), on: source.rtp)
    let info = try #require(stage.feedback(to: 5001).last?.senderInfos.first)
    #expect(abs(wallTime(of: 990_000, info, clockRate: 90_000) - Double(stage.unixNow)) < 50_000)
}

@Test func `a report that comes before the first packet is remembered`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    stage.feed(Packets.senderReport(ssrc: 2222, ntp: ntp(5_000_000_000), timestamp: 0), on: source.rtp)
    stage.pass(.seconds(1))
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
    let info = try #require(stage.feedback(to: 5001).first?.senderInfos.first)
    // A second after the report, whatever the packet's own timestamp and arrival say.
    #expect(abs(Int64(info.rtpTimestamp) - 90_000) <= 1)
}

@Test func `reports of video go out every 1 to 1.5 s, of audio every 4.3 s or more`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.produce("audio", on: source, Parameters.opus(), kind: .audio)
    try stage.receiver("v", of: "video", at: 5000)
    try stage.receiver("a", of: "audio", at: 5100)
    var track = VideoTrack()
    for frame in 0..<1500 {
        for packet in try track.frame(isKeyFrame: frame == 0, size: 20) { stage.feed(packet, on: source.rtp) }
        stage.feed(
            try Packets.rtp(
                payloadType: 100, sequence: frame, timestamp: UInt32(frame * 960), ssrc: 1111, payload: [1]),
            on: source.rtp)
        stage.pass(.milliseconds(20))
    }
    // 30 s: one at once, then one per interval.
    #expect((20...31).contains(stage.feedback(to: 5001).count))
    #expect((5...8).contains(stage.feedback(to: 5101).count))
    // Receiver reports to the source, without a name.
    let blocks = stage.feedback(to: 7000).flatMap(\.packets).filter {
        if case .receiverReport(let report) = $0 { report.ssrc == 0 && report.reports.count > 0 } else { false }
    }
    #expect((20...31).contains(blocks.count))
    #expect(
        !stage.feedback(to: 7000).flatMap(\.packets).contains {
            if case .sourceDescription = $0 { true } else { false }
        })
}

@Test func `the source is told of its losses, and its score falls when it reports`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    for number in 0..<200 {
        let packets = try track.frame(isKeyFrame: number == 0)
        // Every fourth is lost.
        if number % 4 != 3 { for packet in packets { stage.feed(packet, on: source.rtp) } }
        stage.pass(.milliseconds(10))
    }
    var lost: [ReportBlock] = []
    for sent in stage.feedback(to: 7000) {
        for case .receiverReport(let report) in sent.packets where report.reports.count > 0 {
            lost.append(report.reports.block(0, in: sent.bytes.span.bytes))
        }
    }
    let last = try #require(lost.last)
    #expect(last.ssrc == 2222)
    #expect((60...68).contains(last.fractionLost))
    #expect((25...50).contains(last.packetsLost))
    _ = stage.takeEvents()
    stage.feed(Packets.senderReport(ssrc: 2222, ntp: ntp(stage.unixNow), timestamp: 0), on: source.rtp)
    // 150 came, 49 are known lost: (101 / 150)⁴ × 10 = 2.06.
    let score = StreamScore(encodingIndex: 0, ssrc: 2222, score: 2)
    #expect(
        stage.takeEvents() == [
            .consumerScore(
                ConsumerID(rawValue: "c"), ReceiverScore(score: 10, producerScore: 2, producerScores: [2])),
            .producerScore(ProducerID(rawValue: "video"), [score]),
        ])
}

@Test func `a receiver's report gives round trip time and the consumer's score`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    let receiver = try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    for number in 0..<100 {
        for packet in try track.frame(isKeyFrame: number == 0) { stage.feed(packet, on: source.rtp) }
    }
    let info = try #require(stage.feedback(to: 5001).first?.senderInfos.first)
    _ = stage.takeEvents()
    stage.pass(.milliseconds(250))
    let block = ReportBlock(
        ssrc: info.ssrc, fractionLost: 128, packetsLost: 50, lastSenderReport: info.ntp.compact,
        delaySinceLastSenderReport: CompactNTP.delay(.milliseconds(200)))
    stage.feed(
        Packets.receiverReport(block), on: try #require(receiver.rtcp), from: Stage.address("198.51.100.7", 5001))
    // (50 / 100)⁴ × 10 = 0.6.
    #expect(
        stage.takeEvents() == [
            .consumerScore(
                ConsumerID(rawValue: "c"), ReceiverScore(score: 1, producerScore: 10, producerScores: [10]))
        ])
    let stats = try stage.engine.stats(of: ConsumerID(rawValue: "c"), now: stage.now).arrayValue?.first
    let roundTrip = try #require(stats?["roundTripTime"]?.doubleValue)
    #expect(abs(roundTrip - 50) < 0.1)
    #expect(stats?["fractionLost"] == 128)
    #expect(stats?["packetsLost"] == 50)
}

@Test func `RTCP waits until the RTCP side of a comedia transport is known`() throws {
    let stage = try Stage()
    let source = try stage.transport("source")
    try stage.produce("video", on: source, Parameters.vp8())
    var track = VideoTrack()
    for packet in try track.frame() { stage.feed(packet, on: source.rtp) }
    stage.pass(.seconds(5))
    #expect(stage.sent.isEmpty)
    stage.feed(
        Packets.senderReport(ssrc: 2222, ntp: ntp(1), timestamp: 0), on: try #require(source.rtcp),
        from: Stage.address("203.0.113.5", 7001))
    stage.pass(.seconds(2))
    #expect(!stage.feedback(to: 7001).isEmpty)
    #expect(stage.sent.allSatisfy { $0.socket == source.rtcp })
}
