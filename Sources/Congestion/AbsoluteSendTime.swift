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
    private var highest: Int64?

    init() {}

    mutating func nanoseconds(_ value: UInt32) -> Int64 {
        let unwrapped: Int64
        if let highest {
            // Sign extension of the 24 bits of the distance.
            let distance = (Int32(truncatingIfNeeded: Int64(value) - highest) << 8) >> 8
            unwrapped = highest + Int64(distance)
        } else {
            unwrapped = Int64(value)
        }
        highest = max(highest ?? unwrapped, unwrapped)
        return (unwrapped * 1_000_000_000) >> 18
    }
}
