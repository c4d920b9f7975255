import Base
import DTLS
import ICE

/// What stands between a WebRTC transport and its remote side: ICE, which says where that is, and DTLS, which says who it is
/// and brings the keys. Media pass when both are there.
struct WebRTCLink: ~Copyable {
    let transport: SlabIndex
    let listeners: [WebRTCListener]
    let candidates: [ICECandidate]
    var agent: ICELiteAgent
    var dtls: DTLSSession
    /// Ours, once `connect` has settled it.
    var role: DTLSRole?

    init(
        _ setup: WebRTCTransportSetup, transport: SlabIndex, identity: DTLSIdentity, random: inout RandomSource
    ) {
        self.transport = transport
        listeners = setup.listeners
        candidates = ICECandidate.candidates(
            of: setup.listeners.map { ICEListen($0.transport, address: $0.local.address, port: $0.local.port) },
            accepts: setup.accepts, prefers: setup.prefers)
        agent = ICELiteAgent(consentTimeout: setup.iceConsentTimeout, using: &random)
        dtls = DTLSSession(identity)
    }

    var ownSockets: [SocketID] { listeners.filter(\.isOwn).map(\.local.socket) }

    var isSecure: Bool { if case .connected = dtls.state { true } else { false } }

    /// Where media go; nil while they can't.
    var mediaPath: TransportPath? {
        guard isSecure else { return nil }
        return agent.selectedTuple.map { TransportPath(remote: $0.remote, socket: SocketID($0.socket)) }
    }

    /// As others see it. A TCP connection is named by its listener.
    func endpointTuple(_ tuple: ICETuple) -> EndpointTuple {
        let listener =
            listeners.first { $0.transport == tuple.transport && $0.local.socket.rawValue == tuple.listener }
            ?? listeners.first { $0.transport == tuple.transport }
        return EndpointTuple(
            localAddress: listener?.local.address ?? "", localPort: listener?.local.port ?? 0, remote: tuple.remote,
            isTCP: tuple.transport == .tcp)
    }

    var selected: EndpointTuple? { agent.selectedTuple.map { endpointTuple($0) } }

    var nextDeadline: Instant? {
        guard let consent = agent.nextDeadline else { return dtls.nextDeadline }
        guard let handshake = dtls.nextDeadline else { return consent }
        return min(consent, handshake)
    }
}
