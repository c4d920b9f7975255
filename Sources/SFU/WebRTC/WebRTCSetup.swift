import Base
import DTLS
import ICE

/// A socket of the driver's that clients are told of.
public struct WebRTCListener: Sendable, Hashable {
    public var local: LocalEndpoint
    public var transport: ICEProtocol
    /// Belongs to this one transport and closes with it. Otherwise it is the worker's, for all its transports, and who a
    /// datagram is for is told by its source, or by the user name in its check.
    public var isOwn: Bool

    public init(_ local: LocalEndpoint, _ transport: ICEProtocol = .udp, isOwn: Bool = false) {
        (self.local, self.transport, self.isOwn) = (local, transport, isOwn)
    }
}

public struct WebRTCTransportSetup: Sendable {
    public var router: RouterID
    public var id: TransportID
    /// In the order of their candidates. Those of protocols that are not accepted keep their rank, and are not told.
    public var listeners: [WebRTCListener]
    public var accepts: Set<ICEProtocol>
    /// Raised above the others.
    public var prefers: Set<ICEProtocol>
    /// Without a good check for so many seconds the remote side counts as gone, 10…60; 0: never.
    public var iceConsentTimeout: Int
    /// One name for all transports of one sender. Nil: the first producer's own, or a random one.
    public var cname: String?
    /// Bits per second; nil: 600,000.
    public var initialAvailableOutgoingBitrate: Int64?
    /// For data channels; nil: there are none.
    public var sctp: SCTPTransportSetup?

    public init(
        router: RouterID, id: TransportID, listeners: [WebRTCListener],
        accepts: Set<ICEProtocol> = Set(ICEProtocol.allCases), prefers: Set<ICEProtocol> = [],
        iceConsentTimeout: Int = 30, cname: String? = nil, initialAvailableOutgoingBitrate: Int64? = nil,
        sctp: SCTPTransportSetup? = nil
    ) {
        self.sctp = sctp
        self.router = router
        self.id = id
        self.listeners = listeners
        self.accepts = accepts
        self.prefers = prefers
        self.iceConsentTimeout = iceConsentTimeout
        self.cname = cname
        self.initialAvailableOutgoingBitrate = initialAvailableOutgoingBitrate
    }
}

/// What the remote side has to be told.
public struct WebRTCTransportState: Sendable {
    public var id: TransportID
    public var usernameFragment: String
    public var password: String
    public var candidates: [ICECandidate]
    /// Nil: it will be told by `connect`, "auto" until then.
    public var dtlsRole: DTLSRole?
    public var fingerprints: [DTLSFingerprint]
}

/// What a remote side says of its role: it is told in words of its own, so `server` makes us the client.
public enum RemoteDTLSRole: String, Sendable, Hashable, CaseIterable { case auto, client, server }
