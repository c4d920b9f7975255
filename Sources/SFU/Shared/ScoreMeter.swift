import Glibc

/// How well a stream comes through, 0…10, from losses between reports; mediasoup's arithmetic.
public struct ScoreMeter: Sendable {
    /// mediasoup's ScoreHistogramLength: with a report a second, the last 24 s count, the newest most.
    private static let length = 24

    private var history = InlineArray<24, UInt8>(repeating: 0)
    private var count = 0
    private var lostBefore: Int64 = 0
    private var repairedBefore: Int64 = 0
    private var retransmittedBefore: Int64 = 0
    private var packetsBefore: Int64 = 0
    public private(set) var value: UInt8 = 10

    public init() {}

    /// Takes in totals since the beginning of the stream.
    /// - Parameters:
    ///   - packets: Received (of a stream that comes in) or sent (of one that goes out).
    ///   - lost: As far as known; may shrink when late packets come.
    ///   - repaired: Of the lost, those that were made good by sending them again. They weigh less than a loss, the less
    ///     the fewer they are and the fewer retransmissions they took.
    ///   - retransmitted: Sent again, of use or not.
    ///   - countsRepaired: `packets` includes those that were repaired, and `lost` does not: the source sends them again
    ///     under their own numbers.
    /// - Returns: Whether the value changed.
    public mutating func update(
        packets: Int64, lost: Int64, repaired: Int64 = 0, retransmitted: Int64 = 0, countsRepaired: Bool = false
    ) -> Bool {
        let arrived = packets - packetsBefore
        let known = max(0, lost - lostBefore)
        let missing = min(countsRepaired ? max(known, repaired - repairedBefore) : known, max(0, arrived))
        packetsBefore = packets
        lostBefore = lost
        let mended = Double(min(max(0, repaired - repairedBefore), missing))
        let again = Double(max(0, retransmitted - retransmittedBefore))
        (repairedBefore, retransmittedBefore) = (repaired, retransmitted)
        guard arrived > 0 else { return add(10) }
        var weight = pow(1 / (mended / Double(arrived) + 1), 4)
        if again > 0 { weight *= min(1, mended / again) }
        // mediasoup counts in whole packets.
        let lost = (Double(missing) - mended * weight).rounded(.down)
        let delivered = (Double(arrived) - lost) / Double(arrived)
        return add(UInt8(rounded(pow(delivered, 4) * 10)))
    }

    /// The stream died (0), came back or was changed for another one (10): what was before says nothing any more.
    public mutating func set(_ score: UInt8) {
        count = 0
        value = min(score, 10)
    }

    /// The stream's count began anew.
    public mutating func restart() { (packetsBefore, lostBefore) = (0, 0) }

    private mutating func add(_ score: UInt8) -> Bool {
        if count == Self.length {
            for slot in 1..<Self.length { history[slot - 1] = history[slot] }
            count -= 1
        }
        history[count] = score
        count += 1
        // Weights 1…n, the newest the heaviest.
        var (sum, weights) = (0, 0)
        for slot in 0..<count {
            sum += Int(history[slot]) * (slot + 1)
            weights += slot + 1
        }
        let before = value
        value = UInt8(rounded(Double(sum) / Double(weights)))
        return value != before
    }

    private func rounded(_ value: Double) -> Double { min(10, max(0, value.rounded())) }
}
