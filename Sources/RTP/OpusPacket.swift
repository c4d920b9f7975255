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
}
