/// One `m=` line and what follows it.
public struct MediaSection: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case audio, video
        /// Data channels (RFC 8841).
        case application
        case other(String)

        public var text: String {
            switch self {
            case .audio: "audio"
            case .video: "video"
            case .application: "application"
            case .other(let text): text
            }
        }
    }

    public enum Direction: String, Sendable, Hashable {
        case sendrecv, sendonly, recvonly, inactive

        public var sends: Bool { self == .sendrecv || self == .sendonly }
        public var receives: Bool { self == .sendrecv || self == .recvonly }

        /// The same from the other side.
        public var reversed: Direction {
            switch self {
            case .sendonly: .recvonly
            case .recvonly: .sendonly
            case .sendrecv, .inactive: self
            }
        }
    }

    public var kind: Kind
    /// 9 while nothing is known (RFC 8840 §4.1.1); 0: see `isRejected`.
    public var port: UInt16
    /// `UDP/TLS/RTP/SAVPF`.
    public var protocolName: String
    /// As they stand in the m= line: payload types, or `webrtc-datachannel`.
    public var formats: [String]
    public var mid: String?
    public var direction: Direction
    public var transport = TransportAttributes()
    /// Those of `formats` that are known, in its order.
    public var codecs: [MediaCodec] = []
    public var headerExtensions: [ExtensionMapping] = []
    public var allowsMixedExtensions = false
    public var multiplexesRTCP = false
    /// RTCP packets may come alone (RFC 5506).
    public var reducesRTCP = false
    /// Sent on the transport of its bundle or not at all (RFC 8843 §6).
    public var isBundleOnly = false
    public var sources: [MediaSource] = []
    public var sourceGroups: [SourceGroup] = []
    public var rids: [RIDDescription] = []
    public var simulcast: SimulcastDescription?
    public var msids: [MediaStreamID] = []
    public var candidates: [CandidateAttribute] = []
    public var endsCandidates = false
    public var sctpPort: UInt16?
    /// Bytes; 0: any size (RFC 8841 §6).
    public var maxMessageSize: Int?

    public init(
        _ kind: Kind, port: UInt16 = 9, protocolName: String, formats: [String], mid: String? = nil,
        direction: Direction = .sendrecv
    ) {
        self.kind = kind
        self.port = port
        self.protocolName = protocolName
        self.formats = formats
        self.mid = mid
        self.direction = direction
    }

    /// Nothing of it is used (RFC 3264 §6); a section that waits for its bundle has port 0, too.
    public var isRejected: Bool { port == 0 && !isBundleOnly }
}

/// A payload type and what it stands for (RFC 8866 §6.6, §6.15).
public struct MediaCodec: Sendable, Hashable {
    /// 0…127.
    public var payloadType: UInt8
    /// Without the kind, as written: `VP8`, `opus`.
    public var name: String
    /// In Hz.
    public var clockRate: Int
    /// Audio's channels, if told.
    public var channels: Int?
    public var parameters: [FormatParameter]
    public var feedback: [FeedbackAttribute]

    public init(
        payloadType: UInt8, name: String, clockRate: Int, channels: Int? = nil, parameters: [FormatParameter] = [],
        feedback: [FeedbackAttribute] = []
    ) {
        self.payloadType = payloadType
        self.name = name
        self.clockRate = clockRate
        self.channels = channels
        self.parameters = parameters
        self.feedback = feedback
    }

    /// The value of a format parameter; names are compared without regard to case.
    public subscript(parameter: String) -> String? {
        parameters.first { $0.name.lowercased() == parameter }?.value
    }
}

/// One of a codec's format parameters. Some are not pairs: `111/111` of RED, `0-15` of telephone events.
public struct FormatParameter: Sendable, Hashable {
    public var name: String
    public var value: String?

    public init(_ name: String, _ value: String? = nil) {
        self.name = name
        self.value = value
    }
}

/// `nack pli` (RFC 4585 §4.2).
public struct FeedbackAttribute: Sendable, Hashable {
    public var type: String
    /// Empty when there is none.
    public var parameter: String

    public init(_ type: String, _ parameter: String = "") {
        self.type = type
        self.parameter = parameter
    }
}

/// `extmap` (RFC 8285 §5).
public struct ExtensionMapping: Sendable, Hashable {
    public var id: Int
    /// Nil: that of the section.
    public var direction: MediaSection.Direction?
    public var uri: String

    public init(id: Int, direction: MediaSection.Direction? = nil, uri: String) {
        self.id = id
        self.direction = direction
        self.uri = uri
    }
}

/// What is told of one SSRC (RFC 5576).
public struct MediaSource: Sendable, Hashable {
    public var ssrc: UInt32
    /// Without one the source isn't written.
    public var cname: String?

    public init(ssrc: UInt32, cname: String? = nil) {
        self.ssrc = ssrc
        self.cname = cname
    }
}

/// `FID`: a stream and its retransmissions. `SIM`: simulcast from before rids.
public struct SourceGroup: Sendable, Hashable {
    public var semantics: String
    public var ssrcs: [UInt32]

    public init(_ semantics: String, _ ssrcs: [UInt32]) {
        self.semantics = semantics
        self.ssrcs = ssrcs
    }
}

/// A stream of simulcast and its restrictions (RFC 8851).
public struct RIDDescription: Sendable, Hashable {
    public enum Direction: String, Sendable, Hashable { case send, recv }

    public var id: String
    public var direction: Direction
    /// `max-width`, `max-br`, `pt` …, as written.
    public var restrictions: [FormatParameter]

    public init(_ id: String, _ direction: Direction, restrictions: [FormatParameter] = []) {
        self.id = id
        self.direction = direction
        self.restrictions = restrictions
    }
}

/// `simulcast:send r0;r1` (RFC 8853): streams, each with alternatives.
public struct SimulcastDescription: Sendable, Hashable {
    public struct Stream: Sendable, Hashable {
        public var rid: String
        public var isPaused: Bool

        public init(_ rid: String, isPaused: Bool = false) {
            self.rid = rid
            self.isPaused = isPaused
        }
    }

    public var send: [[Stream]]
    public var receive: [[Stream]]

    public init(send: [[Stream]] = [], receive: [[Stream]] = []) {
        self.send = send
        self.receive = receive
    }
}

/// The MediaStream and the track that a section's media belong to (RFC 8830).
public struct MediaStreamID: Sendable, Hashable {
    /// `-`: none.
    public var stream: String
    public var track: String?

    public init(stream: String, track: String? = nil) {
        self.stream = stream
        self.track = track
    }
}
