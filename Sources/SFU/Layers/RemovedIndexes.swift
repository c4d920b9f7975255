/// Which of the last indexes of a stream were taken out of its numbering: a packet that comes late still finds out by how
/// much less its own was lowered.
struct RemovedIndexes: Sendable {
    /// How late a packet may come and still get its own number. Twice what a sender at 1,000 packets a second sends
    /// within a round trip of the worst kind.
    static let window: UInt64 = 1024

    /// The highest that was spoken of.
    private(set) var newest: UInt64
    /// One bit for each index of the window.
    private var bits = InlineArray<16, UInt64>(repeating: 0)

    init(newest: UInt64) { self.newest = newest }

    /// - Parameter index: Not below `newest`.
    mutating func insert(_ index: UInt64) {
        advance(to: index)
        bits[Self.word(index)] |= Self.bit(index)
    }

    /// Forgets what lies a window behind. Whoever inserts without having advanced is right, too.
    mutating func advance(to index: UInt64) {
        if index - newest >= Self.window {
            bits = InlineArray(repeating: 0)
        } else {
            var passed = newest + 1
            while passed <= index {
                bits[Self.word(passed)] &= ~Self.bit(passed)
                passed += 1
            }
        }
        newest = index
    }

    /// How many were taken out above an older one; nil: that is forgotten.
    func count(above index: UInt64) -> UInt64? {
        guard newest - index < Self.window else { return nil }
        var count: UInt64 = 0
        var next = index + 1
        while next <= newest {
            // Word by word: late packets are rare, but come in hundreds after a loss. Behind the newest bit lie those of
            // a window ago.
            let wanted = min(64 - next & 63, newest - next + 1)
            let found = bits[Self.word(next)] >> (next & 63)
            count += UInt64((wanted == 64 ? found : found & ((1 << wanted) - 1)).nonzeroBitCount)
            next += wanted
        }
        return count
    }

    private static func word(_ index: UInt64) -> Int { Int(index & (window - 1)) >> 6 }
    private static func bit(_ index: UInt64) -> UInt64 { 1 << (index & 63) }
}
