import SFU
import Testing

@Test func `left out packets leave no gap, lost ones do`() {
    var numbering = LayerNumbering(firstOutgoing: 100)
    numbering.begin(at: 10)
    #expect(numbering.forward(10) == 100)
    numbering.remove(11)
    #expect(numbering.forward(12) == 101)
    // 13 is lost.
    numbering.remove(14)
    numbering.remove(15)
    #expect(numbering.forward(16) == 103)
    // It comes: its number was kept.
    #expect(numbering.forward(13) == 102)
    #expect(numbering.last == 103)
    // A late one that is left out keeps its gap.
    #expect(numbering.forward(18) == 105)
    numbering.remove(17)
    #expect(numbering.forward(19) == 106)
}

@Test func `a switch goes on with the next number, or skips one`() {
    var numbering = LayerNumbering(firstOutgoing: 100)
    numbering.begin(at: 10)
    #expect(numbering.forward(10) == 100)
    numbering.begin(at: 5000)
    #expect(numbering.forward(5000) == 101)
    // Older than the switch: no number is left for it.
    #expect(numbering.forward(4999) == nil)
    numbering.begin(at: 77, skipping: 1)
    #expect(numbering.forward(77) == 103)
}

@Test(arguments: [UInt64(1), 2, 3, 4])
private func `every packet gets its own number in whatever order it comes`(seed: UInt64) {
    var random = RandomSource.seeded(seed)
    var numbering = LayerNumbering(firstOutgoing: 1)
    numbering.begin(at: 1_000_000)
    // What each index should become: computed in order, one index in three left out, whose removal is told in order.
    var expected: [UInt64: UInt64] = [:]
    var left: Set<UInt64> = []
    var next: UInt64 = 1
    for index in UInt64(1_000_000)..<1_010_000 {
        if index > 1_000_000, UInt64.random(in: 0..<3, using: &random) == 0 {
            left.insert(index)
        } else {
            expected[index] = next
            next += 1
        }
    }
    // One in ten of those that go out comes up to 300 later.
    var late: [UInt64: [UInt64]] = [:]
    for index in UInt64(1_000_000)..<1_010_000 {
        if left.contains(index) {
            numbering.remove(index)
        } else if UInt64.random(in: 0..<10, using: &random) == 0, index > 1_000_000 {
            late[index + UInt64.random(in: 1...300, using: &random), default: []].append(index)
        } else {
            #expect(numbering.forward(index) == expected[index], "seed \(seed)")
        }
        for behind in late[index] ?? [] {
            #expect(numbering.forward(behind) == expected[behind], "seed \(seed), late \(behind) at \(index)")
        }
    }
}

@Test func `what is older than can be told apart is refused`() {
    var numbering = LayerNumbering(firstOutgoing: 1)
    numbering.begin(at: 1)
    _ = numbering.forward(1)
    _ = numbering.forward(5000)
    #expect(numbering.forward(3976) == nil)
    #expect(numbering.forward(3977) == 3977)
}
