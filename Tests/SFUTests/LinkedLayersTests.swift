import Base
import RTCP
import SFU
import Testing

/// A camera of several encodings on the near router, seen on the far one.
private struct LinkedCamera {
    let linked: Linked
    let source: LayeredSource
    var far: Stage { linked.far }

    init(encodings: Int = 3) throws {
        linked = try Linked()
        source = try LayeredSource(linked.near, encodings: encodings)
    }

    func play(
        _ count: Int, keys: Set<Int> = [], dropping isLost: (_ place: Int, _ sequence: Int) -> Bool = { _, _ in false }
    ) throws {
        for step in 0..<count {
            try source.play(1, keys: step == 0 ? keys : [], dropping: isLost)
            far.pass(linked.near.now - far.now)
            linked.carry()
        }
    }

    func pass(_ duration: Duration) {
        for _ in 0..<Int(duration.nanoseconds / 100_000_000) { linked.pass(.milliseconds(100)) }
    }
}

@Suite struct LinkedLayersTests {
    private let viewer = ConsumerID(rawValue: "c")

    @Test func `layers are chosen and switched at the far side, from its own cached groups`() throws {
        let camera = try LinkedCamera()
        try camera.linked.pipe("video")
        try camera.play(1, keys: [0, 1, 2])
        let state = try camera.far.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 0))
        #expect(state.type == "simulcast")
        #expect(state.preferredLayers == ConsumerLayers(spatialLayer: 0, temporalLayer: 2))
        try camera.play(40)
        let requests = (0..<3).map { camera.source.requests($0) }
        try camera.far.prefer(2)
        try camera.play(30)
        try camera.far.prefer(1, 0)
        try camera.play(30)
        let packets = camera.far.layered(to: 5000)
        expectContinuity(packets)
        #expect(camera.far.layerEvents() == ["0.0", "0.2", "2.2", "1.0"])
        #expect(Set(packets.filter { $0.place == 2 }.map(\.number)).isSuperset(of: 0...70))
        #expect(packets.last?.place == 1 && packets.last?.temporal == 0)
        #expect((0..<3).map { camera.source.requests($0) } == requests)
    }

    @Test func `a switch that needs a key frame asks the camera for it, of that encoding`() throws {
        let camera = try LinkedCamera()
        try camera.linked.pipe("video")
        try camera.play(1, keys: [0, 1, 2])
        _ = try camera.far.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 1))
        // 5 s: the group is too old to begin with.
        try camera.play(150)
        let requests = (0..<3).map { camera.source.requests($0) }
        try camera.far.prefer(2)
        camera.linked.carry()
        #expect((0..<3).map { camera.source.requests($0) } == [requests[0], requests[1], requests[2] + 1])
        #expect(camera.far.layered(to: 5000).last?.place == 1)
        try camera.play(10, keys: [2])
        #expect(camera.far.layered(to: 5000).last?.place == 2)
        expectContinuity(camera.far.layered(to: 5000))
    }

    @Test func `an encoding that falls silent is left at the far side, too, and taken up again`() throws {
        let camera = try LinkedCamera(encodings: 2)
        try camera.linked.pipe("video")
        try camera.play(1, keys: [0, 1])
        _ = try camera.far.consumeLayers("c", at: 5000)
        try camera.play(10)
        _ = camera.far.takeEvents()
        camera.source.encodings[1].isOn = false
        try camera.play(48)
        let low = ConsumerLayers(spatialLayer: 0, temporalLayer: 2)
        // The camera's own score is told of the original only.
        #expect(
            camera.far.takeEvents() == [
                .consumerScore(viewer, ReceiverScore(score: 10, producerScore: 0, producerScores: [10, 0])),
                .consumerLayers(viewer, low),
                .consumerScore(viewer, ReceiverScore(score: 10, producerScore: 10, producerScores: [10, 0])),
            ])
        camera.source.encodings[1].isOn = true
        try camera.play(20, keys: [1])
        #expect(camera.far.layered(to: 5000).last?.place == 1)
        expectContinuity(camera.far.layered(to: 5000))
        let scores = camera.far.takeEvents().compactMap {
            if case .consumerScore(_, let score) = $0 { score.producerScores } else { nil }
        }
        #expect(scores.last == [10, 10])
    }

    @Test func `what a camera loses on its way is its score at the far side`() throws {
        let camera = try LinkedCamera(encodings: 2)
        try camera.play(1, keys: [0, 1])
        try camera.linked.pipe("video")
        _ = try camera.far.consumeLayers("c", at: 5000)
        try camera.play(30, dropping: { place, sequence in place == 1 && sequence % 4 == 0 })
        _ = (camera.linked.near.takeEvents(), camera.far.takeEvents())
        try camera.source.report()
        camera.linked.carry()
        let near = camera.linked.near.takeEvents().compactMap {
            if case .producerScore(_, let scores) = $0 { scores.map(\.score) } else { nil }
        }
        let told = try #require(near.last)
        #expect(told[0] == 10 && told[1] < 10)
        let far = camera.far.takeEvents()
        #expect(
            far.last
                == .consumerScore(
                    viewer, ReceiverScore(score: 10, producerScore: told[1], producerScores: told)))
        #expect(!far.contains { if case .producerScore = $0 { true } else { false } })
        // Who comes to the far side later knows it from the beginning; who is piped later, too.
        #expect(try camera.far.consumeLayers("d", at: 6000).score.producerScores == told)
    }

    @Test func `a link that was made for its receivers goes with the last of them, and the original stays`() throws {
        let linked = try Linked()
        try linked.near.produce("video", on: linked.source, Parameters.vp8())
        let (consumer, _) = try linked.pipe("video", closesWhenUnused: true)
        try linked.receiver("a", of: "video", at: 5000)
        try linked.receiver("b", of: "video", at: 6000)
        func leave(_ name: String) {
            linked.far.engine.close(ConsumerID(rawValue: name), now: linked.far.now, into: &linked.far.outbox)
            linked.far.engine.closeUnusedLinks(now: linked.far.now, into: &linked.far.outbox)
            linked.far.collect()
            linked.carry()
        }
        leave("a")
        #expect(linked.far.canConsume(ProducerID(rawValue: "video"), on: linked.farRouter))
        leave("b")
        #expect(!linked.far.canConsume(ProducerID(rawValue: "video"), on: linked.farRouter))
        #expect(throws: SFUError.self) { _ = try linked.near.engine.stats(of: consumer.id, now: linked.near.now) }
        #expect(linked.near.canConsume(ProducerID(rawValue: "video"), on: Stage.room))
        // One that was asked for by name stays.
        try linked.pipe("video")
        try linked.receiver("c", of: "video", at: 7000)
        leave("c")
        #expect(linked.far.canConsume(ProducerID(rawValue: "video"), on: linked.farRouter))
    }
}
