/// Closes the gaps that packets leave which are not forwarded (padding only), and tells duplicates.
///
///     incoming  10 11 12p 13 14      p: padding only
///     outgoing  10 11     12 13
///
/// It works on extended indexes, once per producer: all consumers share the outgoing numbering and only add a
/// constant of their own.
public struct SequenceCompactor: Sendable {
    public enum Fate: Sendable, Hashable {
        /// Forward it under this index.
        case forward(UInt64)
        case duplicate
        /// From so far back that its number can't be told any more.
        case tooOld
    }

    /// Keeps outgoing indexes of packets from before the first one above zero.
    private static let base: Int64 = 65_536
    /// Removed indexes that are remembered: as many as reordering reaches back over.
    private static let memory = 32
    /// Indexes whose arrival is remembered; above mediasoup's MaxMisorder of 1500.
    private static let window: Int64 = 2048

    private var highest: Int64?
    /// All indexes that were taken out so far.
    private var removedCount: Int64 = 0
    /// The last of them, a ring.
    private var removed = InlineArray<32, Int64>(repeating: .min)
    private var removedNext = 0
    /// Packets below are refused.
    private var floor = Int64.min
    /// One bit for each of the last 2048 indexes.
    private var seen = InlineArray<32, UInt64>(repeating: 0)

    public init() {}

    /// Where the packet with this index goes. Each index is forwarded once.
    public mutating func forward(_ index: Int64) -> Fate {
        guard index >= floor else { return .tooOld }
        if let highest, index <= highest - Self.window { return .tooOld }
        guard mark(index) else { return .duplicate }
        return .forward(UInt64(bitPattern: index + Self.base - shift(at: index)))
    }

    /// Takes an index out. A late one leaves its gap: what came after it has been numbered already.
    public mutating func remove(_ index: Int64) {
        if let highest, index <= highest - Self.window { return }
        let isNewest = highest.map { index > $0 } ?? true
        guard index >= floor, mark(index), isNewest else { return }
        if removed[removedNext] != .min { floor = max(floor, removed[removedNext] + 1) }
        removed[removedNext] = index
        removedNext = (removedNext + 1) % Self.memory
        removedCount += 1
    }

    /// The sender started over at this index: it follows the last one without a gap.
    public mutating func restart(at index: Int64) {
        if let highest { removedCount += index - highest - 1 }
        for slot in 0..<Self.memory { removed[slot] = .min }
        removedNext = 0
        floor = index
        highest = nil
        seen = InlineArray(repeating: 0)
    }

    /// How many indexes below this one were taken out.
    private func shift(at index: Int64) -> Int64 {
        guard let highest, index < highest else { return removedCount }
        var later: Int64 = 0
        for slot in 0..<Self.memory where removed[slot] > index { later += 1 }
        return removedCount - later
    }

    /// False when it was there before.
    private mutating func mark(_ index: Int64) -> Bool {
        if let highest, index > highest {
            let steps = index - highest
            if steps >= Self.window {
                seen = InlineArray(repeating: 0)
            } else {
                for step in 1...steps { clear(highest + step) }
            }
        }
        if index > highest ?? .min { highest = index }
        let (word, bit) = place(of: index)
        guard seen[word] & bit == 0 else { return false }
        seen[word] |= bit
        return true
    }

    private mutating func clear(_ index: Int64) {
        let (word, bit) = place(of: index)
        seen[word] &= ~bit
    }

    private func place(of index: Int64) -> (Int, UInt64) {
        let place = Int(index & (Self.window - 1))
        return (place >> 6, 1 << UInt64(place & 63))
    }
}
