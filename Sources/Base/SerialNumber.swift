// Numbers that wrap: RTP sequence numbers (16 bits) and RTP timestamps (32 bits). Inside they are unwrapped to 64
// bits as early as possible, because only there `<` means what it says.

/// Makes 16-bit sequence numbers into extended indexes whose low 16 bits are the sequence number.
///
/// Each number is read as the one nearest to the highest seen so far, so reordering of up to 32,767 packets is
/// told from a wrap. The first index is the first number itself; packets from before it may get negative indexes.
public struct SequenceUnwrapper: Sendable, Hashable {
    /// The highest index so far; nil before the first.
    public private(set) var highest: Int64?

    public init() {}

    /// The extended index of `sequenceNumber`; remembers it when it is the highest.
    public mutating func unwrap(_ sequenceNumber: UInt16) -> Int64 {
        let index = peek(sequenceNumber)
        if let highest, highest >= index { return index }
        highest = index
        return index
    }

    /// The same without remembering, for numbers that only refer to packets (NACK items, reports).
    public func peek(_ sequenceNumber: UInt16) -> Int64 {
        guard let highest else { return Int64(sequenceNumber) }
        let distance = Int16(bitPattern: sequenceNumber &- UInt16(truncatingIfNeeded: highest))
        return highest + Int64(distance)
    }
}

/// Makes 32-bit RTP timestamps into 64-bit ones whose low 32 bits are the timestamp.
///
/// Works like `SequenceUnwrapper`; at 90 kHz the nearest reading holds for jumps of up to 6.6 hours either way.
public struct TimestampUnwrapper: Sendable, Hashable {
    /// The highest timestamp so far; nil before the first.
    public private(set) var highest: Int64?

    public init() {}

    public mutating func unwrap(_ timestamp: UInt32) -> Int64 {
        let extended = peek(timestamp)
        if let highest, highest >= extended { return extended }
        highest = extended
        return extended
    }

    /// The same without remembering, for timestamps that only refer to media (sender reports).
    public func peek(_ timestamp: UInt32) -> Int64 {
        guard let highest else { return Int64(timestamp) }
        let distance = Int32(bitPattern: timestamp &- UInt32(truncatingIfNeeded: highest))
        return highest + Int64(distance)
    }
}

/// Decides whether a sequence number belongs to the stream, as RFC 3550 appendix A.1 does after its probation.
///
/// A number far from the highest one is refused, unless the next packet follows it: then the sender has started
/// over, and the index goes on upwards from where it was (no index is used twice).
public struct SequenceValidator: Sendable, Hashable {
    /// A step forward of this size or more is no loss but another stream; mediasoup uses the same 3000 (RFC: 3000).
    public static let maxDropout: UInt16 = 3000
    /// A step back of this size or more is no reordering; mediasoup uses 1500 (RFC: 100).
    public static let maxMisorder: UInt16 = 1500

    public enum Verdict: Sendable, Hashable {
        /// Newer than everything before it; `gap` numbers were skipped in between.
        case newest(index: Int64, gap: Int64)
        /// Late or a duplicate.
        case older(index: Int64)
        /// The sender's numbers jumped, and this is the second packet after the jump. The first was refused.
        case restarted(index: Int64)
        /// Too far off; it may be the first after a jump.
        case refused

        /// The extended index, unless the packet was refused.
        public var index: Int64? {
            switch self {
            case .newest(let index, _), .older(let index), .restarted(let index): index
            case .refused: nil
            }
        }
    }

    /// The highest accepted index; nil before the first packet.
    public private(set) var highest: Int64?
    /// The number that would prove a restart: the one behind the last refused.
    private var expectedAfterJump: UInt16?

    public init() {}

    public mutating func receive(_ sequenceNumber: UInt16) -> Verdict {
        guard let highest else {
            self.highest = Int64(sequenceNumber)
            return .newest(index: Int64(sequenceNumber), gap: 0)
        }
        let delta = sequenceNumber &- UInt16(truncatingIfNeeded: highest)
        if delta == 0 { return .older(index: highest) }
        if delta < Self.maxDropout {
            let index = highest + Int64(delta)
            self.highest = index
            expectedAfterJump = nil
            return .newest(index: index, gap: Int64(delta) - 1)
        }
        let back = 0 &- delta
        if back < Self.maxMisorder { return .older(index: highest - Int64(back)) }
        if sequenceNumber == expectedAfterJump {
            let index = highest + Int64(delta)
            self.highest = index
            expectedAfterJump = nil
            return .restarted(index: index)
        }
        expectedAfterJump = sequenceNumber &+ 1
        return .refused
    }

    /// The index that a number would have, without remembering it; for numbers that only refer to packets.
    public func peek(_ sequenceNumber: UInt16) -> Int64 {
        guard let highest else { return Int64(sequenceNumber) }
        return highest + Int64(Int16(bitPattern: sequenceNumber &- UInt16(truncatingIfNeeded: highest)))
    }
}
