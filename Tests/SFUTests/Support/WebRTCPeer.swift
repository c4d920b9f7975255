import Base
import DTLS
import ICE
import RTP
import SFU
import SRTP
import STUN
import Testing

/// A client of a WebRTC transport: a full ICE agent of one way, DTLS and SRTP. It has no socket: the test carries what
/// it wants sent, and hands it what came.
final class WebRTCPeer: KeyHolder {
    let address: SocketAddress
    let identity: DTLSIdentity
    private(set) var dtls: DTLSSession
    private var sender: SRTPSender?
    private var receiver: SRTPReceiver?
    private(set) var answers: [STUNMessage] = []
    private(set) var received: [[UInt8]] = []
    private(set) var replayed = 0
    private(set) var data: [[UInt8]] = []
    private var transaction: UInt64 = 0
    /// Datagrams for the transport.
    var outgoing: [[UInt8]] = []

    init(_ address: SocketAddress) throws {
        self.address = address
        identity = try DTLSIdentity(unixSeconds: 1_760_000_000)
        dtls = DTLSSession(identity)
    }

    var fingerprint: (algorithm: String, value: String) {
        identity.fingerprints.last.map { ($0.algorithm.rawValue, $0.value) } ?? ("", "")
    }

    var isSecure: Bool { sender != nil }
    var stateName: String { dtls.state.name }

    func check(
        _ state: WebRTCTransportState, nominates: Bool = true, role: STUNBindingRequest.Role = .controlling(7)
    ) throws -> [UInt8] {
        transaction += 1
        let id = STUNTransactionID(high: 1, low: transaction)
        let request = STUNBindingRequest(
            id, username: "\(state.usernameFragment):peer", role: role, priority: 1_853_824_767,
            usesCandidate: nominates)
        var bytes = [UInt8](repeating: 0, count: 200)
        let length = try write(request, STUNKey(state.password), into: &bytes)
        return Array(bytes.prefix(length))
    }

    private func write(_ request: STUNBindingRequest, _ key: STUNKey, into bytes: inout [UInt8]) throws -> Int {
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        return try #require(request.write(key, into: &raw))
    }

    func start(_ role: DTLSRole, expecting fingerprint: DTLSFingerprint, now: Instant) throws {
        var effects: [DTLSEffect] = []
        dtls.setRemoteFingerprint(fingerprint, into: &effects)
        dtls.start(as: role, now: now, into: &effects)
        try apply(effects)
    }

    /// What was not answered is sent again.
    func advance(to now: Instant) throws {
        guard let due = dtls.nextDeadline, due <= now else { return }
        var effects: [DTLSEffect] = []
        dtls.advance(to: now, into: &effects)
        try apply(effects)
    }

    func close() throws {
        var effects: [DTLSEffect] = []
        dtls.close(into: &effects)
        try apply(effects)
    }

    func take(_ datagram: [UInt8], now: Instant) throws {
        let bytes = datagram.span.bytes
        if STUNMessage.isSTUN(bytes) {
            answers.append(try STUNMessage(parsing: bytes))
            return
        }
        if datagram[0] >= 128 {
            // What the network doubles is passed over.
            do { received.append(try unprotect(Sent(datagram)).bytes) } catch SRTPError.replayed { replayed += 1 }
            return
        }
        var effects: [DTLSEffect] = []
        dtls.receive(bytes, now: now, into: &effects)
        try apply(effects)
    }

    func protect(_ packet: [UInt8]) throws -> [UInt8] {
        var area = ByteArea(capacity: packet.count + 100)
        area.write(packet.span.bytes, at: 0)
        let header = try RTPHeader(parsing: packet.span.bytes)
        let length = try sender?.protect(
            &area, at: 0, headerLength: header.payloadOffset, count: packet.count - header.payloadOffset,
            index: UInt64(header.sequenceNumber), ssrc: header.ssrc)
        return area.bytes(0..<(length ?? 0))
    }

    func protectRTCP(_ packet: [UInt8]) throws -> [UInt8] {
        var area = ByteArea(capacity: packet.count + 100)
        area.write(packet.span.bytes, at: 0)
        let length = try sender?.protectRTCP(&area, at: 0, length: packet.count)
        return area.bytes(0..<(length ?? 0))
    }

    func unprotect(_ sent: Sent) throws -> Sent {
        var area = ByteArea(capacity: 65_536)
        let bytes = sent.bytes.span.bytes
        let length =
            try sent.isRTCP ? receiver?.unprotectRTCP(bytes, into: &area) : receiver?.unprotect(bytes, into: &area)
        return Sent(socket: sent.socket, destination: sent.destination, bytes: area.bytes(0..<(length ?? 0)))
    }

    /// What came, each once.
    func takeReceived() -> [[UInt8]] {
        defer { received = [] }
        return received
    }

    func sendData(_ bytes: [UInt8]) throws {
        var effects: [DTLSEffect] = []
        try dtls.send(bytes.span.bytes, into: &effects)
        try apply(effects)
    }

    func takeData() -> [[UInt8]] {
        defer { data = [] }
        return data
    }

    private func apply(_ effects: [DTLSEffect]) throws {
        for effect in effects {
            switch effect {
            case .transmit(let bytes): outgoing.append(bytes)
            case .received(let bytes): data.append(bytes)
            case .changed(.connected(let connection)):
                let suite = try #require(SRTPCryptoSuite(rawValue: connection.keys.profile.rawValue))
                sender = try SRTPSender(SRTPMasterKey(suite, connection.keys.local), backend: .libsrtp)
                receiver = try SRTPReceiver(SRTPMasterKey(suite, connection.keys.remote), backend: .libsrtp)
            case .changed: break
            }
        }
    }
}

extension Sent {
    static func isRTCP(_ bytes: [UInt8]) -> Bool { bytes.count > 1 && (192...223).contains(bytes[1]) }
}

extension Stage {
    /// One socket for all.
    static let shared = LocalEndpoint(socket: SocketID(900), address: "192.0.2.1", port: 44_444)

    func webRTC(
        _ name: String, _ listeners: [WebRTCListener] = [WebRTCListener(Stage.shared)], initialBitrate: Int64? = nil,
        sctp: SCTPTransportSetup? = nil
    ) throws -> WebRTCTransportState {
        try engine.createWebRTCTransport(
            WebRTCTransportSetup(
                router: Stage.room, id: TransportID(rawValue: name), listeners: listeners,
                initialAvailableOutgoingBitrate: initialBitrate, sctp: sctp), now: now)
    }

    /// Carries datagrams both ways until nobody has any left.
    func exchange(_ peers: [WebRTCPeer], on socket: SocketID = Stage.shared.socket) throws {
        for _ in 0..<50 {
            var moved = false
            for peer in peers {
                let datagrams = peer.outgoing
                peer.outgoing = []
                for datagram in datagrams {
                    moved = true
                    feed(datagram, on: socket, from: peer.address)
                }
            }
            collect()
            let datagrams = sent
            sent = []
            for datagram in datagrams {
                moved = true
                for peer in peers where peer.address == datagram.destination { try peer.take(datagram.bytes, now: now) }
            }
            if !moved { return }
        }
    }

    /// The transport as the helpers of plain ones take it; its tuples are those of nobody.
    func port(of state: WebRTCTransportState) throws -> Port {
        Port(id: state.id, rtp: Stage.shared.socket, rtcp: nil, tuples: try tuples(of: state.id))
    }

    private func tuples(of id: TransportID) throws -> PlainTransportTuples {
        let tuples = engine.tuples(of: id)
        return try #require(tuples)
    }

    /// A client whose check, connect and handshake went well.
    func connected(
        _ name: String, at address: SocketAddress, peerRole: DTLSRole = .client, initialBitrate: Int64? = nil,
        sctp: SCTPTransportSetup? = nil
    ) throws -> (Port, WebRTCPeer) {
        let state = try webRTC(name, initialBitrate: initialBitrate, sctp: sctp)
        let peer = try WebRTCPeer(address)
        _ = try engine.connectWebRTC(
            state.id, role: peerRole == .client ? .client : .server, fingerprint: peer.fingerprint, now: now,
            into: &outbox)
        peer.outgoing.append(try peer.check(state))
        try peer.start(peerRole, expecting: try #require(state.fingerprints.last), now: now)
        try exchange([peer])
        return (try port(of: state), peer)
    }
}

/// Names of states and of selections, in order.
func story(_ events: [SFUEvent]) -> [String] {
    events.compactMap { event in
        switch event {
        case .iceSelectedTuple(_, let tuple): "selected \(tuple.remote?.port ?? 0)"
        case .iceState(_, let state): "ice \(state.rawValue)"
        case .dtlsState(_, let state): "dtls \(state.name)"
        default: nil
        }
    }
}
