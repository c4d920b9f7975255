import SFU
import Testing

@Suite struct DropCounterTests {
    @Test func `every reason has a name, and sums are of every reason`() {
        var drops = DropCounters()
        for (number, reason) in DropCounters.reasons.enumerated() { drops[keyPath: reason.path] += 1 << UInt64(number) }
        // Each bit once: no counter is named twice, none is left out.
        #expect(drops.total == 1 << UInt64(DropCounters.reasons.count) - 1)
        #expect(Set(DropCounters.reasons.map(\.name)).count == DropCounters.reasons.count)
        #expect(Mirror(reflecting: drops).children.count == DropCounters.reasons.count)
        var sum = drops
        sum += drops
        #expect(sum.total == drops.total * 2)
    }
}
