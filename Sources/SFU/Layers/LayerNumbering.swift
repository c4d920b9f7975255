/// Closes the gaps that a consumer's left-out packets would make in its sequence numbers.
///
///     incoming   10 11 12d 13 14d 15      d: of a layer that this consumer does not get
///     outgoing   10 11     12     13
///
/// A number belongs to its packet even if that comes late: only the newest packets can be taken out without a gap.
public struct LayerNumbering: Sendable, Hashable {
    /// Added to an index of now, modulo 2⁶⁴.
    public private(set) var offset: UInt64 = 0
    /// The highest index that went out.
    public private(set) var last: UInt64
    /// The first of this stream; what is older belongs to the time before.
    private var first = UInt64.max
    /// Its newest is the highest that came in, since the last `begin`.
    private var removed = RemovedIndexes(newest: 0)

    /// - Parameter firstOutgoing: The number of the first packet.
    public init(firstOutgoing: UInt64) { last = firstOutgoing &- 1 }

    /// Goes on with another stream, or at another place of the same.
    /// - Parameters:
    ///   - index: Of its first packet, which gets the next number …
    ///   - skipping: … after as many left out. One tells the receiver that the last frame ended before its end.
    public mutating func begin(at index: UInt64, skipping: UInt64 = 0) {
        offset = last &+ 1 &+ skipping &- index
        first = index
        removed = RemovedIndexes(newest: index)
    }

    /// The outgoing index of a packet; nil: it is older than what can be told apart, or than the beginning.
    public mutating func forward(_ index: UInt64) -> UInt64? {
        guard index >= first else { return nil }
        if index >= removed.newest {
            removed.advance(to: index)
            last = index &+ offset
            return last
        }
        return removed.count(above: index).map { index &+ offset &+ $0 }
    }

    /// A packet is left out: later numbers move down by one. A late one leaves its gap, since what came after it has
    /// been numbered already.
    public mutating func remove(_ index: UInt64) {
        guard index >= first, index >= removed.newest else { return }
        removed.insert(index)
        offset &-= 1
    }
}

extension LayerNumbering {
    public static func == (left: LayerNumbering, right: LayerNumbering) -> Bool {
        left.offset == right.offset && left.last == right.last && left.removed.newest == right.removed.newest
            && left.first == right.first
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(offset)
        hasher.combine(removed.newest)
    }
}
