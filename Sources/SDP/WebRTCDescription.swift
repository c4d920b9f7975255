/// A session description as offers and answers of WebRTC are written (RFC 8866, JSEP: RFC 8829).
///
/// What stands for a whole session (direction, header extensions, extmap-allow-mixed) is read into its media sections;
/// ICE and DTLS attributes stay where they were: `transport(of:)` looks in all places.
public struct WebRTCDescription: Sendable, Hashable {
    /// Of the `o=` line.
    public var sessionID: UInt64
    public var sessionVersion: UInt64
    /// Empty: `s=-`.
    public var name: String
    public var groups: [MediaGroup]
    /// The sender doesn't check connectivity itself (RFC 8445 §2.5).
    public var isICELite: Bool
    /// One-byte and two-byte forms of header extensions may stand in one stream (RFC 8285 §6).
    public var allowsMixedExtensions: Bool
    /// `WMS *`.
    public var msidSemantic: String?
    public var transport: TransportAttributes
    public var media: [MediaSection]

    public init(
        sessionID: UInt64, sessionVersion: UInt64 = 1, name: String = "", groups: [MediaGroup] = [],
        isICELite: Bool = false, allowsMixedExtensions: Bool = false, msidSemantic: String? = nil,
        transport: TransportAttributes = TransportAttributes(), media: [MediaSection] = []
    ) {
        self.sessionID = sessionID
        self.sessionVersion = sessionVersion
        self.name = name
        self.groups = groups
        self.isICELite = isICELite
        self.allowsMixedExtensions = allowsMixedExtensions
        self.msidSemantic = msidSemantic
        self.transport = transport
        self.media = media
    }

    /// The mids that share one transport (RFC 8843); empty: nothing is bundled.
    public var bundle: [String] { groups.first { $0.semantics == .bundle }?.mids ?? [] }

    /// What ICE and DTLS of a section go by: its own attributes, else those of the first section of its bundle, else
    /// those of the session.
    public func transport(of section: MediaSection) -> TransportAttributes {
        var found = section.transport
        if let mid = section.mid, bundle.contains(mid), let first = media.first(where: { $0.mid == bundle.first }) {
            found.fill(from: first.transport)
        }
        found.fill(from: transport)
        return found
    }
}

/// Media sections that belong together (RFC 5888).
public struct MediaGroup: Sendable, Hashable {
    public struct Semantics: RawRepresentable, Sendable, Hashable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        public static let bundle = Semantics(rawValue: "BUNDLE")
        public static let lipSync = Semantics(rawValue: "LS")
    }

    public var semantics: Semantics
    public var mids: [String]

    public init(_ semantics: Semantics, mids: [String]) {
        self.semantics = semantics
        self.mids = mids
    }
}

/// What is said of ICE and DTLS, for a session or for one of its sections.
public struct TransportAttributes: Sendable, Hashable {
    public var credentials: ICECredentials?
    /// `trickle`, `ice2`, `renomination`.
    public var iceOptions: [String]
    public var fingerprints: [FingerprintAttribute]
    public var setup: SetupRole?

    public init(
        credentials: ICECredentials? = nil, iceOptions: [String] = [], fingerprints: [FingerprintAttribute] = [],
        setup: SetupRole? = nil
    ) {
        self.credentials = credentials
        self.iceOptions = iceOptions
        self.fingerprints = fingerprints
        self.setup = setup
    }

    fileprivate mutating func fill(from other: Self) {
        if credentials == nil { credentials = other.credentials }
        if iceOptions.isEmpty { iceOptions = other.iceOptions }
        if fingerprints.isEmpty { fingerprints = other.fingerprints }
        if setup == nil { setup = other.setup }
    }
}

/// `ice-ufrag` and `ice-pwd` (RFC 8839 §5.4). Prints without the password.
public struct ICECredentials: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    public var usernameFragment: String
    public var password: String

    public init(usernameFragment: String, password: String) {
        self.usernameFragment = usernameFragment
        self.password = password
    }

    public var description: String { "\(usernameFragment):•••" }
    public var customMirror: Mirror { Mirror(self, children: ["usernameFragment": usernameFragment]) }
}

/// The hash of a certificate (RFC 8122 §5).
public struct FingerprintAttribute: Sendable, Hashable {
    /// In lower case: `sha-256`.
    public var algorithm: String
    /// Bytes in upper case hex with colons between.
    public var value: String

    public init(algorithm: String, value: String) {
        self.algorithm = algorithm
        self.value = value
    }
}

/// Who begins the DTLS handshake (RFC 4145 §4, RFC 5763 §5).
public enum SetupRole: String, Sendable, Hashable {
    /// The DTLS client.
    case active
    /// The DTLS server.
    case passive
    /// Whatever the answer leaves.
    case actpass
    case holdconn
}
