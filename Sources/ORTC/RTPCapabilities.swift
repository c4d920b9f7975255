import Base

/// What an endpoint or a router can receive. Field names are mediasoup's, to the letter.
public struct RTPCapabilities: Sendable, Hashable {
    public var codecs: [RTPCodecCapability]
    public var headerExtensions: [RTPHeaderExtension]

    public init(codecs: [RTPCodecCapability] = [], headerExtensions: [RTPHeaderExtension] = []) {
        self.codecs = codecs
        self.headerExtensions = headerExtensions
    }
}

public enum MediaKind: String, Sendable, Hashable, CaseIterable {
    case audio, video
}

public struct RTPCodecCapability: Sendable, Hashable {
    public var kind: MediaKind
    /// As written; compared without regard to case.
    public var mimeType: String
    public var preferredPayloadType: UInt8?
    /// In Hz.
    public var clockRate: Int
    /// Audio only.
    public var channels: Int?
    /// Values are strings or numbers only.
    public var parameters: [String: JSONValue]
    public var rtcpFeedback: [RTCPFeedback]

    public init(
        kind: MediaKind, mimeType: String, preferredPayloadType: UInt8? = nil, clockRate: Int, channels: Int? = nil,
        parameters: [String: JSONValue] = [:], rtcpFeedback: [RTCPFeedback] = []
    ) {
        self.kind = kind
        self.mimeType = mimeType
        self.preferredPayloadType = preferredPayloadType
        self.clockRate = clockRate
        self.channels = channels
        self.parameters = parameters
        self.rtcpFeedback = rtcpFeedback
    }
}

public struct RTCPFeedback: Sendable, Hashable {
    public var type: String
    /// Empty when there is none.
    public var parameter: String

    public init(_ type: String, _ parameter: String = "") {
        self.type = type
        self.parameter = parameter
    }
}

/// A header extension that an endpoint supports.
public struct RTPHeaderExtension: Sendable, Hashable {
    /// From the server's point of view. Any word is let through, as mediasoup does: only these four mean something.
    public struct Direction: RawRepresentable, Sendable, Hashable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        public static let sendrecv = Direction(rawValue: "sendrecv")
        public static let sendonly = Direction(rawValue: "sendonly")
        public static let recvonly = Direction(rawValue: "recvonly")
        public static let inactive = Direction(rawValue: "inactive")
    }

    public var kind: MediaKind
    public var uri: String
    public var preferredID: Int
    public var preferredEncrypt: Bool
    public var direction: Direction

    public init(
        kind: MediaKind, uri: String, preferredID: Int, preferredEncrypt: Bool = false, direction: Direction = .sendrecv
    ) {
        self.kind = kind
        self.uri = uri
        self.preferredID = preferredID
        self.preferredEncrypt = preferredEncrypt
        self.direction = direction
    }
}
