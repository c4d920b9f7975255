import Base

/// When a packet left, in 24 bits: seconds in 6.18 fixed point, which wrap after 64 s
/// (http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time).
public enum AbsoluteSendTime {
    public static func value(at now: Instant) -> UInt32 {
        let (seconds, rest) = now.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return UInt32(truncatingIfNeeded: seconds << 18 + (rest << 18) / 1_000_000_000) & 0xFF_FFFF
    }
}

/// Makes 24-bit times of one sender into nanoseconds on its clock; the nearest reading, so jumps of 32 s either way hold.
struct AbsoluteSendTimeUnwrapper: Sendable {
    /// 136 years: a sender that jumps its way there begins anew, before a product overflows.
    private static let limit: Int64 = 1 << 50

    private var highest: Int64?

    init() {}

    mutating func nanoseconds(_ value: UInt32) -> Int64 {
        var unwrapped = Int64(value)
        if let highest, highest < Self.limit {
            // Sign extension of the 24 bits of the distance.
            let distance = (Int32(truncatingIfNeeded: unwrapped - highest) << 8) >> 8
            unwrapped = highest + Int64(distance)
            self.highest = max(highest, unwrapped)
        } else {
            highest = unwrapped
        }
        // Whole seconds apart: all at once would overflow after ten hours.
        return (unwrapped >> 18) * 1_000_000_000 + ((unwrapped & 0x3_FFFF) * 1_000_000_000) >> 18
    }
}
