import Base

/// Our wall clock, derived from the monotonic one: it does not jump while the engine lives.
struct WallClock: Sendable {
    let unixNanosecondsAtZero: Int64

    func unixNanoseconds(at now: Instant) -> Int64 { unixNanosecondsAtZero &+ now.nanoseconds }
    func ntp(at now: Instant) -> NTPTime { NTPTime(unixNanoseconds: unixNanoseconds(at: now)) }
}

/// How senders' wall clocks relate to ours: one constant per CNAME, because all streams of a CNAME tell the time of
/// one clock (RFC 3550 §6.5.1), and only equal constants keep their relation.
struct SenderClocks: Sendable {
    /// A clock that is off by more than this was set anew. Network jitter and drift stay far below.
    private static let tolerance: Int64 = 5_000_000_000

    /// Ours minus the sender's, in nanoseconds.
    private var shifts: [String: Int64] = [:]
    /// Producers per CNAME: what nobody uses is forgotten.
    private var users: [String: Int] = [:]

    /// The constant for a sender report that arrived when our clock said `ours`.
    /// - Parameter isOnLine: the report says of the stream what those before it said. Then nobody has set a clock, however
    ///   late it comes: the sender is slower than real time, or its path has become longer.
    mutating func shift(cname: String, ours: Int64, sender: Int64, isOnLine: Bool) -> Int64 {
        let seen = ours &- sender
        if let shift = shifts[cname], isOnLine || (seen &- shift).magnitude <= UInt64(Self.tolerance) { return shift }
        shifts[cname] = seen
        return seen
    }

    mutating func join(cname: String) { users[cname, default: 0] += 1 }

    mutating func leave(cname: String) {
        let left = users[cname, default: 1] - 1
        users[cname] = left > 0 ? left : nil
        if left <= 0 { shifts[cname] = nil }
    }
}

/// A line through time: which RTP timestamp belongs to which moment of our wall clock.
struct TimestampLine: Sendable, Hashable {
    /// A moment on our wall clock, in nanoseconds since 1970 …
    let unixNanoseconds: Int64
    /// … and the stream's timestamp of it.
    let timestamp: UInt32
    let clockRate: Int

    func timestamp(atUnixNanoseconds moment: Int64) -> UInt32 {
        let (seconds, rest) = (moment &- unixNanoseconds).quotientAndRemainder(dividingBy: 1_000_000_000)
        // In two parts: a product of nanoseconds and rate would overflow after a day.
        let ticks = seconds &* Int64(clockRate) &+ rest &* Int64(clockRate) / 1_000_000_000
        return timestamp &+ UInt32(truncatingIfNeeded: ticks)
    }
}
