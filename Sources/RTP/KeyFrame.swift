import Base

public enum KeyFrame {
    /// Whether this packet begins a key frame; false for codecs without detection and for broken payloads.
    ///
    /// H264 is asked for its sequence parameter set, not for IDR: an IDR picture without parameter sets before it
    /// is of no use to a decoder that starts there. Encoders have to repeat them (mediasoup demands the same).
    /// mediasoup detects none in H265 and, as of 3.14, knows no AV1: those rules are ours.
    public static func isKeyFrame(codec: PayloadCodec, payload: RawSpan) -> Bool {
        switch codec {
        case .vp8: startsVP8KeyFrame(payload)
        case .vp9: startsVP9KeyFrame(payload)
        case .h264: hasH264SequenceParameterSet(payload)
        case .h265: H265.startsKeyFrame(payload)
        case .av1: AV1AggregationHeader(parsing: payload)?.startsCodedVideoSequence ?? false
        case .opus, .other: false
        }
    }

    private static func startsVP8KeyFrame(_ payload: RawSpan) -> Bool {
        guard let descriptor = try? VP8PayloadDescriptor(parsing: payload), descriptor.startsFrame,
            descriptor.length < payload.byteCount
        else { return false }
        // The lowest bit of the frame tag: 0 is a key frame (RFC 6386 §9.1).
        return payload.uint8(at: descriptor.length) & 0x01 == 0
    }

    /// The descriptor decides, except where it has no picture id: ffmpeg's packetizer writes such descriptors and
    /// never sets P, so that each frame would pass for a key frame. Then the frame header is asked as well.
    private static func startsVP9KeyFrame(_ payload: RawSpan) -> Bool {
        guard let descriptor = try? VP9PayloadDescriptor(parsing: payload) else { return false }
        guard !descriptor.isInterPicturePredicted, descriptor.startsFrame, descriptor.spatialLayer == 0 else {
            return false
        }
        if descriptor.pictureID != nil { return true }
        return descriptor.length < payload.byteCount
            && VP9FrameHeader.isKeyFrame(payload.uint8(at: descriptor.length))
    }

    /// RFC 6184 §5.2: single NAL unit (1…23), STAP-A (24), FU-A (28), FU-B (29).
    private static func hasH264SequenceParameterSet(_ payload: RawSpan) -> Bool {
        let count = payload.byteCount
        guard count >= 1 else { return false }
        switch payload.uint8(at: 0) & 0x1F {
        case H264.sequenceParameterSet: return true
        case H264.aggregation:
            var offset = 1
            while offset + 3 <= count {
                if payload.uint8(at: offset + 2) & 0x1F == H264.sequenceParameterSet { return true }
                offset += 2 + Int(payload.uint16(at: offset))
            }
            return false
        case H264.fragment, H264.fragmentWithOrder:
            // The fragment that starts (bit 0x80) a parameter set.
            return count >= 2 && payload.uint8(at: 1) & 0x9F == 0x80 | H264.sequenceParameterSet
        default: return false
        }
    }
}

/// NAL unit types that matter here (RFC 6184 table 1, H.264 table 7-1).
enum H264 {
    static let idrSlice: UInt8 = 5
    static let sequenceParameterSet: UInt8 = 7
    static let pictureParameterSet: UInt8 = 8
    static let aggregation: UInt8 = 24
    static let fragment: UInt8 = 28
    static let fragmentWithOrder: UInt8 = 29
}
