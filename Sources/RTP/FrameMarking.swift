import Base

/// What the header extension of frame marking says of a packet (draft-ietf-avtext-framemarking §3).
///
///      0 1 2 3 4 5 6 7   0 1 2 3 4 5 6 7   0 1 2 3 4 5 6 7
///     +-+-+-+-+-+-+-+-+ +-+-+-+-+-+-+-+-+ +-+-+-+-+-+-+-+-+
///     |S|E|I|D|B| TID | |      LID      | |   TL0PICIDX   |   streams with layers: 3 bytes, or 2, or 1
///     +-+-+-+-+-+-+-+-+ +-+-+-+-+-+-+-+-+ +-+-+-+-+-+-+-+-+
///     |S|E|I|D|0 0 0 0|                                       streams without
///     +-+-+-+-+-+-+-+-+
public struct FrameMarking: Sendable, Hashable {
    public var startsFrame: Bool
    public var endsFrame: Bool
    /// The frame depends on no frame before it.
    public var isIndependent: Bool
    /// Nothing depends on the frame.
    public var isDiscardable: Bool
    /// The frame depends on the base temporal layer alone (B).
    public var isBaseLayerSync: Bool
    /// 0…7; 0 in streams without layers.
    public var temporalLayer: UInt8
    /// How the codec names spatial and quality layers; nil when the element has one byte.
    public var layerID: UInt8?
    public var temporalLayerZeroIndex: UInt8?

    /// Nil for an element that is empty or not within the packet.
    public init?(_ element: RTPHeaderExtension, in packet: RawSpan) {
        guard element.length >= 1, element.offset >= 0, element.offset + element.length <= packet.byteCount else {
            return nil
        }
        let flags = packet.uint8(at: element.offset)
        startsFrame = flags & 0x80 != 0
        endsFrame = flags & 0x40 != 0
        isIndependent = flags & 0x20 != 0
        isDiscardable = flags & 0x10 != 0
        isBaseLayerSync = flags & 0x08 != 0
        temporalLayer = flags & 0x07
        layerID = element.length >= 2 ? packet.uint8(at: element.offset + 1) : nil
        temporalLayerZeroIndex = element.length >= 3 ? packet.uint8(at: element.offset + 2) : nil
    }

    /// Of H264: LID is 0 | DID (3 bits) | QID (4 bits), and DID counts spatial layers; 0 but in SVC (§3.2.3).
    public var h264SpatialLayer: UInt8 { (layerID ?? 0) >> 4 & 0x07 }
}
