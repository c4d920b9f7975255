/// The codecs whose payloads we look into.
public enum PayloadCodec: Sendable, Hashable {
    case vp8
    case vp9
    case h264
    case h265
    case av1
    case opus
    case other

    /// From a mime type such as `video/VP8`; case does not matter (RFC 6838 §4.2).
    public init(mimeType: String) {
        switch mimeType.lowercased() {
        case "video/vp8": self = .vp8
        case "video/vp9": self = .vp9
        // SVC's base layer is H264, and mediasoup reads both the same way.
        case "video/h264", "video/h264-svc": self = .h264
        case "video/h265": self = .h265
        case "video/av1": self = .av1
        case "audio/opus", "audio/multiopus": self = .opus
        default: self = .other
        }
    }

    /// Without this, a consumer cannot wait for a key frame and forwards at once.
    public var hasKeyFrameDetection: Bool {
        switch self {
        case .vp8, .vp9, .h264, .h265, .av1: true
        case .opus, .other: false
        }
    }
}
