import Base
import SFU
import TestSupport
import Testing

/// What became of each packet, in the words of the tables below: its number relative to the first that was forwarded,
/// `d` for a duplicate, `x` for too old, nothing for one that was taken out.
///
/// - Parameter packets: Indexes in order of arrival: `12` forwards, `12p` takes out, `12r` begins anew there.
private func walk(_ packets: String, from start: Int64) -> String {
    var compactor = SequenceCompactor()
    var base: UInt64?
    var fates: [String] = []
    for word in packets.split(separator: " ") {
        let index = start + (Int64(word.prefix { $0.isNumber || $0 == "-" }) ?? 0)
        switch word.last {
        case "p": compactor.remove(index)
        default:
            if word.last == "r" { compactor.restart(at: index) }
            switch compactor.forward(index) {
            case .forward(let out):
                base = base ?? out
                fates.append("\(Int64(bitPattern: out &- (base ?? out)))")
            case .duplicate: fates.append("d")
            case .tooOld: fates.append("x")
            }
        }
    }
    return fates.joined(separator: " ")
}

@Test(arguments: [Int64(100), 65_530, 131_060])
func `numbers are rewritten by the table`(start: Int64) {
    let table: [(String, String, String)] = [
        ("nothing happens", "0 1 2 3", "0 1 2 3"),
        ("a loss stays a gap", "0 1 3 4", "0 1 3 4"),
        ("a late one takes its place", "0 2 1 3", "0 2 1 3"),
        ("one from before the first", "5 4 6", "0 -1 1"),
        ("a duplicate", "0 1 1 0 2", "0 1 d d 2"),
        ("a packet taken out leaves no gap", "0 1p 2 3", "0 1 2"),
        ("several in a row", "0 1p 2p 3p 4", "0 1"),
        ("taken out at the beginning", "0p 1 2", "0 1"),
        ("the same one twice", "0 1p 1p 2", "0 1"),
        ("a loss beside one taken out", "0 1p 3", "0 2"),
        ("late, from before the one taken out", "0 2p 3 1 4", "0 2 1 3"),
        ("late, from between two taken out", "0 1p 4p 5 2 3 6", "0 3 1 2 4"),
        ("taken out late: what came after has its number, the gap stays", "0 2 1p 3", "0 2 3"),
        ("forwarded after it was taken out", "0 1p 2 1", "0 1 d"),
        ("taken out after it was forwarded", "0 1 1p 2", "0 1 2"),
        ("beginning anew, forward", "0 1 5000r 5001", "0 1 2 3"),
        ("beginning anew after one taken out", "0 1p 2 5000r 5002", "0 1 2 4"),
        ("from before the new beginning", "0 1 5000r 4999 1 5001", "0 1 2 x x 3"),
        ("one from very far back", "0 3000 952 953", "0 3000 x 953"),
    ]
    for (name, packets, expected) in table {
        #expect(walk(packets, from: start) == expected, "\(name): \(packets)")
    }
}

@Test func `more packets taken out than are remembered: late ones from before are refused, not misnumbered`() {
    var compactor = SequenceCompactor()
    var outgoing: [UInt64] = []
    // Every second one of 200 is taken out, one in between is late.
    for index in Int64(1000)..<1200 where index != 1010 && index != 1190 {
        if index % 2 == 1 {
            compactor.remove(index)
        } else if case .forward(let out) = compactor.forward(index) {
            outgoing.append(out)
        }
    }
    let (early, late) = (compactor.forward(1010), compactor.forward(1190))
    #expect(early == .tooOld)
    let hole = outgoing.first.map { $0 + 95 }
    #expect(late == hole.map { .forward($0) })
    #expect(outgoing.count == 98 && Set(outgoing).count == 98)
    #expect(!outgoing.contains(hole ?? 0))
}

@Test(arguments: [UInt64(1), 2, 3, 4])
func `whatever comes in whatever order, no number is given twice`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var compactor = SequenceCompactor()
    var given: [UInt64: Int64] = [:]
    var newest: Int64 = 65_000
    for step in 0..<20_000 {
        let index: Int64
        switch random.next() % 10 {
        case 0: index = newest - Int64(random.next() % 3000)
        case 1: index = newest + 1 + Int64(random.next() % 40)
        default: index = newest + 1
        }
        newest = max(newest, index)
        if random.next() % 8 == 0 {
            compactor.remove(index)
        } else if case .forward(let out) = compactor.forward(index) {
            #expect(given[out] == nil, "seed \(seed), step \(step): \(index) and \(given[out] ?? 0)")
            given[out] = index
        }
    }
    // In the order of what came in.
    let inOrder = given.sorted { $0.key < $1.key }.map(\.value)
    #expect(zip(inOrder, inOrder.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
}
