import Base

// What a WebRTC transport is asked to be and tells of itself. Member names in JSON are mediasoup's.

public struct WebRTCTransportOptions: Sendable, Hashable {
    public var enableUDP: Bool
    public var enableTCP: Bool
    /// Its candidates get the higher priority.
    public var preferUDP: Bool
    public var preferTCP: Bool
    /// Without a valid request for this long the remote side counts as gone, 10…60 s; zero: never.
    public var iceConsentTimeout: Duration
    /// What is taken to be available before the remote side has told anything, bits per second. Nil: 600,000.
    public var initialAvailableOutgoingBitrate: Int64?
    /// One name for all transports of one sender, so that receivers can synchronise its tracks (RFC 3550 §6.5.1).
    public var cname: String?
    /// For data channels; nil: there are none.
    public var sctp: SCTPOptions?

    public init(
        enableUDP: Bool = true, enableTCP: Bool = true, preferUDP: Bool = false, preferTCP: Bool = false,
        iceConsentTimeout: Duration = .seconds(30), initialAvailableOutgoingBitrate: Int64? = nil,
        cname: String? = nil, sctp: SCTPOptions? = nil
    ) {
        self.sctp = sctp
        self.enableUDP = enableUDP
        self.enableTCP = enableTCP
        self.preferUDP = preferUDP
        self.preferTCP = preferTCP
        self.iceConsentTimeout = iceConsentTimeout
        self.initialAvailableOutgoingBitrate = initialAvailableOutgoingBitrate
        self.cname = cname
    }
}

public struct WebRTCTransportDescription: Sendable, Hashable {
    public var id: TransportID
    public var iceParameters: ICEParameters
    public var iceCandidates: [ICECandidate]
    public var dtlsParameters: DTLSParameters
    /// Absent without SCTP.
    public var sctpParameters: SCTPParameters?

    public init(
        id: TransportID, iceParameters: ICEParameters, iceCandidates: [ICECandidate], dtlsParameters: DTLSParameters,
        sctpParameters: SCTPParameters? = nil
    ) {
        self.sctpParameters = sctpParameters
        self.id = id
        self.iceParameters = iceParameters
        self.iceCandidates = iceCandidates
        self.dtlsParameters = dtlsParameters
    }
}

/// Our side's credentials. We are always the lite side (RFC 8445 §2.5).
public struct ICEParameters: Sendable, Hashable {
    public var usernameFragment: String
    public var password: String

    public init(usernameFragment: String, password: String) {
        self.usernameFragment = usernameFragment
        self.password = password
    }

    public var json: JSONValue {
        [
            "usernameFragment": .string(usernameFragment), "password": .string(password), "iceLite": true,
        ]
    }
}

/// Where we can be reached: always of type "host", TCP always passive (RFC 6544).
public struct ICECandidate: Sendable, Hashable {
    public enum TransportProtocol: String, Sendable, Hashable { case udp, tcp }

    public var foundation: String
    public var priority: UInt32
    /// As announced: an IP address or a host name.
    public var address: String
    public var port: UInt16
    public var transportProtocol: TransportProtocol

    public init(
        foundation: String, priority: UInt32, address: String, port: UInt16, transportProtocol: TransportProtocol
    ) {
        self.foundation = foundation
        self.priority = priority
        self.address = address
        self.port = port
        self.transportProtocol = transportProtocol
    }

    /// Old clients read `ip`, new ones `address`.
    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "foundation": .string(foundation), "priority": JSONValue(priority), "ip": .string(address),
            "address": .string(address), "port": JSONValue(port), "type": "host",
            "protocol": .string(transportProtocol.rawValue),
        ]
        if transportProtocol == .tcp { members["tcpType"] = "passive" }
        return .object(members)
    }
}

public struct DTLSParameters: Sendable, Hashable {
    public enum Role: String, Sendable, Hashable, CaseIterable { case auto, client, server }

    public var role: Role
    public var fingerprints: [DTLSFingerprint]

    public init(role: Role = .auto, fingerprints: [DTLSFingerprint]) {
        self.role = role
        self.fingerprints = fingerprints
    }

    public var json: JSONValue {
        ["role": .string(role.rawValue), "fingerprints": .array(fingerprints.map(\.json))]
    }
}

/// Of a certificate (RFC 8122 §5).
public struct DTLSFingerprint: Sendable, Hashable {
    /// "sha-256" and so on.
    public var algorithm: String
    /// Upper-case hexadecimal digits with colons.
    public var value: String

    public init(algorithm: String, value: String) {
        self.algorithm = algorithm
        self.value = value
    }

    public var json: JSONValue { ["algorithm": .string(algorithm), "value": .string(value)] }
}

/// mediasoup's words; "closed" is never told, since closing is somebody's command.
public enum ICEState: String, Sendable, Hashable {
    case new, connected, completed, disconnected
}

public enum DTLSState: String, Sendable, Hashable {
    case new, connecting, connected, failed, closed
}
