/// A moment of wall time as RTCP writes it: seconds since 1900 in 32.32 fixed point (RFC 3550 §4).
///
/// Eras of 136 years are not told apart: values from 1968 to 2036 are taken as era 0, later ones as era 1.
public struct NTPTime: Sendable, Hashable {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public init(seconds: UInt32, fraction: UInt32) { rawValue = UInt64(seconds) << 32 | UInt64(fraction) }

    /// From 1900-01-01 to 1970-01-01 in seconds (RFC 5905 figure 4).
    private static let unixEpoch: UInt64 = 2_208_988_800

    /// From nanoseconds since 1970 (CLOCK_REALTIME), rounded down to 2⁻³² s. Negative values count as 1970.
    public init(unixNanoseconds: Int64) {
        let nanoseconds = UInt64(max(0, unixNanoseconds))
        let seconds = nanoseconds / 1_000_000_000
        // Below 2³⁰ × 2³²: no overflow.
        let fraction = ((nanoseconds % 1_000_000_000) << 32) / 1_000_000_000
        rawValue = (seconds + Self.unixEpoch) << 32 | fraction
    }

    /// Nanoseconds since 1970, rounded to the nearest.
    public var unixNanoseconds: Int64 {
        // Era 1 begins in 2036 with seconds of 0: without the top bit it cannot be before 1968.
        let era: UInt64 = seconds & 0x8000_0000 == 0 ? 1 << 32 : 0
        let whole = Int64(UInt64(seconds) + era) - Int64(Self.unixEpoch)
        return whole * 1_000_000_000 + Int64((UInt64(fraction) * 1_000_000_000 + (1 << 31)) >> 32)
    }

    public var seconds: UInt32 { UInt32(rawValue >> 32) }
    public var fraction: UInt32 { UInt32(truncatingIfNeeded: rawValue) }

    /// The middle 32 bits, in 1/65,536 s: what LSR and LRR carry.
    public var compact: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 16) }

    /// The signed time from `b` to `a`, which must lie within 68 years of each other. Exact to 1 ns.
    public static func - (a: NTPTime, b: NTPTime) -> Duration {
        let difference = Int64(bitPattern: a.rawValue &- b.rawValue)
        let nanoseconds = ((difference & 0xFFFF_FFFF) * 1_000_000_000) >> 32
        return .nanoseconds((difference >> 32) * 1_000_000_000 + nanoseconds)
    }

    public static func + (time: NTPTime, duration: Duration) -> NTPTime {
        let nanoseconds = duration.nanoseconds
        var (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        if rest < 0 { (seconds, rest) = (seconds - 1, rest + 1_000_000_000) }
        let fraction = (UInt64(rest) << 32) / 1_000_000_000
        return NTPTime(rawValue: time.rawValue &+ UInt64(bitPattern: seconds << 32) &+ fraction)
    }
}

/// Short spans of time in 1/65,536 s, as DLSR and DLRR carry them.
public enum CompactNTP {
    /// Rounded down; negative durations become 0, those above 18.2 hours the largest value.
    public static func delay(_ duration: Duration) -> UInt32 {
        let nanoseconds = max(0, duration.nanoseconds)
        let seconds = nanoseconds / 1_000_000_000
        guard seconds < 65_536 else { return .max }
        return UInt32(seconds << 16 | ((nanoseconds % 1_000_000_000) << 16) / 1_000_000_000)
    }

    public static func duration(_ delay: UInt32) -> Duration {
        .nanoseconds((Int64(delay) * 1_000_000_000) >> 16)
    }

    /// Round-trip time from a report block or DLRR item (RFC 3550 §6.4.1): now − last report − delay.
    ///
    /// nil when nothing was reported yet (`lastReport` 0); a small negative result of coarse clocks becomes 0.
    public static func roundTrip(now: NTPTime, lastReport: UInt32, delay: UInt32) -> Duration? {
        guard lastReport != 0 else { return nil }
        let ticks = Int32(bitPattern: now.compact &- lastReport &- delay)
        return duration(UInt32(max(0, ticks)))
    }
}
