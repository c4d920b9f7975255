import Base

/// What a codec capability and the parameters of a codec in use have in common.
public protocol RTPCodec {
    /// As written; compared without regard to case.
    var mimeType: String { get }
    /// In Hz.
    var clockRate: Int { get }
    /// Audio only.
    var channels: Int? { get }
    /// Values are strings or numbers only.
    var parameters: [String: JSONValue] { get }
}

extension RTPCodecCapability: RTPCodec {}
extension RTPCodecParameters: RTPCodec {}

extension RTPCodec {
    /// A retransmission codec (RFC 4588); `apt` names the payload type it repeats.
    public var isRTX: Bool { mimeType.lowercased().hasSuffix("/rtx") }

    /// Carries media of its own: neither retransmissions nor comfort noise nor telephone events.
    public var isMedia: Bool {
        switch mimeType.lowercased() {
        case "audio/cn", "audio/telephone-event": false
        default: !isRTX
        }
    }

    /// The payload type that an RTX codec repeats.
    public var associatedPayloadType: UInt8? { parameters["apt"]?.integerValue.flatMap { UInt8(exactly: $0) } }
}

extension MediaKind {
    /// Throws a `TypeError` that quotes what was given instead of `audio` or `video`.
    public init(json: JSONValue?) throws(ORTCError) {
        guard let kind = json?.stringValue.flatMap(MediaKind.init(rawValue:)) else {
            throw .type("invalid kind \"\(json?.javaScriptText ?? "undefined")\"")
        }
        self = kind
    }

    /// The kind that a mime type begins with, in any case; nil when it isn't `audio/…` or `video/…`.
    init?(mimeType: String) {
        let parts = mimeType.unicodeScalars.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let next = parts[1].first, !Self.lineEnds.contains(next) else { return nil }
        self.init(rawValue: String(parts[0]).lowercased())
    }

    /// What `.` in a JavaScript regular expression doesn't stand for.
    private static let lineEnds: Set<Unicode.Scalar> = ["\n", "\r", "\u{2028}", "\u{2029}"]
}

/// Reads the common members of a codec. Each is a step of its own, because the order of the checks decides which of
/// two faults is told, and capabilities and parameters have a step of their own in the middle.
struct CodecReader {
    let members: JSONMembers
    let mimeType: String
    let kind: MediaKind

    init(_ json: JSONValue) throws(ORTCError) {
        guard let members = JSONMembers(json) else { throw .type("codec is not an object") }
        guard let mimeType = members.truthy("mimeType")?.stringValue else { throw .type("missing codec.mimeType") }
        guard let kind = MediaKind(mimeType: mimeType) else { throw .type("invalid codec.mimeType") }
        (self.members, self.mimeType, self.kind) = (members, mimeType, kind)
    }

    func clockRate() throws(ORTCError) -> Int {
        Int(try members.number("clockRate", of: "codec", in: UInt32.min...UInt32.max))
    }

    /// Audio has one channel unless told; video never has any.
    func channels() throws(ORTCError) -> Int? {
        guard kind == .audio else { return nil }
        guard let value = members["channels"], value.isNumber else { return 1 }
        return Int(try value.wholeNumber(named: "codec.channels", in: UInt8.min...UInt8.max))
    }

    func parameters() throws(ORTCError) -> [String: JSONValue] {
        guard let parameters = JSONMembers(members["parameters"])?.values else { return [:] }
        // Sorted, so that the same input is always refused with the same words.
        for (key, value) in parameters.sorted(by: { $0.key < $1.key }) {
            guard value.isNumber || value.stringValue != nil else {
                // The stray "s" is mediasoup's, and recorded in the golden data.
                throw .type("invalid codec parameter [key:\(key)s, value:\(value.javaScriptText)]")
            }
            if key == "apt", !value.isNumber { throw .type("invalid codec apt parameter") }
        }
        return parameters
    }

    func rtcpFeedback() throws(ORTCError) -> [RTCPFeedback] {
        var feedback: [RTCPFeedback] = []
        for entry in members["rtcpFeedback"]?.arrayValue ?? [] { feedback.append(try RTCPFeedback(json: entry)) }
        return feedback
    }
}

extension RTCPFeedback {
    public init(json: JSONValue) throws(ORTCError) {
        guard let members = JSONMembers(json) else { throw .type("fb is not an object") }
        guard let type = members.truthy("type")?.stringValue else { throw .type("missing fb.type") }
        self.init(type, members["parameter"]?.stringValue ?? "")
    }

    public var json: JSONValue { ["type": .string(type), "parameter": .string(parameter)] }
}
