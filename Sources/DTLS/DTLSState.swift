/// Who begins: the client says hello (RFC 5763 §5 calls it "active").
public enum DTLSRole: String, Sendable, Hashable { case client, server }

/// Where a session is; mediasoup's states by `name`. It only climbs: from `failed` and `closed` nothing leads away.
public enum DTLSState: Sendable, Hashable {
    /// No role yet.
    case new
    /// The handshake goes on, or is done and waits for the remote fingerprint.
    case connecting
    case connected(DTLSConnection)
    /// With a reason that a person can read.
    case failed(reason: String)
    /// By us or by the remote side's close_notify.
    case closed

    public var name: String {
        switch self {
        case .new: "new"
        case .connecting: "connecting"
        case .connected: "connected"
        case .failed: "failed"
        case .closed: "closed"
        }
    }
}

/// What a handshake brought.
public struct DTLSConnection: Sendable, Hashable {
    /// PEM, as mediasoup's `dtlsRemoteCert`.
    public let remoteCertificate: String
    public let keys: SRTPKeyingMaterial
}

/// What the caller has to do or to know, in order.
public enum DTLSEffect: Sendable, Hashable {
    /// One datagram for the remote side.
    case transmit([UInt8])
    case changed(DTLSState)
    /// Application data: what one record of the remote side carried, an SCTP packet.
    case received([UInt8])
}
