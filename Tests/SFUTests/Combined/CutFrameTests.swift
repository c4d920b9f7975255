import Base
import SFU
import Testing

/// What a producer's pause in the midst of a frame leaves behind it.
@Test(arguments: [1, 2, 3])
func `a frame that a pause cut off is not followed without a gap`(sent count: Int) throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true, packets: 2) { stage.feed(packet, on: source.rtp) }
    for packet in try track.frame(packets: 3).prefix(count) { stage.feed(packet, on: source.rtp) }
    let id = ProducerID(rawValue: "video")
    try stage.engine.pause(id, now: stage.now, into: &stage.outbox)
    stage.pass(.milliseconds(100))
    try stage.engine.resume(id, now: stage.now, into: &stage.outbox)
    stage.flush()
    for packet in try track.frame(isKeyFrame: true, packets: 2) { stage.feed(packet, on: source.rtp) }
    for packet in try track.frame(packets: 2) { stage.feed(packet, on: source.rtp) }
    let first = try #require(stage.media(to: 5000).first?.sequence)
    let numbers = stage.media(to: 5000).map { ($0.sequence - first) & 0xFFFF }
    let next = 2 + count + (count < 3 ? 1 : 0)
    #expect(numbers == Array(0..<2 + count) + Array(next..<next + 4))
}

@Test func `a consumer that goes on within its group neither repeats nor leaves out anything`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    let id = ConsumerID(rawValue: "c")
    for number in 0..<40 {
        for (place, packet) in try track.frame(isKeyFrame: number == 0, packets: 3).enumerated() {
            stage.feed(packet, on: source.rtp)
            guard place == number % 3 else { continue }
            if number % 8 == 3 { try stage.engine.pause(id, now: stage.now, into: &stage.outbox) }
            if number % 8 == 6 { try stage.engine.resume(id, now: stage.now, into: &stage.outbox) }
        }
        stage.flush()
        stage.pass(.milliseconds(33))
    }
    let media = stage.media(to: 5000)
    #expect(media.map(\.number) == Array(0..<120))
    #expect(zip(media, media.dropFirst()).allSatisfy { ($0.sequence + 1) & 0xFFFF == $1.sequence })
    #expect(stage.feedback(to: 7000).filter(\.isPictureLoss).isEmpty)
}
