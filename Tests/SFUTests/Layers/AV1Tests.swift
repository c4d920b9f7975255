import Base
import ORTC
import RTP
import SFU
import TestSupport
import Testing

@Suite struct AV1Tests {
    private func source(_ structure: AV1Structure) throws -> AV1Source { try AV1Source(structure, on: Stage()) }

    @Test func `temporal layers fall with the next frame and rise at switch points only`() throws {
        let source = try source(.oneSpatial)
        try source.play(1, isKey: true)
        let state = try source.stage.consumeLayers(
            "c", at: 5000, preferring: PreferredLayers(spatialLayer: 0, temporalLayer: 0))
        #expect(state.type == "svc")
        // 1…4: 2 1 2 0.
        try source.play(4)
        #expect(source.pictures(to: 5000) == ["0:0!", "4:0!"])
        let requests = source.requests
        // Behind the T1 of 6 stands a T2 that references it: whoever climbs there can decode nothing. 8 is T0, 9 T2 on it.
        try source.play(2)
        try source.stage.prefer(0, 2)
        try source.play(3)
        #expect(source.pictures(to: 5000) == ["0:0!", "4:0!", "8:0!", "9:0!"])
        try source.play(3)
        try source.stage.prefer(0, 1)
        try source.play(4)
        #expect(
            source.pictures(to: 5000).dropFirst(4) == ["10:0!", "11:0!", "12:0!", "14:0!", "16:0!"])
        source.expectDecodable(to: 5000)
        #expect(source.requests == requests)
        #expect(source.stage.layerEvents() == ["0.0", "0.2", "0.1"])
    }

    @Test func `spatial layers of full SVC fall after any picture and rise at a key picture`() throws {
        let source = try source(.full)
        try source.play(1, isKey: true)
        _ = try source.stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 1))
        try source.play(3)
        let requests = source.requests
        try source.stage.prefer(0)
        try source.play(2)
        #expect(source.requests == requests)
        try source.stage.prefer(2)
        #expect(source.requests == requests + 1)
        try source.play(2)
        try source.play(2, isKey: true)
        #expect(
            source.pictures(to: 5000) == [
                "0:01!", "1:01!", "2:01!", "3:01!", "4:0!", "5:0!", "6:0!", "7:0!", "8:012!", "9:012!",
            ])
        source.expectDecodable(to: 5000)
        #expect(source.stage.layerEvents() == ["1.0", "1.2", "0.2", "2.0", "2.2"])
    }

    @Test func `of K-SVC only the own spatial layer goes out beside key pictures`() throws {
        let source = try source(.keyOnly)
        try source.play(1, isKey: true)
        _ = try source.stage.consumeLayers("c", at: 5000)
        try source.play(2)
        let requests = source.requests
        try source.stage.prefer(0)
        #expect(source.requests == requests + 1)
        try source.play(1)
        try source.play(2, isKey: true)
        try source.stage.prefer(1)
        try source.play(1)
        try source.play(2, isKey: true)
        #expect(
            source.pictures(to: 5000) == [
                "0:012!", "1:2!", "2:2!", "3:2!", "4:0!", "5:0!", "6:0!", "7:01!", "8:1!",
            ])
        source.expectDecodable(to: 5000)
    }

    @Test(arguments: AV1Structure.all.map(\.mode))
    func `the structure of templates reaches the receiver with each key picture`(mode: String) throws {
        let structure = try #require(AV1Structure.all.first { $0.mode == mode })
        let source = try source(structure)
        try source.play(1, isKey: true)
        _ = try source.stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 0))
        try source.play(5)
        // Another structure's numbers.
        source.templateOffset = 3
        try source.play(5, isKey: true)
        var reader = DependencyDescriptorReader()
        var seen: [String] = []
        for sent in source.stage.media(to: 5000) {
            let header = try #require(sent.header)
            let found = header.headerExtension(id: 8, in: sent.bytes.span.bytes)
            let element = try #require(found)
            let read = reader.read(element, in: sent.bytes.span.bytes)
            let descriptor = try #require(read)
            let frame = source.frames[AV1Source.content(sent).frame]
            #expect((Int(descriptor.spatialLayer), Int(descriptor.temporalLayer)) == (frame.spatial, frame.temporal))
            if descriptor.hasStructure { seen.append("\(frame.picture)") }
        }
        #expect(seen == ["0", "6"])
        #expect(reader.spatialLayers == structure.spatialLayers && reader.temporalLayers == 3)
    }

    /// Receivers that change their minds at any time, and a camera that answers.
    @Test(arguments: AV1Structure.all.map(\.mode), [UInt64(1), 2, 3])
    func `whatever layers are asked for when, each frame that goes out can be decoded`(
        mode: String, seed: UInt64
    ) throws {
        let structure = try #require(AV1Structure.all.first { $0.mode == mode })
        let source = try source(structure)
        var random = SeededGenerator(seed: seed)
        try source.play(1, isKey: true)
        _ = try source.stage.consumeLayers("c", at: 5000)
        var wanted = ConsumerLayers(spatialLayer: 0, temporalLayer: 0)
        for _ in 0..<60 {
            wanted.spatialLayer = .random(in: 0..<UInt8(structure.spatialLayers), using: &random)
            wanted.temporalLayer = .random(in: 0...2, using: &random)
            try source.stage.prefer(wanted.spatialLayer, wanted.temporalLayer)
            try source.play(.random(in: 1...12, using: &random), answersRequests: true)
        }
        // A request may have to wait for a second.
        try source.play(40, answersRequests: true)
        source.expectDecodable(to: 5000, "seed \(seed)")
        #expect(source.stage.layerEvents().last == wanted.description, "seed \(seed)")
        // Each step is told; more than a few were taken.
        #expect(source.stage.layerEvents().count > 20, "seed \(seed)")
    }

    @Test func `a switch point whose first packet comes late is not climbed to in part`() throws {
        let source = try source(.full)
        try source.play(1, isKey: true)
        _ = try source.stage.consumeLayers(
            "c", at: 5000, preferring: PreferredLayers(spatialLayer: 2, temporalLayer: 0))
        try source.play(4)
        try source.stage.prefer(2, 2)
        // T2 on T0: its lowest layer's first packet comes last.
        let picture = try source.next()
        for packet in picture.dropFirst() + [picture[0]] { source.stage.feed(packet, on: source.port.rtp) }
        try source.play(8)
        source.expectWhole(to: 5000)
        #expect(source.newest(to: 5000)?.spatialLayer == 2)
        #expect(source.stage.layerEvents().last == "2.2")
    }

    @Test(arguments: [AV1Structure.full.mode, AV1Structure.keyOnly.mode])
    func `a spatial climb waits for a key picture that comes in order, which is asked for`(mode: String) throws {
        let source = try source(try #require(AV1Structure.all.first { $0.mode == mode }))
        try source.play(1, isKey: true)
        _ = try source.stage.consumeLayers("c", at: 5000, preferring: PreferredLayers(spatialLayer: 0))
        try source.play(4)
        try source.stage.prefer(2)
        // The first packet of the key picture comes behind its upper layers.
        let picture = try source.next(isKey: true)
        for packet in picture.dropFirst() + [picture[0]] { source.stage.feed(packet, on: source.port.rtp) }
        let requests = source.requests
        for _ in 0..<12 { try source.play(4, answersRequests: true) }
        #expect(source.requests == requests + 1)
        source.expectWhole(to: 5000)
        #expect(source.stage.layerEvents().last == "2.2")
    }

    @Test func `a late key picture does not bring its structure back`() throws {
        let source = try source(.oneSpatial)
        try source.play(1, isKey: true)
        _ = try source.stage.consumeLayers(
            "c", at: 5000, preferring: PreferredLayers(spatialLayer: 0, temporalLayer: 0))
        try source.play(4)
        let late = try source.next(isKey: true)
        for packet in late.dropFirst() { source.stage.feed(packet, on: source.port.rtp) }
        try source.play(3)
        source.templateOffset = 3
        try source.play(4, isKey: true)
        source.stage.feed(late[0], on: source.port.rtp)
        try source.play(4)
        // Were templates unknown, all layers would pass for the lowest.
        let temporals = source.stage.media(to: 5000).map { source.frames[AV1Source.content($0).frame].temporal }
        #expect(temporals.allSatisfy { $0 == 0 })
        #expect(source.pictures(to: 5000).suffix(3) == ["9:0!", "5:", "13:0!"])
    }

    @Test func `an upper layer that is not sent any more is left, and taken up with a key picture`() throws {
        let source = try source(.full)
        try source.play(1, isKey: true)
        _ = try source.stage.consumeLayers("c", at: 5000)
        try source.play(3)
        source.withheld = 1
        // 1.5 s.
        try source.play(50, isKey: true)
        #expect(source.stage.layerEvents().last == "1.2")
        source.withheld = 0
        let requests = source.requests
        try source.play(1, isKey: true)
        #expect(source.requests == requests + 1)
        try source.play(2, isKey: true)
        #expect(source.pictures(to: 5000).suffix(3) == ["54:01!", "55:012!", "56:012!"])
        #expect(source.stage.layerEvents().last == "2.2")
    }
}
