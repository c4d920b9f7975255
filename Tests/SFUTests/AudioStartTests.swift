import Base
import SFU
import TestSupport
import Testing

/// A sender with a VP8 and an Opus track, 50 packets a second each.
private final class Show {
    let stage: Stage
    let source: Stage.Port
    let audioSource: Stage.Port
    var track = VideoTrack()
    /// Of the audio packets; it stands in their timestamps, and so in what receivers get.
    var number = 0

    init(_ configuration: SFUConfiguration = SFUConfiguration(), audioCNAME: String = "camera") throws {
        stage = try Stage(configuration)
        source = try stage.transport("video source", rtcpMux: true, cname: "camera")
        audioSource = try stage.transport("audio source", rtcpMux: true, cname: audioCNAME)
        try stage.produce("video", on: source, Parameters.vp8())
        try stage.produce("audio", on: audioSource, Parameters.opus(), kind: .audio)
    }

    func play(_ count: Int, keyFrameFirst: Bool = false) throws {
        for place in 0..<count {
            for packet in try track.frame(isKeyFrame: keyFrameFirst && place == 0) {
                stage.feed(packet, on: source.rtp)
            }
            stage.pass(.milliseconds(10))
            stage.feed(
                try Packets.rtp(
                    payloadType: 100, sequence: 65_500 + number, timestamp: UInt32(960 * number), ssrc: 1111,
                    payload: Array(repeating: 1, count: 80)), on: audioSource.rtp)
            number += 1
            stage.pass(.milliseconds(10))
        }
    }

    /// The numbers of the audio packets that a receiver got, checked for a continuous numbering.
    func audio(_ port: UInt16) -> [Int] {
        let media = stage.media(to: port).filter { $0.header?.payloadType == 100 }
        #expect(zip(media, media.dropFirst()).allSatisfy { $1.sequence == ($0.sequence + 1) & 0xFFFF })
        return media.map { Int($0.timestamp) / 960 }
    }

    func pause(_ id: ProducerID) throws { try stage.engine.pause(id, now: stage.now, into: &stage.outbox) }
    func resume(_ id: ProducerID) throws { try stage.engine.resume(id, now: stage.now, into: &stage.outbox) }
    func pause(_ id: ConsumerID) throws { try stage.engine.pause(id, now: stage.now, into: &stage.outbox) }
    func resume(_ id: ConsumerID) throws { try stage.engine.resume(id, now: stage.now, into: &stage.outbox) }
}

@Test func `audio that starts late begins with its sender's picture, and goes on without a gap or a duplicate`() throws
{
    let show = try Show()
    try show.play(50, keyFrameFirst: true)
    try show.play(120, keyFrameFirst: true)
    try show.stage.receiver("v", of: "video", at: 5000)
    try show.stage.receiver("a", of: "audio", at: 5100)
    show.stage.flush()
    // Paced like video.
    #expect(show.audio(5100) == Array(50..<82))
    try show.play(30)
    #expect(show.audio(5100) == Array(50..<200))
    #expect(show.stage.media(to: 5000).map(\.number) == Array(50..<200))
    // It is told from the first packet on which time the timestamps mean.
    let report = try #require(show.stage.sent.firstIndex { $0.destination.port == 5101 })
    let second = try #require(show.stage.sent.lastIndex { $0.destination.port == 5100 && $0.timestamp == 82 * 960 })
    #expect(report < second)
}

@Test func `a consumer that was made paused begins with the picture when it is resumed`() throws {
    let show = try Show()
    try show.play(20, keyFrameFirst: true)
    try show.stage.receiver("a", of: "audio", at: 5100, paused: true)
    try show.play(20)
    #expect(show.audio(5100).isEmpty)
    try show.resume(ConsumerID(rawValue: "a"))
    try show.play(10)
    #expect(show.audio(5100) == Array(0..<50))
}

@Test func `audio of another sender, and audio without a picture, is live`() throws {
    let other = try Show(audioCNAME: "microphone")
    try other.play(20, keyFrameFirst: true)
    try other.stage.receiver("a", of: "audio", at: 5100)
    try other.play(5)
    #expect(other.audio(5100) == Array(20..<25))

    let alone = try Show()
    try alone.play(20)
    try alone.stage.receiver("a", of: "audio", at: 5100)
    try alone.play(5)
    #expect(alone.audio(5100) == Array(20..<25))

    // The picture is too old.
    let old = try Show()
    try old.play(601, keyFrameFirst: true)
    try old.stage.receiver("a", of: "audio", at: 5100)
    try old.play(5)
    #expect(old.audio(5100) == Array(601..<606))
}

@Test func `audio that goes on after a pause is live: what came meanwhile is over`() throws {
    let show = try Show()
    try show.play(10, keyFrameFirst: true)
    try show.stage.receiver("a", of: "audio", at: 5100)
    try show.play(10)
    try show.pause(ConsumerID(rawValue: "a"))
    try show.play(10)
    try show.resume(ConsumerID(rawValue: "a"))
    try show.play(10)
    #expect(show.audio(5100) == Array(0..<20) + Array(30..<40))
}

@Test func `nothing from before a producer's pause is given to those who come later`() throws {
    let show = try Show()
    try show.play(10, keyFrameFirst: true)
    try show.pause(ProducerID(rawValue: "audio"))
    try show.play(10)
    try show.resume(ProducerID(rawValue: "audio"))
    try show.play(10)
    try show.stage.receiver("a", of: "audio", at: 5100)
    try show.play(10)
    #expect(show.audio(5100) == Array(20..<40))
}

@Test func `a receiver that has had the video since before the picture gets live audio`() throws {
    let show = try Show()
    let receiver = try show.stage.receiver("v", of: "video", at: 5000)
    try show.play(30, keyFrameFirst: true)
    // It began with this very picture.
    try show.stage.consume("a", on: receiver, of: "audio")
    try show.play(30)
    #expect(show.audio(5000) == Array(0..<60))
    try show.play(30, keyFrameFirst: true)
    // It has had others before.
    try show.play(10, keyFrameFirst: true)
    try show.stage.consume("b", on: receiver, of: "audio")
    try show.play(10)
    let second = show.stage.media(to: 5000).filter { $0.header?.payloadType == 100 }.dropFirst(60 + 40)
    #expect(second.map { Int($0.timestamp) / 960 } == (100..<110).flatMap { [$0, $0] })
}

@Test func `audio begins with the oldest packet that the log still has`() throws {
    var configuration = SFUConfiguration()
    configuration.audioLogBytes = 65_536
    let show = try Show(configuration)
    // 92 bytes, a record of 24, filled up to 120: 546 in 64 KB, one record of which closes the lap.
    try show.play(590, keyFrameFirst: true)
    try show.stage.receiver("a", of: "audio", at: 5100)
    show.stage.pass(.seconds(1))
    let audio = show.audio(5100)
    #expect(audio.count > 500 && audio.count < 590)
    #expect(audio == Array((590 - audio.count)..<590))
}
