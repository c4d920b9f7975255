import Base
import SFU
import Testing

/// A stream of three spatial and up to three temporal layers, two packets a layer frame, as one consumer gets it.
private struct Scene {
    var filter: SVCFilter
    private var index: UInt64 = 70_000
    private var picture: UInt32 = 0
    /// What went out, as "spatial.temporal" of each packet; "!" with a marker.
    var seen: [String] = []

    init(_ spatial: UInt8, _ temporal: UInt8, isKSVC: Bool = false) {
        filter = SVCFilter(
            target: ConsumerLayers(spatialLayer: spatial, temporalLayer: temporal), isKSVC: isKSVC)
    }

    mutating func picture(_ temporal: UInt8 = 0, isKey: Bool = false, switches: Bool = false, layers: UInt8 = 3) {
        seen = []
        picture &+= 3000
        for spatial in 0..<layers {
            for half in 0..<2 {
                var packet = PacketLayers(spatial: spatial, temporal: temporal)
                packet.startsFrame = half == 0
                packet.endsFrame = half == 1
                packet.startsKeyFrame = isKey && spatial == 0 && half == 0
                packet.isInterPicturePredicted = !isKey
                packet.isSwitchPoint = switches
                judge(packet, isMarked: half == 1 && spatial == layers - 1)
            }
        }
    }

    private mutating func judge(_ packet: PacketLayers, isMarked: Bool) {
        index += 1
        let fate = filter.judge(packet, isMarked: isMarked, timestamp: picture, index: index)
        if case .forward(let marker) = fate {
            seen.append("\(packet.spatial).\(packet.temporal)\(marker ? "!" : "")")
        }
    }

    mutating func aim(_ spatial: UInt8, _ temporal: UInt8 = 0) -> Bool {
        filter.aim(at: ConsumerLayers(spatialLayer: spatial, temporalLayer: temporal))
    }
}

@Test func `nothing goes out before a key picture`() {
    var scene = Scene(2, 2)
    scene.picture()
    #expect(scene.seen.isEmpty)
    scene.picture(isKey: true)
    #expect(scene.seen == ["0.0", "0.0", "1.0", "1.0", "2.0", "2.0!"])
}

@Test func `full SVC sends all layers up to the target, and marks the last packet of that`() {
    var scene = Scene(1, 2)
    scene.picture(isKey: true)
    #expect(scene.seen == ["0.0", "0.0", "1.0", "1.0!"])
    scene.picture()
    #expect(scene.seen == ["0.0", "0.0", "1.0", "1.0!"])
    // A picture without the current layer keeps its own marker.
    scene.picture(layers: 1)
    #expect(scene.seen == ["0.0", "0.0!"])
}

@Test func `full SVC goes down after any picture and up at a key picture`() {
    var scene = Scene(2, 0)
    scene.picture(isKey: true)
    let asksDown = scene.aim(0)
    #expect(!asksDown)
    scene.picture()
    #expect(scene.seen == ["0.0", "0.0!"])
    #expect(scene.filter.current?.spatialLayer == 0)
    let asksUp = scene.aim(1)
    #expect(asksUp)
    scene.picture()
    #expect(scene.seen == ["0.0", "0.0!"])
    scene.picture(isKey: true)
    #expect(scene.seen == ["0.0", "0.0", "1.0", "1.0!"])
    #expect(scene.filter.current == ConsumerLayers(spatialLayer: 1, temporalLayer: 0))
}

@Test func `K-SVC sends lower layers of key pictures only`() {
    var scene = Scene(2, 0, isKSVC: true)
    scene.picture(isKey: true)
    #expect(scene.seen == ["0.0", "0.0", "1.0", "1.0", "2.0", "2.0!"])
    scene.picture()
    #expect(scene.seen == ["2.0", "2.0!"])
}

@Test func `K-SVC changes its layer at key pictures only, both ways`() {
    var scene = Scene(2, 0, isKSVC: true)
    scene.picture(isKey: true)
    let asksDown = scene.aim(0)
    #expect(asksDown)
    scene.picture()
    #expect(scene.seen == ["2.0", "2.0!"])
    scene.picture(isKey: true)
    #expect(scene.seen == ["0.0", "0.0!"])
    scene.picture()
    #expect(scene.seen == ["0.0", "0.0!"])
    let asksUp = scene.aim(1)
    #expect(asksUp)
    scene.picture()
    #expect(scene.seen == ["0.0", "0.0!"])
    scene.picture(isKey: true)
    #expect(scene.seen == ["0.0", "0.0", "1.0", "1.0!"])
    scene.picture()
    #expect(scene.seen == ["1.0", "1.0!"])
}

@Test func `temporal layers fall with the next picture and rise at a switch point`() {
    var scene = Scene(1, 2)
    scene.picture(isKey: true)
    scene.picture(2, switches: true)
    #expect(scene.seen == ["0.2", "0.2", "1.2", "1.2!"])
    #expect(scene.filter.current == ConsumerLayers(spatialLayer: 1, temporalLayer: 2))
    let asksDown = scene.aim(1, 0)
    #expect(!asksDown)
    scene.picture(1)
    #expect(scene.seen.isEmpty)
    scene.picture(0)
    #expect(scene.seen == ["0.0", "0.0", "1.0", "1.0!"])
    let asksUp = scene.aim(1, 2)
    #expect(!asksUp)
    scene.picture(2)
    #expect(scene.seen.isEmpty)
    scene.picture(1, switches: true)
    #expect(scene.seen == ["0.1", "0.1", "1.1", "1.1!"])
    scene.picture(2, switches: true)
    #expect(scene.seen == ["0.2", "0.2", "1.2", "1.2!"])
}

@Test func `after a key picture all temporal layers can be decoded`() {
    var scene = Scene(0, 2)
    scene.picture(isKey: true)
    #expect(scene.filter.current == ConsumerLayers(spatialLayer: 0, temporalLayer: 0))
    scene.picture(2)
    #expect(scene.seen == ["0.2", "0.2!"])
    #expect(scene.filter.current == ConsumerLayers(spatialLayer: 0, temporalLayer: 2))
}

@Test func `a target that is taken back before a key picture changes nothing`() {
    var scene = Scene(1, 0)
    scene.picture(isKey: true)
    _ = scene.aim(2)
    let asks = scene.aim(1)
    #expect(!asks)
    scene.picture(isKey: true)
    #expect(scene.seen == ["0.0", "0.0", "1.0", "1.0!"])
}
