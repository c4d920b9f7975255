import Base

/// Makes frames of the payloads of one stream, in order of sequence numbers. For recorders: it allocates.
///
///     var depacketizer = Depacketizer(codec: .vp8)
///     depacketizer.receive(payload, of: header, index: index, into: &units)
///     if depacketizer.needsKeyFrame { … }
public enum Depacketizer: Sendable {
    case vp8(VP8Depacketizer)
    case vp9(VP9Depacketizer)
    case h264(H264Depacketizer)
    case opus(OpusDepacketizer)

    /// nil for codecs that we cannot depacketize.
    public init?(codec: PayloadCodec) {
        switch codec {
        case .vp8: self = .vp8(VP8Depacketizer())
        case .vp9: self = .vp9(VP9Depacketizer())
        case .h264: self = .h264(H264Depacketizer())
        case .opus: self = .opus(OpusDepacketizer())
        case .h265, .av1, .other: return nil
        }
    }

    /// Takes in a packet and appends the frames that it completes: none, one, or two (when the end of a frame is
    /// only seen by the next one's timestamp, and that one has a single packet).
    ///
    /// - Parameter index: the extended sequence number; steps are losses, indexes that do not rise are dropped.
    public mutating func receive(
        _ payload: RawSpan, of header: RTPHeader, index: Int64, into units: inout [AccessUnit]
    ) {
        switch self {
        case .vp8(var depacketizer):
            self = .opus(OpusDepacketizer())  // So that the frame's bytes have one owner and grow in place.
            depacketizer.receive(payload, of: header, index: index, into: &units)
            self = .vp8(depacketizer)
        case .vp9(var depacketizer):
            self = .opus(OpusDepacketizer())
            depacketizer.receive(payload, of: header, index: index, into: &units)
            self = .vp9(depacketizer)
        case .h264(var depacketizer):
            self = .opus(OpusDepacketizer())
            depacketizer.receive(payload, of: header, index: index, into: &units)
            self = .h264(depacketizer)
        case .opus(var depacketizer):
            depacketizer.receive(payload, of: header, index: index, into: &units)
            self = .opus(depacketizer)
        }
    }

    /// The stream is over: hands out the frame that is still open.
    public mutating func end(into units: inout [AccessUnit]) {
        switch self {
        case .vp8(var depacketizer):
            depacketizer.end(into: &units)
            self = .vp8(depacketizer)
        case .vp9(var depacketizer):
            depacketizer.end(into: &units)
            self = .vp9(depacketizer)
        case .h264(var depacketizer):
            depacketizer.end(into: &units)
            self = .h264(depacketizer)
        case .opus: break
        }
    }

    /// Before the first whole key frame, and from each loss to the next one: frames may not be decodable.
    public var needsKeyFrame: Bool {
        switch self {
        case .vp8(let depacketizer): depacketizer.needsKeyFrame
        case .vp9(let depacketizer): depacketizer.needsKeyFrame
        case .h264(let depacketizer): depacketizer.needsKeyFrame
        case .opus: false
        }
    }
}

/// Opus (RFC 7587): each packet is a frame.
public struct OpusDepacketizer: Sendable {
    private var timestamps = TimestampUnwrapper()
    private var lastIndex: Int64?

    public init() {}

    public mutating func receive(
        _ payload: RawSpan, of header: RTPHeader, index: Int64, into units: inout [AccessUnit]
    ) {
        if let lastIndex, index <= lastIndex { return }
        lastIndex = index
        guard payload.byteCount > 0 else { return }
        var bytes: [UInt8] = []
        bytes.append(payload, 0..<payload.byteCount)
        units.append(
            AccessUnit(
                bytes: bytes, timestamp: timestamps.unwrap(header.timestamp), isKeyFrame: true, isComplete: true))
    }
}
