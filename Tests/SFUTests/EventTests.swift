import Base
import SFU
import TestSupport
import Testing

private let video = ProducerID(rawValue: "video")

@Test func `the first packet tells scores, the producer's before the consumer's, and that media flows`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000, paused: true)
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
    let score = ReceiverScore(score: 10, producerScore: 10, producerScores: [10])
    #expect(
        Array(stage.takeEvents().dropFirst()) == [
            .producerScore(video, [StreamScore(encodingIndex: 0, ssrc: 2222, score: 10)]),
            .consumerScore(ConsumerID(rawValue: "c"), score), .producerFlowing(video, true),
        ])
    for packet in try track.frame() { stage.feed(packet, on: source.rtp) }
    #expect(stage.takeEvents().isEmpty)
}

@Test func `a second of silence is told, and the first packet after it`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    var track = VideoTrack()
    for number in 0..<20 {
        for packet in try track.frame(isKeyFrame: number == 0) { stage.feed(packet, on: source.rtp) }
        stage.pass(.milliseconds(400))
    }
    #expect(stage.takeEvents().contains(.producerFlowing(video, true)))
    stage.pass(.milliseconds(550))
    #expect(stage.takeEvents().isEmpty)
    stage.pass(.milliseconds(100))
    #expect(stage.takeEvents() == [.producerFlowing(video, false)])
    stage.pass(.seconds(100))
    #expect(stage.takeEvents().isEmpty)
    for packet in try track.frame() { stage.feed(packet, on: source.rtp) }
    #expect(stage.takeEvents() == [.producerFlowing(video, true)])
}

@Test func `what was never announced flows nowhere`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    stage.feed(try Packets.rtp(sequence: 1, ssrc: 99, payload: [1]), on: source.rtp)
    stage.feed(try Packets.rtp(payloadType: 97, sequence: 1, ssrc: 2222, payload: [1]), on: source.rtp)
    #expect(stage.takeEvents().count == 1)
    #expect(stage.drops(source).noProducer == 1 && stage.drops(source).payloadType == 1)
}
