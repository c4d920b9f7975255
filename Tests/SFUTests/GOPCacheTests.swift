import Base
import SFU
import TestSupport
import Testing

/// A stage with a VP8 source that can be fed frame by frame.
private final class Show {
    let stage: Stage
    let source: Stage.Port
    var track = VideoTrack()

    init(_ configuration: SFUConfiguration = SFUConfiguration(), sequence: Int = 100) throws {
        stage = try Stage(configuration)
        source = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: source, Parameters.vp8())
        track.sequence = sequence
    }

    func play(frames: Int, keyFrameFirst: Bool = false, packets: Int = 1, size: Int = 100) throws {
        for frame in 0..<frames {
            let isKeyFrame = keyFrameFirst && frame == 0
            for packet in try track.frame(isKeyFrame: isKeyFrame, packets: packets, size: size) {
                stage.receive(packet, on: source.rtp)
            }
            stage.flush()
            stage.pass(.milliseconds(33))
        }
    }

    /// The packets that a receiver got, checked for a continuous numbering.
    func numbers(_ port: UInt16) -> [Int] {
        let media = stage.media(to: port)
        #expect(zip(media, media.dropFirst()).allSatisfy { $1.sequence == ($0.sequence + 1) & 0xFFFF })
        return media.map(\.number)
    }
}

@Test func `a consumer that starts in the middle gets the packets since the key frame, then live ones`() throws {
    let show = try Show()
    try show.play(frames: 20, keyFrameFirst: true)
    try show.play(frames: 15, keyFrameFirst: true)
    try show.stage.receiver("late", of: "video", at: 5000)
    show.stage.flush()
    try show.play(frames: 10)
    #expect(show.numbers(5000) == Array(20..<45))
    // The timestamps are those of the source, the old ones too.
    #expect(show.stage.media(to: 5000).first?.timestamp == UInt32(90_000 + 20 * 3000))
    #expect(show.stage.feedback(to: 7000).filter(\.isPictureLoss).isEmpty)
}

@Test(arguments: [65_500, 65_535, 0, 32_760])
func `the group of pictures may lie across a wrap of the sequence number`(start: Int) throws {
    let show = try Show(sequence: start)
    try show.play(frames: 50, keyFrameFirst: true)
    try show.stage.receiver("late", of: "video", at: 5000)
    show.stage.flush()
    try show.play(frames: 20)
    #expect(show.numbers(5000) == Array(0..<70))
}

@Test func `catching up is paced and ends without a gap or a duplicate`() throws {
    let show = try Show()
    try show.play(frames: 60, keyFrameFirst: true, packets: 10, size: 1000)
    try show.stage.receiver("late", of: "video", at: 5000)
    show.stage.flush()
    // One burst at once.
    #expect(show.stage.media(to: 5000).count == 32)
    var counts: [Int] = []
    for _ in 0..<4 {
        show.stage.pass(.milliseconds(5))
        counts.append(show.stage.media(to: 5000).count)
    }
    #expect(counts == [64, 96, 128, 160])
    try show.play(frames: 30, packets: 10, size: 1000)
    #expect(show.numbers(5000) == Array(0..<900))
    // 600 packets are 2 s of media: caught up with in a fraction of that.
    let show2 = try Show()
    try show2.play(frames: 60, keyFrameFirst: true, packets: 10, size: 1000)
    try show2.stage.receiver("late", of: "video", at: 5000)
    show2.stage.flush()
    show2.stage.pass(.milliseconds(500))
    #expect(show2.stage.media(to: 5000).count == 600)
}

@Test func `a consumer that is still catching up when its source is about to close gets the rest at once`() throws {
    let show = try Show()
    try show.play(frames: 60, keyFrameFirst: true, packets: 10, size: 1000)
    try show.stage.receiver("late", of: "video", at: 5000)
    show.stage.flush()
    #expect(show.stage.media(to: 5000).count == 32)
    show.stage.engine.hurry(show.source.id, now: show.stage.now)
    show.stage.flush()
    #expect(show.numbers(5000) == Array(0..<600))
}

@Test func `a stream faster than the bursts is caught up with all the same`() throws {
    let show = try Show()
    // 30 packets a millisecond: 288 Mbit/s.
    func play(milliseconds: Int, keyFrame: Bool = false) throws {
        for millisecond in 0..<milliseconds {
            for packet in try show.track.frame(isKeyFrame: keyFrame && millisecond == 0, packets: 30, size: 600) {
                show.stage.receive(packet, on: show.source.rtp)
            }
            show.stage.flush()
            show.stage.pass(.milliseconds(1))
        }
    }
    try play(milliseconds: 40, keyFrame: true)
    try show.stage.receiver("late", of: "video", at: 5000)
    show.stage.flush()
    try play(milliseconds: 40)
    #expect(show.numbers(5000) == Array(0..<2400))
}

@Test func `consumers that start at different times each get all since the key frame`() throws {
    let show = try Show()
    try show.play(frames: 10, keyFrameFirst: true)
    try show.stage.receiver("first", of: "video", at: 5000)
    try show.play(frames: 10)
    try show.stage.receiver("second", of: "video", at: 5100)
    try show.play(frames: 10)
    try show.play(frames: 10, keyFrameFirst: true)
    try show.stage.receiver("third", of: "video", at: 5200)
    try show.play(frames: 10)
    #expect(show.numbers(5000) == Array(0..<50))
    #expect(show.numbers(5100) == Array(0..<50))
    #expect(show.numbers(5200) == Array(30..<50))
}

@Test func `a key frame that comes while a consumer catches up is just the next packet`() throws {
    let show = try Show()
    try show.play(frames: 40, keyFrameFirst: true, packets: 10)
    try show.stage.receiver("late", of: "video", at: 5000)
    show.stage.flush()
    for packet in try show.track.frame(isKeyFrame: true, packets: 10) { show.stage.feed(packet, on: show.source.rtp) }
    #expect(show.stage.media(to: 5000).count < 410)
    show.stage.pass(.milliseconds(200))
    #expect(show.numbers(5000) == Array(0..<410))
}

@Test func `a paused consumer goes on where it was within the group, and with the next one after it`() throws {
    let show = try Show()
    let consumer = ConsumerID(rawValue: "c")
    func pause() throws { try show.stage.engine.pause(consumer, now: show.stage.now, into: &show.stage.outbox) }
    func resume() throws { try show.stage.engine.resume(consumer, now: show.stage.now, into: &show.stage.outbox) }

    try show.stage.receiver("c", of: "video", at: 5000)
    try show.play(frames: 10, keyFrameFirst: true)
    try pause()
    try show.play(frames: 10)
    #expect(show.numbers(5000) == Array(0..<10))
    try resume()
    try show.play(frames: 10)
    // Nothing is missing and nothing comes twice.
    #expect(show.numbers(5000) == Array(0..<30))
    try pause()
    try show.play(frames: 10)
    try show.play(frames: 10, keyFrameFirst: true)
    try resume()
    try show.play(frames: 10)
    #expect(show.numbers(5000) == Array(0..<30) + Array(40..<60))
}

@Test func `a paused producer is not seen, and shows itself with a new key frame`() throws {
    let show = try Show()
    let producer = ProducerID(rawValue: "video")
    try show.stage.receiver("c", of: "video", at: 5000)
    try show.play(frames: 5, keyFrameFirst: true)
    try show.stage.engine.pause(producer, now: show.stage.now, into: &show.stage.outbox)
    try show.play(frames: 5, keyFrameFirst: true)
    // A newcomer sees nothing of what was sent before the pause either.
    try show.stage.receiver("newcomer", of: "video", at: 5100)
    try show.play(frames: 5)
    try show.stage.engine.resume(producer, now: show.stage.now, into: &show.stage.outbox)
    show.stage.flush()
    #expect(show.stage.feedback(to: 7000).filter(\.isPictureLoss).count == 1)
    try show.play(frames: 5)
    try show.play(frames: 5, keyFrameFirst: true)
    #expect(show.numbers(5000) == Array(0..<5) + Array(20..<25))
    #expect(show.numbers(5100) == Array(20..<25))
    #expect(show.stage.drops(show.source).paused == 10)
}

@Test func `a group that grows too large is given up until the next key frame`() throws {
    var configuration = SFUConfiguration()
    configuration.gopCacheBytes = 100_000
    let show = try Show(configuration)
    try show.stage.receiver("early", of: "video", at: 5000)
    try show.play(frames: 200, keyFrameFirst: true, size: 1000)
    try show.stage.receiver("late", of: "video", at: 5100)
    try show.play(frames: 50, size: 1000)
    #expect(show.numbers(5100).isEmpty)
    #expect(show.stage.feedback(to: 7000).filter(\.isPictureLoss).count == 1)
    try show.play(frames: 10, keyFrameFirst: true, size: 1000)
    #expect(show.numbers(5000) == Array(0..<260))
    #expect(show.numbers(5100) == Array(250..<260))
}

@Test func `a group that grows too old is given up`() throws {
    let show = try Show()
    // 12 s are 363 frames of 33 ms.
    try show.play(frames: 363, keyFrameFirst: true)
    try show.stage.receiver("in time", of: "video", at: 5000)
    show.stage.pass(.milliseconds(200))
    try show.play(frames: 10)
    #expect(show.numbers(5000).first == 0)
    try show.stage.receiver("late", of: "video", at: 5100)
    show.stage.pass(.milliseconds(200))
    #expect(show.numbers(5100).isEmpty)
}

@Test func `many groups wrap the ring many times`() throws {
    var configuration = SFUConfiguration()
    configuration.gopCacheBytes = 65_536
    let show = try Show(configuration)
    try show.stage.receiver("early", of: "video", at: 5000)
    var expected: [Int] = []
    for round in 0..<100 {
        let first = show.track.number
        try show.play(frames: 17, keyFrameFirst: true, size: 700)
        let port = UInt16(6000 + 2 * round)
        try show.stage.receiver("c\(round)", of: "video", at: port)
        try show.play(frames: 3, size: 700)
        #expect(show.numbers(port) == Array(first..<first + 20))
        expected += Array(first..<first + 20)
    }
    #expect(show.numbers(5000) == expected)
}

@Test func `the beginning of a key frame that was overtaken is still where the group begins`() throws {
    let show = try Show()
    try show.play(frames: 10, keyFrameFirst: true)
    let packets = try show.track.frame(isKeyFrame: true, packets: 4)
    for place in [1, 2, 0, 3] { show.stage.feed(packets[place], on: show.source.rtp) }
    try show.stage.receiver("late", of: "video", at: 5000)
    show.stage.flush()
    let media = show.stage.media(to: 5000)
    #expect(media.map(\.number) == [11, 12, 10, 13])
    let first = try #require(media.map(\.sequence).min())
    #expect(media.map { $0.sequence - first } == [1, 2, 0, 3])
}

@Test func `an overtaken key frame has the whole of the log, too`() throws {
    var configuration = SFUConfiguration()
    configuration.gopCacheBytes = 2 << 20
    let show = try Show(configuration)
    // 1.1 MB: a key frame would begin the ring anew.
    try show.play(frames: 110, keyFrameFirst: true, packets: 10, size: 1000)
    let packets = try show.track.frame(isKeyFrame: true, packets: 4, size: 1000)
    for place in [1, 0, 2, 3] { show.stage.feed(packets[place], on: show.source.rtp) }
    // 1.4 MB.
    try show.play(frames: 140, packets: 10, size: 1000)
    try show.stage.receiver("late", of: "video", at: 5000)
    show.stage.flush()
    show.stage.pass(.milliseconds(500))
    #expect(show.stage.media(to: 5000).map(\.number) == [1101, 1100] + Array(1102..<2504))
}

@Test func `a waiting consumer starts with whoever's key frame comes first`() throws {
    let show = try Show()
    try show.play(frames: 5)
    try show.stage.receiver("a", of: "video", at: 5000)
    try show.stage.receiver("b", of: "video", at: 5100)
    #expect(show.stage.feedback(to: 7000).filter(\.isPictureLoss).count == 1)
    try show.play(frames: 5, keyFrameFirst: true)
    #expect(show.numbers(5000) == Array(5..<10))
    #expect(show.numbers(5100) == Array(5..<10))
}
