import Base

/// What an Opus payload's first byte tells (RFC 6716 §3.1).
///
///      0 1 2 3 4 5 6 7
///     +-+-+-+-+-+-+-+-+
///     | config  |s| c |
///     +-+-+-+-+-+-+-+-+
public enum OpusPacket {
    /// Whether it was sent in discontinuous transmission: frames without a byte of sound in them. One frame (code 0)
    /// or, as mediasoup has it, two of one size (1) leave the first byte alone, two of two sizes (2) a length as well.
    public static func isDiscontinuous(_ payload: RawSpan) -> Bool {
        let count = payload.byteCount
        guard count == 1 || count == 2 else { return false }
        return switch payload.uint8(at: 0) & 0x03 {
        case 0, 1: count == 1
        case 2: count == 2
        default: false
        }
    }

    /// Frames of a packet at most last 120 ms together (§3.2.5, R5), in ticks of 48 kHz.
    private static let longestDuration = 5760

    /// How long a packet's sound lasts, in ticks of the RTP clock (48 kHz); nil for a packet that is none.
    ///
    /// | config | frame sizes |
    /// |---|---|
    /// | 0…11 SILK | 10, 20, 40, 60 ms |
    /// | 12…15 hybrid | 10, 20 ms |
    /// | 16…31 CELT | 2.5, 5, 10, 20 ms |
    public static func duration(_ payload: RawSpan) -> Int? {
        guard payload.byteCount >= 1 else { return nil }
        let first = payload.uint8(at: 0)
        let config = Int(first >> 3)
        let frame =
            switch config {
            case 0...11: config & 3 == 3 ? 2880 : 480 << (config & 3)
            case 12...15: 480 << (config & 1)
            default: 120 << (config & 3)
            }
        let count: Int
        switch first & 0x03 {
        case 0: count = 1
        case 1, 2: count = 2
        default:
            // Code 3: a byte with the number of frames.
            guard payload.byteCount >= 2 else { return nil }
            count = Int(payload.uint8(at: 1) & 0x3F)
        }
        let duration = count * frame
        return (1...longestDuration).contains(duration) ? duration : nil
    }
}
