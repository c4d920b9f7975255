import Base
import ORTC
import SFU
import TestSupport
import Testing

@Test func `a source is asked at most once a second, and again if somebody asked meanwhile in vain`() {
    var requester = KeyFrameRequester(interval: .seconds(1))
    func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }
    var sent = [requester.request(now: at(0))]
    #expect(requester.deadline == nil)
    sent += [requester.request(now: at(300)), requester.request(now: at(400))]
    #expect(requester.deadline == at(1000))
    sent += [requester.advance(to: at(999)), requester.advance(to: at(1000))]
    #expect(sent == [true, false, false, false, true])
    // Repeated once: nobody has asked since.
    #expect(requester.deadline == nil)
    sent = [requester.request(now: at(1500))]
    requester.keyFrameReceived()
    #expect(requester.deadline == nil)
    sent += [requester.request(now: at(2000))]
    #expect(sent == [false, true])
}

private func play(_ stage: Stage, _ source: Stage.Port, _ track: inout VideoTrack, frames: Int) throws {
    for _ in 0..<frames {
        for packet in try track.frame() { stage.feed(packet, on: source.rtp) }
        stage.pass(.milliseconds(100))
    }
}

@Test(arguments: [
    ([RTCPFeedback("nack", "pli"), RTCPFeedback("ccm", "fir")], "PLI"), ([RTCPFeedback("ccm", "fir")], "FIR"),
    ([RTCPFeedback("nack"), RTCPFeedback("goog-remb")], "nothing"), ([], "nothing"),
])
func `a source is asked in a way that it has signalled`(feedback: [RTCPFeedback], expected: String) throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8(feedback: feedback))
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    try play(stage, source, &track, frames: 5)
    let requests = stage.feedback(to: 7000).filter { $0.isPictureLoss || $0.isFullIntraRequest }
    switch expected {
    case "PLI": #expect(requests.count == 1 && requests[0].isPictureLoss)
    case "FIR": #expect(requests.count == 1 && requests[0].isFullIntraRequest)
    default: #expect(requests.isEmpty)
    }
}

@Test func `receivers that complain together cause one request a second`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    var ports: [(Stage.Port, UInt32, UInt16)] = []
    for number in 0..<10 {
        let transport = try stage.transport("to-\(number)", comedia: false, rtcpMux: true)
        try stage.connect(transport, to: UInt16(5000 + number))
        let consumer = try stage.consume("c\(number)", on: transport, of: "video")
        ports.append((transport, try #require(consumer.rtpParameters.encodings.first?.ssrc), UInt16(5000 + number)))
    }
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
    for _ in 0..<30 {
        for (port, ssrc, number) in ports {
            stage.feed(Packets.pictureLoss(ssrc: ssrc), on: port.rtp, from: Stage.address("198.51.100.7", number))
        }
        try play(stage, source, &track, frames: 1)
    }
    // At 0, 1, 2 s; the one at 3 s may just be due.
    #expect((3...4).contains(stage.feedback(to: 7000).filter(\.isPictureLoss).count))
    let stats = try stage.engine.stats(of: ConsumerID(rawValue: "c0"), now: stage.now).arrayValue
    #expect(stats?.first?["pliCount"] == 30)
}

@Test func `a request by name goes upstream, unless the consumer or its producer is paused`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    let (consumer, producer) = (ConsumerID(rawValue: "c"), ProducerID(rawValue: "video"))
    func requests() throws -> Int {
        try stage.engine.requestKeyFrame(consumer, now: stage.now, into: &stage.outbox)
        stage.collect()
        stage.pass(.seconds(2))
        defer { stage.sent = [] }
        return stage.feedback(to: 7000).filter(\.isPictureLoss).count
    }
    // No stream yet: nobody to ask.
    #expect(try requests() == 0)
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
    #expect(try requests() == 1)
    try stage.engine.pause(consumer, now: stage.now, into: &stage.outbox)
    #expect(try requests() == 0)
    try stage.engine.resume(consumer, now: stage.now, into: &stage.outbox)
    _ = try requests()
    try stage.engine.pause(producer, now: stage.now, into: &stage.outbox)
    #expect(try requests() == 0)
}

@Test func `an H264 consumer starts at the parameter sets`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.h264())
    try stage.receiver("c", of: "video", at: 5000)
    // IDR alone (5), inter (1), SPS (7), PPS (8), IDR, inter.
    for (place, unit) in ([0x65, 0x41, 0x67, 0x68, 0x65, 0x41] as [UInt8]).enumerated() {
        stage.feed(
            try Packets.rtp(
                payloadType: 112, sequence: place, timestamp: place < 2 ? 0 : 3000, ssrc: 2222,
                payload: [unit, 1, 2, UInt8(place)]), on: source.rtp)
    }
    #expect(stage.media(to: 5000).map { $0.payload[3] } == [2, 3, 4, 5])
    #expect(stage.media(to: 5000).allSatisfy { $0.header?.payloadType == 107 })
    #expect(stage.feedback(to: 7000).filter(\.isFullIntraRequest).count == 1)
}
