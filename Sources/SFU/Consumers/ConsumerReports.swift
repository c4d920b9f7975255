import Base
import RTCP

/// What a consumer's stream tells its receiver about time, and what the receiver tells back.
struct ConsumerReports: Sendable {
    /// When the next regular one may go out.
    var nextReport: Instant?
    private(set) var score = ScoreMeter()
    private(set) var packetsLost: Int64 = 0
    private(set) var fractionLost: UInt8 = 0
    private(set) var roundTrip: Duration?
    /// The highest number, with its wraps, that the receiver told of.
    private var highestTold: UInt32?

    /// How many packets a report tells of that the one before did not; 0 for the first.
    func newlyTold(by block: ReportBlock) -> Int {
        highestTold.map { Int(Int32(bitPattern: block.extendedHighestSequence &- $0)) } ?? 0
    }

    /// What goes out comes from another stream now: it has not been judged yet.
    ///
    /// Nothing else begins anew, as with mediasoup: the receiver counts in our one numbering, which runs on. Sums of
    /// before stay the base of the next interval, else losses of the old stream would be counted against the new one.
    mutating func streamChanged() { score.set(10) }

    /// A report block about this stream came in.
    /// - Returns: Whether the score changed.
    mutating func receive(
        _ block: ReportBlock, packetsSent: UInt64, repaired: UInt64, retransmitted: UInt64, now: NTPTime
    ) -> Bool {
        packetsLost = Int64(block.packetsLost)
        fractionLost = block.fractionLost
        highestTold = block.extendedHighestSequence
        let delay = block.delaySinceLastSenderReport
        if let seen = CompactNTP.roundTrip(now: now, lastReport: block.lastSenderReport, delay: delay) {
            roundTrip = seen
        }
        return score.update(
            packets: Int64(packetsSent), lost: max(0, packetsLost), repaired: Int64(repaired),
            retransmitted: Int64(retransmitted))
    }
}
