import Base
import SFU
import Testing

private typealias Layer = LayerChoice.Layer

private func layers(_ spatial: UInt8, _ temporal: UInt8) -> ConsumerLayers {
    ConsumerLayers(spatialLayer: spatial, temporalLayer: temporal)
}

private func preference(_ spatial: UInt8 = 2, _ temporal: UInt8 = 2) -> LayerPreference {
    var preference = LayerPreference(spatialLayers: 3, temporalLayers: 3)
    _ = preference.prefer(spatialLayer: spatial, temporalLayer: temporal)
    return preference
}

private let there = Layer()
private let missing = Layer(exists: false)
private let dead = Layer(score: 0)
private let unreported = Layer(isAligned: false)

@Test(arguments: [
    // What is there · preferred · target
    ([there, there, there], layers(2, 2), layers(2, 2)),
    ([there, there, there], layers(2, 0), layers(2, 0)),
    ([there, there, there], layers(0, 1), layers(0, 1)),
    // Less than preferred: all of its temporal layers.
    ([there, there, dead], layers(2, 0), layers(1, 2)),
    ([there, missing, missing], layers(2, 1), layers(0, 2)),
    ([there, there, unreported], layers(2, 2), layers(1, 2)),
    // More than preferred, for want of anything else: the lowest temporal layer.
    ([dead, missing, there], layers(0, 2), layers(2, 0)),
    ([missing, there, there], layers(0, 2), layers(1, 0)),
    ([dead, there, there], layers(1, 1), layers(1, 1)),
])
private func `the highest layer up to the preferred one is aimed at`(
    there: [Layer], preferred: ConsumerLayers, target: ConsumerLayers
) {
    let choice = LayerChoice(preference(preferred.spatialLayer, preferred.temporalLayer))
    #expect(choice.target(there) == target)
}

@Test func `without a usable layer there is no target`() {
    #expect(LayerChoice(preference()).target([missing, dead, unreported]) == nil)
    #expect(LayerChoice(preference()).target([]) == nil)
}

@Test(arguments: [
    (LayerLimit.nothing, nil),
    (.upTo(layers(0, 0)), layers(0, 0)),
    (.upTo(layers(1, 1)), layers(1, 1)),
    (.upTo(layers(2, 2)), layers(2, 2)),
    (.unmanaged, layers(2, 2)),
])
private func `the bandwidth bounds what is aimed at`(limit: LayerLimit, target: ConsumerLayers?) {
    #expect(LayerChoice(preference(), limit: limit).target([there, there, there]) == target)
}

@Test func `with a managed bandwidth a young stream is not climbed to, but taken when it is the only one`() {
    var young = there
    young.activity = .milliseconds(1999)
    let choice = LayerChoice(preference(), limit: .upTo(layers(2, 2)))
    #expect(choice.target([there, young, young]) == layers(0, 2))
    #expect(choice.target([missing, young, young]) == layers(1, 2))
    young.activity = .milliseconds(2000)
    #expect(choice.target([there, young, young]) == layers(2, 2))
    young.activity = .zero
    #expect(LayerChoice(preference()).target([there, young, young]) == layers(2, 2))
}

@Test(arguments: [
    // Asked for · what becomes of it, of three by three
    (UInt8(1), UInt8?.none, layers(1, 2)), (1, 0, layers(1, 0)), (7, 7, layers(2, 2)), (0, 255, layers(0, 2)),
])
private func `preferred layers are bounded by what there is`(
    spatial: UInt8, temporal: UInt8?, becomes: ConsumerLayers
) {
    var preference = preference()
    #expect(preference.preferred == layers(2, 2))
    let changed = preference.prefer(spatialLayer: spatial, temporalLayer: temporal)
    #expect(preference.preferred == becomes)
    #expect(changed == (becomes != layers(2, 2)))
}
