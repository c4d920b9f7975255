import Base
import DTLS
import MediaPlane
import RTP
import SRTP
import STUN
import Testing

import struct MediaCore.DTLSParameters
import enum MediaCore.ICEState
import enum MediaCore.MediaCoreEvent
import struct MediaCore.WebRTCTransportDescription
import struct MediaCore.WebRTCTransportOptions

/// A client of a WebRTC transport that comes by TCP: checks, DTLS as client, SRTP.
final class TCPPeer {
    let transport: WebRTCTransportDescription
    let client: TCPClient
    private let identity: DTLSIdentity
    private var dtls: DTLSSession
    private var sender: SRTPSender?
    private var receiver: SRTPReceiver?
    private var transactions: UInt64 = 0

    /// Makes the transport and connects to its TCP candidate; no check yet.
    init(_ stage: Stage, place: Int = 0, receiveBuffer: Int32? = nil) async throws {
        transport = try await stage.core.createWebRTCTransport(on: stage.router.id, WebRTCTransportOptions())
        let candidates = transport.iceCandidates.filter { $0.transportProtocol == .tcp }
        let ip = stage.core.configuration.webRTCAddresses.dropFirst(place).first?.ip ?? "127.0.0.1"
        client = try TCPClient(to: candidates[place].port, ip: ip, receiveBuffer: receiveBuffer)
        identity = try DTLSIdentity(unixSeconds: 1_760_000_000)
        dtls = DTLSSession(identity)
    }

    func check(name: String? = nil, password: String? = nil) throws -> [UInt8] {
        transactions += 1
        let request = STUNBindingRequest(
            STUNTransactionID(high: 1, low: transactions),
            username: "\(name ?? transport.iceParameters.usernameFragment):peer", role: .controlling(7),
            priority: 1_853_824_767, usesCandidate: true)
        var bytes = [UInt8](repeating: 0, count: 200)
        let length = try write(request, STUNKey(password ?? transport.iceParameters.password), into: &bytes)
        return Array(bytes.prefix(length))
    }

    private func write(_ request: STUNBindingRequest, _ key: STUNKey, into bytes: inout [UInt8]) throws -> Int {
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        return try #require(request.write(key, into: &raw))
    }

    /// Check and answer.
    func arrive() throws {
        client.send(try check())
        let answer = try #require(client.receive())
        let message = try STUNMessage(parsing: answer.span.bytes)
        let isAuthentic = message.isAuthentic(STUNKey(transport.iceParameters.password), in: answer.span.bytes)
        #expect(isAuthentic)
    }

    /// Check, signaling, handshake.
    func connect(_ stage: Stage) async throws {
        try arrive()
        let own = try #require(identity.fingerprints.last)
        _ = try await stage.core.connect(
            transport.id,
            DTLSParameters(
                role: .client, fingerprints: [.init(algorithm: own.algorithm.rawValue, value: own.value)]))
        let theirs = try #require(transport.dtlsParameters.fingerprints.last)
        let algorithm = try #require(DTLSFingerprint.Algorithm(rawValue: theirs.algorithm))
        var effects: [DTLSEffect] = []
        let now = Instant(nanoseconds: 0)
        dtls.setRemoteFingerprint(DTLSFingerprint(algorithm, theirs.value), into: &effects)
        dtls.start(as: .client, now: now, into: &effects)
        try apply(effects)
        while sender == nil {
            let frame = try #require(client.receive())
            var effects: [DTLSEffect] = []
            dtls.receive(frame.span.bytes, now: now, into: &effects)
            try apply(effects)
        }
    }

    private func apply(_ effects: [DTLSEffect]) throws {
        for effect in effects {
            switch effect {
            case .transmit(let bytes): client.send(bytes)
            case .changed(.connected(let connection)):
                let suite = try #require(SRTPCryptoSuite(rawValue: connection.keys.profile.rawValue))
                sender = try SRTPSender(SRTPMasterKey(suite, connection.keys.local), backend: .libsrtp)
                receiver = try SRTPReceiver(SRTPMasterKey(suite, connection.keys.remote), backend: .libsrtp)
            case .changed, .received: break
            }
        }
    }

    func sendRTP(_ packet: [UInt8]) throws {
        var area = ByteArea(capacity: packet.count + 100)
        area.write(packet.span.bytes, at: 0)
        let header = try RTPHeader(parsing: packet.span.bytes)
        let length = try sender?.protect(
            &area, at: 0, headerLength: header.payloadOffset, count: packet.count - header.payloadOffset,
            index: UInt64(header.sequenceNumber), ssrc: header.ssrc)
        client.send(area.bytes(0..<(length ?? 0)))
    }

    /// The next RTP packet in clear; all else is passed over. Nil at the end.
    func receiveRTP() throws -> SeenPacket? {
        while let frame = client.receive() {
            guard frame.count > 12, frame[0] >> 6 == 2, !(192...223).contains(frame[1]) else { continue }
            var area = ByteArea(capacity: 65_536)
            let length = try receiver?.unprotect(frame.span.bytes, into: &area)
            return SeenPacket(area.bytes(0..<(length ?? 0)))
        }
        return nil
    }
}
