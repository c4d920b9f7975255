import Base

/// What a VP8 payload descriptor becomes before it is kept or sent (RFC 7741 §4.2).
public enum VP8DescriptorRewriting {
    /// Longest head of a payload that `expand` writes.
    public static let maximumLength = 7

    /// Writes the descriptor with a picture id of 15 bits in the place of one of 7, so that whoever rewrites it later
    /// has room for the ids of any stream. mediasoup does so to every packet of a producer.
    ///
    /// - Parameter head: Takes at most `maximumLength` bytes; they replace the first `descriptor.length` bytes of the
    ///   payload.
    /// - Returns: Bytes written; 0: the descriptor has no short picture id, the payload stays as it is.
    public static func expand(
        _ descriptor: VP8PayloadDescriptor, of payload: RawSpan, into head: inout InlineArray<7, UInt8>
    ) -> Int {
        guard let pictureID = descriptor.pictureID, !descriptor.hasLongPictureID,
            descriptor.length < maximumLength, descriptor.length <= payload.byteCount
        else { return 0 }
        for offset in 0..<descriptor.pictureIDOffset { head[offset] = payload.uint8(at: offset) }
        head[descriptor.pictureIDOffset] = 0x80
        head[descriptor.pictureIDOffset + 1] = UInt8(truncatingIfNeeded: pictureID)
        for offset in descriptor.pictureIDOffset + 1..<descriptor.length {
            head[offset + 1] = payload.uint8(at: offset)
        }
        return descriptor.length + 1
    }

    /// Sets the picture id, and TL0PICIDX where the descriptor has one, in place.
    ///
    /// - Parameters:
    ///   - descriptor: Of this very payload.
    ///   - pictureID: 15 bits; of a short picture id the low 7 are written.
    ///   - payload: From the first byte of the descriptor on.
    public static func set(
        pictureID: UInt16, temporalLayerZeroIndex: UInt8, _ descriptor: VP8PayloadDescriptor,
        in payload: inout MutableRawSpan
    ) {
        guard descriptor.pictureID != nil, descriptor.length <= payload.byteCount else { return }
        var next = descriptor.pictureIDOffset
        if descriptor.hasLongPictureID {
            payload.store(0x8000 | pictureID & 0x7FFF, at: next)
            next += 2
        } else {
            payload.store(UInt8(truncatingIfNeeded: pictureID & 0x7F), at: next)
            next += 1
        }
        if descriptor.temporalLayerZeroIndex != nil { payload.store(temporalLayerZeroIndex, at: next) }
    }
}
