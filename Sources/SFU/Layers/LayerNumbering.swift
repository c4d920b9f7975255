/// Closes the gaps that a consumer's left-out packets would make in its sequence numbers.
///
///     incoming   10 11 12d 13 14d 15      d: of a layer that this consumer does not get
///     outgoing   10 11     12     13
///
/// A number belongs to its packet even if that comes late: only the newest packets can be taken out without a gap.
public struct LayerNumbering: Sendable, Hashable {
    /// Incoming indexes whose removal is remembered: how late a packet may come and still get its own number. Twice what
    /// a sender at 1,000 packets a second sends within a round trip of the worst kind.
    private static let window: UInt64 = 1024

    /// Added to an index of now, modulo 2⁶⁴.
    public private(set) var offset: UInt64 = 0
    /// The highest index that went out.
    public private(set) var last: UInt64
    /// The highest that came in, since the last `begin`.
    private var newest: UInt64 = 0
    /// The first of this stream; what is older belongs to the time before.
    private var first = UInt64.max
    private var removed = InlineArray<16, UInt64>(repeating: 0)

    /// - Parameter firstOutgoing: The number of the first packet.
    public init(firstOutgoing: UInt64) { last = firstOutgoing &- 1 }

    /// Goes on with another stream, or at another place of the same.
    /// - Parameters:
    ///   - index: Of its first packet, which gets the next number …
    ///   - skipping: … after as many left out. One tells the receiver that the last frame ended before its end.
    public mutating func begin(at index: UInt64, skipping: UInt64 = 0) {
        offset = last &+ 1 &+ skipping &- index
        (first, newest) = (index, index)
        removed = InlineArray(repeating: 0)
    }

    /// The outgoing index of a packet; nil: it is older than what can be told apart, or than the beginning.
    public mutating func forward(_ index: UInt64) -> UInt64? {
        guard index >= first else { return nil }
        if index >= newest {
            advance(to: index)
            last = index &+ offset
            return last
        }
        guard newest - index < Self.window else { return nil }
        return index &+ offset &+ removedCount(above: index)
    }

    /// A packet is left out: later numbers move down by one. A late one leaves its gap, since what came after it has
    /// been numbered already.
    public mutating func remove(_ index: UInt64) {
        guard index >= first, index >= newest else { return }
        advance(to: index)
        removed[Self.word(index)] |= Self.bit(index)
        offset &-= 1
    }

    /// Forgets what lies a window behind.
    private mutating func advance(to index: UInt64) {
        if index - newest >= Self.window {
            removed = InlineArray(repeating: 0)
        } else {
            var passed = newest + 1
            while passed <= index {
                removed[Self.word(passed)] &= ~Self.bit(passed)
                passed += 1
            }
        }
        newest = index
    }

    private func removedCount(above index: UInt64) -> UInt64 {
        var count: UInt64 = 0
        var next = index + 1
        while next <= newest {
            // Word by word: late packets are rare, but come in hundreds after a loss. Behind the newest bit lie those of
            // a window ago.
            let wanted = min(64 - next & 63, newest - next + 1)
            let bits = removed[Self.word(next)] >> (next & 63)
            count += UInt64((wanted == 64 ? bits : bits & ((1 << wanted) - 1)).nonzeroBitCount)
            next += wanted
        }
        return count
    }

    private static func word(_ index: UInt64) -> Int { Int(index & (window - 1)) >> 6 }
    private static func bit(_ index: UInt64) -> UInt64 { 1 << (index & 63) }
}

extension LayerNumbering {
    public static func == (left: LayerNumbering, right: LayerNumbering) -> Bool {
        left.offset == right.offset && left.last == right.last && left.newest == right.newest
            && left.first == right.first
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(offset)
        hasher.combine(newest)
    }
}
