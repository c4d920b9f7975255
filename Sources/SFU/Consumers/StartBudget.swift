import Base

/// What those who start behind on one transport may send, when its bandwidth is known: a burst beyond that would stand in
/// the path's queue, and look like over-use to whoever estimates.
struct StartBudget: Sendable {
    /// In bytes. Everything that leaves is paid from it, what is live, too.
    private var credit = 0.0
    private var filled: Instant?

    /// - Parameters:
    ///   - bytesPerSecond: That are granted.
    ///   - interval: How often it is filled up, and asked. What was not used is kept for one more.
    mutating func fill(bytesPerSecond: Double, interval: Duration, now: Instant) {
        let elapsed = filled.map { max(.zero, now - $0) } ?? interval
        filled = now
        credit = min(credit + bytesPerSecond * elapsed.seconds, max(2 * bytesPerSecond * interval.seconds, 1500))
    }

    /// How many packets of a size may leave; the last one on credit.
    func packets(of size: Double) -> Int {
        credit <= 0 ? 0 : Int(min(credit / max(size, 1), 10_000).rounded(.up))
    }

    mutating func spend(_ bytes: Int) { credit -= Double(bytes) }
}
