import Base

/// How a VP8 payload is kept, so that whoever rewrites its picture id later has room for any (RFC 7741 §4.2): with 15
/// bits in the place of 7, as mediasoup does to every packet of a producer.
///
///     | X … | I … | 0, 7 bits | rest      becomes      | X … | I … | 0x80 | 0, 7 bits | rest
public enum VP8DescriptorRewriting {
    /// Whether the picture id has 7 bits. Of a payload whose descriptor parses.
    public static func hasShortPictureID(_ payload: RawSpan) -> Bool {
        payload.byteCount >= 3 && payload.uint8(at: 0) & 0x80 != 0 && payload.uint8(at: 1) & 0x80 != 0
            && payload.uint8(at: 2) & 0x80 == 0
    }

    /// What stands before the picture id, with the byte that makes it longer behind.
    public static func expandedHead(_ payload: RawSpan) -> (UInt8, UInt8, UInt8) {
        (payload.uint8(at: 0), payload.uint8(at: 1), 0x80)
    }

    /// Bytes of the payload that `expandedHead` stands for.
    public static let replacedLength = 2
}
