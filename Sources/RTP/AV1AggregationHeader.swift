import Base

/// The first byte of an AV1 payload (RTP Payload Format for AV1 §4.4).
///
///      0 1 2 3 4 5 6 7
///     +-+-+-+-+-+-+-+-+
///     |Z|Y| W |N|-|-|-|
///     +-+-+-+-+-+-+-+-+
public struct AV1AggregationHeader: Sendable, Hashable {
    /// The first OBU element goes on where the packet before ended (Z).
    public var continuesElement: Bool
    /// The last OBU element goes on in the next packet (Y).
    public var elementContinues: Bool
    /// 1…3 OBU elements; 0: each has its length before it (W).
    public var elementCount: UInt8
    /// The first packet of a coded video sequence, which begins with a key frame (N).
    public var startsCodedVideoSequence: Bool

    /// Nil for an empty payload.
    public init?(parsing payload: RawSpan) {
        guard payload.byteCount >= 1 else { return nil }
        let byte = payload.uint8(at: 0)
        continuesElement = byte & 0x80 != 0
        elementContinues = byte & 0x40 != 0
        elementCount = byte >> 4 & 0x03
        // A sequence can't begin in the midst of an element: such a packet is broken.
        startsCodedVideoSequence = byte & 0x88 == 0x08
    }
}
