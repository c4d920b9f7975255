import Base
import ORTC
import RTP
import SFU
import Testing

@Test(arguments: [false, true])
private func `three encodings are told apart, by SSRC and by RID, and the highest is forwarded`(
    usesRIDs: Bool
) throws {
    let stage = try Stage()
    let source = try LayeredSource(stage, usesRIDs: usesRIDs)
    let state = try stage.consumeLayers("c", at: 5000)
    #expect(state.type == "simulcast")
    #expect(state.preferredLayers == ConsumerLayers(spatialLayer: 2, temporalLayer: 2))
    #expect(state.score == ReceiverScore(score: 10, producerScore: 0, producerScores: [0, 0, 0]))
    try source.play(1, keys: [0, 1, 2])
    // SSRCs are known by their packets only: reports before them say nothing.
    if usesRIDs { try source.report() }
    try source.play(1, keys: [2])
    try source.play(30)
    let packets = stage.layered(to: 5000)
    expectContinuity(packets)
    // Begun with what was there first; with the highest as soon as it could be aligned.
    #expect(packets.last?.place == 2)
    #expect(packets.first?.isKey == true)
    #expect(packets.filter { $0.place == 2 }.count >= 30 * 3)
    #expect(stage.layerEvents().last == "2.2")
    #expect(try stage.engine.currentLayers(of: ConsumerID(rawValue: "c"))?.description == "2.2")
}

@Test func `a second SSRC for a RID is ignored`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage, usesRIDs: true)
    _ = try stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 0))
    try source.play(4, keys: [0, 1, 2])
    source.encodings[0].ssrc = 999
    try source.play(4, keys: [0])
    #expect(stage.drops(source.port).otherStream == 4)
    #expect(stage.layered(to: 5000).map(\.number) == [0, 1, 2, 3])
}

@Test func `a switch up is served from the cached group: at once, without a request, without going back`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage)
    try source.play(1, keys: [0, 1, 2])
    _ = try stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 0))
    try source.play(40)
    let before = stage.layered(to: 5000).count
    let requests = (0..<3).map { source.requests($0) }
    try stage.prefer(2)
    // In the very same turn its first packets are out.
    let after = stage.layered(to: 5000).dropFirst(before)
    #expect(after.first.map { [$0.place, $0.number, $0.isKey ? 1 : 0] } == [2, 0, 1])
    #expect(after.count == 32)
    try source.play(30)
    let packets = stage.layered(to: 5000)
    expectContinuity(packets)
    #expect((0..<3).map { source.requests($0) } == requests)
    // Everything of the group came, and live pictures are on the line of the first stream.
    let live = packets.filter { $0.number > 45 }
    #expect(live.allSatisfy { $0.timestamp == UInt32(10_000 + $0.number * 3000) && $0.place == 2 })
    #expect(Set(packets.filter { $0.place == 2 }.map(\.number)) == Set(0...70))
    #expect(stage.layerEvents() == ["0.0", "0.2", "2.2"])
}

@Test func `a switch to a group that is too old waits for a key frame that is asked for`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage)
    try source.play(1, keys: [0, 1, 2])
    _ = try stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 1, temporalLayer: 0))
    // 5 s; by then nothing of the start is left in the air.
    try source.play(150)
    let requests = source.requests(0)
    try stage.prefer(0, 0)
    #expect(source.requests(0) == requests + 1)
    try source.play(5)
    #expect(stage.layered(to: 5000).last?.place == 1)
    try source.play(3, keys: [0])
    #expect(stage.layered(to: 5000).last?.place == 0)
    try source.play(10)
    let packets = stage.layered(to: 5000)
    expectContinuity(packets)
    #expect(packets.first { $0.place == 0 }?.isKey == true)
    #expect(packets.allSatisfy { $0.timestamp == UInt32(truncatingIfNeeded: 4_294_900_000 + $0.number * 3000) })
    #expect(stage.layerEvents() == ["1.0", "0.0"])
}

@Test(arguments: [UInt64(1), 2, 3])
private func `switches during loss leave a gap only for what was lost`(seed: UInt64) throws {
    let stage = try Stage()
    let source = try LayeredSource(stage)
    var random = RandomSource.seeded(seed)
    try source.play(1, keys: [0, 1, 2])
    _ = try stage.consumeLayers("c", at: 5000)
    var lost: Set<Int> = []
    var order = 0
    for round in 0..<12 {
        let keys: Set<Int> = round % 3 == 0 ? [0, 1, 2] : []
        try source.play(10, keys: keys) { place, sequence in
            order += 1
            guard UInt64.random(in: 0..<20, using: &random) == 0 else { return false }
            lost.insert(place << 16 | sequence)
            return true
        }
        try stage.prefer(UInt8(round % 3), UInt8(round % 2 + 1))
    }
    try source.play(20)
    let packets = stage.layered(to: 5000)
    // Numbers rise one by one or skip what was lost; timestamps rise with every picture.
    var missing = 0
    for (before, after) in zip(packets, packets.dropFirst()) {
        let step = (after.sequence - before.sequence) & 0xFFFF
        #expect((1...8).contains(step), "seed \(seed): \(before) then \(after)")
        missing += step - 1
        let isSame = (after.place, after.number) == (before.place, before.number)
        let ticks = Int32(bitPattern: after.timestamp &- before.timestamp)
        #expect(isSame ? ticks == 0 : ticks > 0, "seed \(seed): \(before) then \(after)")
        // Another stream begins with a key frame; if the last frame was cut off before, a number is left out.
        if after.place != before.place {
            #expect(after.isKey, "seed \(seed): \(before) then \(after)")
            #expect(step == (before.marker ? 1 : 2), "seed \(seed): \(before) then \(after)")
        }
    }
    #expect(missing <= lost.count + 12, "seed \(seed)")
    #expect(packets.count > 300)
}

@Test func `temporal layers fall and rise without a gap in numbers or picture ids`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage)
    try source.play(1, keys: [0, 1, 2])
    _ = try stage.consumeLayers("c", at: 5000)
    try source.play(11)
    try stage.prefer(2, 0)
    try source.play(12)
    try stage.prefer(2, 1)
    try source.play(12)
    try stage.prefer(2, 2)
    try source.play(12)
    let packets = stage.layered(to: 5000)
    expectContinuity(packets)
    func temporals(_ numbers: Range<Int>) -> Set<Int> {
        Set(packets.filter { numbers.contains($0.number) }.map(\.temporal))
    }
    #expect(temporals(0..<12) == [0, 1, 2])
    #expect(temporals(12..<24) == [0])
    #expect(temporals(24..<36) == [0, 1])
    #expect(temporals(36..<48) == [0, 1, 2])
    #expect(Array(stage.layerEvents().suffix(4)) == ["2.2", "2.0", "2.1", "2.2"])
}

@Test func `a layer that falls silent is left for the next one, and taken up again`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage, encodings: 2)
    try source.play(1, keys: [0, 1])
    _ = try stage.consumeLayers("c", at: 5000)
    try source.play(10)
    _ = stage.takeEvents()
    source.encodings[1].isOn = false
    try source.play(44)
    #expect(stage.takeEvents().isEmpty)
    try source.play(4)
    let names = stage.takeEvents()
    // In mediasoup's order: consumer, its layers, the producer last.
    let low = ConsumerLayers(spatialLayer: 0, temporalLayer: 2)
    #expect(
        names == [
            .consumerScore(
                ConsumerID(rawValue: "c"), ReceiverScore(score: 10, producerScore: 0, producerScores: [10, 0])),
            .producerScore(
                ProducerID(rawValue: "video"),
                [
                    StreamScore(encodingIndex: 0, ssrc: 1001, score: 10),
                    StreamScore(encodingIndex: 1, ssrc: 1002, score: 0),
                ]),
            .consumerLayers(ConsumerID(rawValue: "c"), low),
            .consumerScore(
                ConsumerID(rawValue: "c"), ReceiverScore(score: 10, producerScore: 10, producerScores: [10, 0])),
        ])
    #expect(stage.layered(to: 5000).last?.place == 0)
    source.encodings[1].isOn = true
    try source.play(20, keys: [1])
    #expect(stage.layered(to: 5000).last?.place == 1)
    expectContinuity(stage.layered(to: 5000))
    // All of it ends.
    _ = stage.takeEvents()
    stage.pass(.milliseconds(1600))
    #expect(stage.layerEvents() == ["none"])
    source.encodings[1].isOn = false
    try source.play(3, keys: [0])
    #expect(stage.layerEvents() == ["none", "0.0", "0.2"])
    #expect(stage.layered(to: 5000).last?.number == source.number - 1)
}

@Test func `without sender reports there is no other layer than the first`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage, reports: false)
    try source.play(1, keys: [0, 1, 2])
    _ = try stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 1))
    try source.play(5)
    #expect(stage.layered(to: 5000).last?.place == 1)
    try stage.prefer(2)
    try source.play(5)
    #expect(stage.layered(to: 5000).last?.place == 1)
    try source.report([2])
    try source.play(5)
    #expect(stage.layered(to: 5000).last?.place == 1)
    // Both are known: the wish is remembered.
    try source.report([1])
    try source.play(5)
    #expect(stage.layered(to: 5000).last?.place == 2)
    expectContinuity(stage.layered(to: 5000))
}

@Test func `a resumed consumer's first packets leave with the command`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage)
    try source.play(1, keys: [0, 1, 2])
    _ = try stage.consumeLayers("c", at: 5000, paused: true)
    try source.play(20)
    #expect(stage.layered(to: 5000).isEmpty)
    let requests = (0..<3).map { source.requests($0) }
    try stage.engine.resume(ConsumerID(rawValue: "c"), now: stage.now, into: &stage.outbox)
    stage.flush()
    #expect(stage.layered(to: 5000).first?.isKey == true)
    #expect((0..<3).map { source.requests($0) } == requests)
    try source.play(10)
    #expect(stage.layered(to: 5000).last?.number == source.number - 1)
    // Paused, another group begins, resumed: no picture twice, none without what it builds on.
    try stage.engine.pause(ConsumerID(rawValue: "c"), now: stage.now, into: &stage.outbox)
    stage.flush()
    try source.play(10)
    try source.play(10, keys: [0, 1, 2])
    try stage.engine.resume(ConsumerID(rawValue: "c"), now: stage.now, into: &stage.outbox)
    try source.play(10)
    let packets = stage.layered(to: 5000)
    expectContinuity(packets)
    #expect(Set(packets.map(\.number)) == Set(0..<31).union(41..<61))
    #expect(stage.layerEvents() == ["2.2", "none", "2.2"])
}

@Test func `consumers of one producer have each their own layers`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage)
    try source.play(1, keys: [0, 1, 2])
    for place in 0..<3 {
        _ = try stage.consumeLayers(
            "c\(place)", at: UInt16(5000 + 100 * place), preferring: PreferredLayers(spatialLayer: UInt8(place)))
    }
    try source.play(20)
    for place in 0..<3 {
        let packets = stage.layered(to: UInt16(5000 + 100 * place))
        expectContinuity(packets)
        #expect(packets.allSatisfy { $0.place == place })
        #expect(packets.count == 21 * (place + 1))
    }
}

@Test func `a producer that pauses takes its layers away, and shows them with a new key frame`() throws {
    let stage = try Stage()
    let source = try LayeredSource(stage)
    try source.play(1, keys: [0, 1, 2])
    _ = try stage.consumeLayers("c", at: 5000)
    try source.play(10)
    let video = ProducerID(rawValue: "video")
    try stage.engine.pause(video, now: stage.now, into: &stage.outbox)
    stage.flush()
    try source.play(60)
    let requests = source.requests(2)
    try stage.engine.resume(video, now: stage.now, into: &stage.outbox)
    stage.flush()
    #expect(source.requests(2) == requests + 1)
    try source.play(5)
    try source.play(10, keys: [0, 1, 2])
    let packets = stage.layered(to: 5000)
    expectContinuity(packets)
    #expect(Set(packets.map(\.number)) == Set(0..<11).union(76..<86))
    #expect(stage.layerEvents() == ["2.0", "2.2", "none", "2.0", "2.2"])
}
