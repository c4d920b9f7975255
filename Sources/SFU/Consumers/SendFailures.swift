import Base

/// What the kernel did not take of one outgoing stream: its socket's buffer was full, or there was no way.
///
/// Receivers that report losses say it themselves; those that send no RTCP would look well for ever. So the share that was
/// not taken since the last judgement counts as lost, with mediasoup's formula; without failures the score rises by
/// one a judgement.
struct SendFailures: Sendable {
    private(set) var count: UInt64 = 0
    private(set) var score: UInt8 = 10
    private var countBefore: UInt64 = 0
    private var packetsBefore: UInt64 = 0

    mutating func add(_ packets: Int) { count += UInt64(packets) }

    /// Some failed since the last judgement, or the score has not recovered.
    var isOpen: Bool { count != countBefore || score < 10 }

    /// Once a report interval.
    /// - Parameter packets: Sent since the beginning, the failed ones among them.
    /// - Returns: Whether the score changed.
    mutating func judge(packets: UInt64) -> Bool {
        let (failed, sent) = (count &- countBefore, packets &- packetsBefore)
        (countBefore, packetsBefore) = (count, packets)
        let before = score
        if failed == 0 {
            score = min(10, score + 1)
        } else {
            let delivered = 1 - Double(min(failed, max(sent, 1))) / Double(max(sent, 1))
            score = UInt8((delivered * delivered * delivered * delivered * 10).rounded())
        }
        return score != before
    }
}
