import Base
import SFU
import Testing

/// A frame: K key, digit = temporal layer, ^ = switch point.
private func frames(_ text: String) -> [PacketLayers] {
    text.split(separator: " ").map { word in
        var layers = PacketLayers(spatial: 0, temporal: UInt8(word.filter(\.isNumber)) ?? 0)
        layers.startsKeyFrame = word.contains("K")
        layers.isSwitchPoint = word.contains("^")
        (layers.startsFrame, layers.endsFrame) = (true, true)
        return layers
    }
}

/// Which of the frames pass, as "x" and ".".
private func passed(_ filter: inout TemporalFilter, _ text: String, from first: UInt64 = 1000) -> String {
    var result = ""
    for (place, layers) in frames(text).enumerated() {
        let index = first + UInt64(place)
        if layers.startsKeyFrame, place == 0 { filter.begin() }
        let accepts = filter.accepts(layers, timestamp: UInt32(index) * 3000, index: index)
        result += accepts ? "x" : "."
    }
    return result
}

@Test(arguments: [
    (UInt8(2), "xxxxxxxxx", UInt8(2)), (1, "x.x.x.x.x", 1), (0, "x...x...x", 0),
])
private func `temporal layers above the target are left out`(target: UInt8, expected: String, current: UInt8) {
    var filter = TemporalFilter(target: target)
    #expect(passed(&filter, "K0 2^ 1^ 2 0 2 1 2 0") == expected)
    #expect(filter.current == current)
}

@Test func `the target falls with the next frame and rises at a switch point`() {
    var filter = TemporalFilter(target: 2)
    #expect(passed(&filter, "K0 2^ 1^ 2") == "xxxx")
    filter.target = 0
    #expect(passed(&filter, "0 2 1 2 0", from: 2000) == "x...x")
    #expect(filter.current == 0)
    filter.target = 2
    // Neither 2 nor 1 can be decoded without what was left out, until one says so.
    #expect(passed(&filter, "2 1 2 0 2 1^ 2 0 2^ 1 2", from: 3000) == "...x.x.xxxx")
    #expect(filter.current == 2)
}

@Test func `a frame is never cut in two`() {
    var filter = TemporalFilter(target: 2)
    var layers = PacketLayers(spatial: 0, temporal: 2)
    filter.begin()
    #expect(filter.accepts(layers, timestamp: 3000, index: 10) == true)
    filter.target = 0
    #expect(filter.accepts(layers, timestamp: 3000, index: 11) == true)
    #expect(filter.accepts(layers, timestamp: 6000, index: 12) == false)
    filter.target = 2
    // A switch point in the midst of a frame that was left out is none.
    layers.isSwitchPoint = true
    #expect(filter.accepts(layers, timestamp: 6000, index: 13) == false)
    #expect(filter.accepts(layers, timestamp: 9000, index: 14) == true)
}

@Test func `a late packet goes the way of its layer and judges nothing`() {
    var filter = TemporalFilter(target: 1)
    #expect(passed(&filter, "K0 2^ 1^ 2 0") == "x.x.x")
    let late = (PacketLayers(spatial: 0, temporal: 1), PacketLayers(spatial: 0, temporal: 2))
    #expect(filter.accepts(late.0, timestamp: 100, index: 900) == true)
    #expect(filter.accepts(late.1, timestamp: 200, index: 901) == false)
    #expect(filter.accepts(PacketLayers(spatial: 0, temporal: 0), timestamp: 1004 * 3000, index: 1005) == true)
}
