import Base
import SFU
import Testing

/// Three VP8 producers on one transport.
private final class Cameras {
    let stage: Stage
    let port: Stage.Port
    var tracks: [VideoTrack]

    init(budget: Int) throws {
        var configuration = SFUConfiguration()
        configuration.gopBudget.totalBytes = budget
        stage = try Stage(configuration)
        port = try stage.transport("cameras", comedia: true, rtcpMux: true)
        tracks = [2001, 2002, 2003].map { VideoTrack(ssrc: $0) }
        for track in tracks { try stage.produce("v\(track.ssrc)", on: port, Parameters.vp8(ssrc: track.ssrc)) }
    }

    func play(_ camera: Int, frames: Int, isKey: Bool = false, size: Int = 1000) throws {
        for frame in 0..<frames {
            for packet in try tracks[camera].frame(isKeyFrame: isKey && frame == 0, size: size) {
                stage.feed(packet, on: port.rtp)
            }
        }
    }

    /// What a newcomer gets of a camera at once.
    func start(_ camera: Int, at port: UInt16) throws -> [Int] {
        try stage.receiver("c\(port)", of: "v\(tracks[camera].ssrc)", at: port)
        stage.flush()
        stage.pass(.milliseconds(500))
        return stage.media(to: port).map(\.number)
    }

    /// The engine is no copyable value, so the macros of tests can't look into it themselves.
    var kept: Int { stage.engine.gopBytes }
}

@Test func `beyond the budget of all groups the largest is given up`() throws {
    let cameras = try Cameras(budget: 400_000)
    try cameras.play(0, frames: 100, isKey: true)
    try cameras.play(1, frames: 200, isKey: true)
    try cameras.play(2, frames: 50, isKey: true)
    #expect((350_000...400_000).contains(cameras.kept))
    try cameras.play(2, frames: 100)
    // 1 was the largest; 0 and 2 still begin with their pictures.
    #expect(cameras.kept <= 300_000)
    #expect(try cameras.start(0, at: 5000) == Array(0..<100))
    #expect(try cameras.start(1, at: 5100).isEmpty)
    #expect(try cameras.start(2, at: 5200) == Array(0..<150))
    #expect(cameras.stage.feedback(to: Stage.source.port).count { $0.isPictureLoss } == 1)
    // Its next key frame begins a new one.
    try cameras.play(1, frames: 10, isKey: true)
    #expect(try cameras.start(1, at: 5300) == Array(200..<210))
}

@Test func `groups too old to begin with are given up before any other`() throws {
    let cameras = try Cameras(budget: 400_000)
    try cameras.play(0, frames: 100, isKey: true)
    cameras.stage.pass(.seconds(13))
    try cameras.play(1, frames: 200, isKey: true)
    try cameras.play(2, frames: 100, isKey: true)
    #expect(try cameras.start(1, at: 5100) == Array(0..<200))
    #expect(try cameras.start(2, at: 5200) == Array(0..<100))
}

@Test func `whoever is still reading a group that is given up loses nothing`() throws {
    let cameras = try Cameras(budget: 400_000)
    try cameras.play(1, frames: 250, isKey: true)
    try cameras.stage.receiver("slow", of: "v2002", at: 5000)
    cameras.stage.flush()
    #expect(cameras.stage.media(to: 5000).count == 32)
    // Far beyond, in the same moment.
    try cameras.play(0, frames: 200, isKey: true)
    cameras.stage.pass(.seconds(1))
    #expect(cameras.stage.media(to: 5000).map(\.number) == Array(0..<250))
}

@Test func `closed and paused producers take nothing of the budget`() throws {
    let cameras = try Cameras(budget: 400_000)
    for camera in 0..<3 { try cameras.play(camera, frames: 50, isKey: true) }
    try cameras.stage.engine.pause(
        ProducerID(rawValue: "v2001"), now: cameras.stage.now, into: &cameras.stage.outbox)
    cameras.stage.engine.close(ProducerID(rawValue: "v2002"), now: cameras.stage.now, into: &cameras.stage.outbox)
    #expect((50_000...60_000).contains(cameras.kept))
    cameras.stage.engine.close(cameras.port.id, now: cameras.stage.now, into: &cameras.stage.outbox)
    #expect(cameras.kept == 0)
}
