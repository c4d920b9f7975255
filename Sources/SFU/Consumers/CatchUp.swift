import Base

/// How fast a consumer that starts behind is served: in ticks, so that its receive buffer is not overrun.
///
/// Each tick allows a burst, and more for what came in live since the last one: the backlog always shrinks, at four
/// times real time or faster.
struct CatchUp: Sendable {
    /// When more may be sent; nil: the consumer runs live.
    private(set) var nextTick: Instant?
    private(set) var allowance = 0
    /// Packets that the producer had received at the last tick.
    private var receivedBefore: UInt64 = 0

    mutating func begin(received: UInt64, now: Instant) {
        nextTick = now
        allowance = 0
        receivedBefore = received
    }

    mutating func end() { nextTick = nil }

    /// A tick that is due fills the allowance up.
    /// - Parameter bound: Packets that the path has room for; nil: nobody knows. What comes in live goes out in any case,
    ///   and one more, so that the backlog shrinks.
    mutating func tick(received: UInt64, _ pacing: SFUConfiguration.Pacing, bound: Int?, now: Instant) {
        let live = Int(clamping: received &- receivedBefore)
        receivedBefore = received
        allowance = max(1, pacing.burst) + pacing.liveFactor * live
        if let bound { allowance = min(allowance, max(bound, live == 0 ? 0 : live + 1)) }
        nextTick = now + pacing.interval
    }

    mutating func sent(_ count: Int) { allowance -= count }
}
