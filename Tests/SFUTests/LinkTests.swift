import Base
import TestSupport
import Testing

private let start = Instant(nanoseconds: 1_000_000_000)

@Test func `a link repeats itself for the same seed, and not for another`() {
    func arrivals(seed: UInt64) -> [[UInt8]] {
        var link = Link(
            seed: seed, loss: 0.2, duplication: 0.1, reordering: 0.1, jitter: .milliseconds(3), rate: 1_000_000)
        for number in 0..<200 {
            link.send([UInt8(number)] + [UInt8](repeating: 0, count: 99), at: start + .milliseconds(number))
        }
        return link.arrivals(until: start + .seconds(5))
    }
    #expect(arrivals(seed: 1) == arrivals(seed: 1))
    #expect(arrivals(seed: 1) != arrivals(seed: 2))
}

@Test func `a link loses about the share it is told to`() {
    var link = Link(seed: 42, loss: 0.1)
    for _ in 0..<10_000 { link.send([0], at: start) }
    #expect((900...1100).contains(link.lostCount))
    #expect(link.arrivals(until: start + .seconds(1)).count == 10_000 - link.lostCount)
    #expect(link.isEmpty)
}

@Test func `jitter delays but does not reorder, reordering does`() {
    var jittery = Link(seed: 42, delay: .milliseconds(10), jitter: .milliseconds(20))
    var disorderly = Link(seed: 42, reordering: 0.2, delay: .milliseconds(10))
    for number in 0..<100 {
        jittery.send([UInt8(number)], at: start + .milliseconds(number))
        disorderly.send([UInt8(number)], at: start + .milliseconds(number))
    }
    let before = jittery.arrivals(until: start + .milliseconds(9)).count
    #expect(before == 0)
    let (kept, changed) = (
        jittery.arrivals(until: start + .seconds(1)), disorderly.arrivals(until: start + .seconds(1))
    )
    #expect(kept == (0..<100).map { [UInt8($0)] })
    #expect(changed != kept && Set(changed) == Set(kept))
}

@Test func `a link of limited rate spaces datagrams out, and loses what its queue can't hold`() {
    // 1,000 bytes at 800,000 bit/s take 10 ms.
    var link = Link(seed: 42, delay: .milliseconds(5), rate: 800_000, queue: 5000)
    for number in 0..<10 { link.send([UInt8(number)] + [UInt8](repeating: 0, count: 999), at: start) }
    #expect(link.lostCount == 5)
    #expect(link.nextArrival == start + .milliseconds(15))
    let counts = (1...6).map { link.arrivals(until: start + .milliseconds(5 + 10 * $0)).count }
    #expect(counts == [1, 1, 1, 1, 1, 0])
}
