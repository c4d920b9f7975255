import Base
import ORTC
import RTP
import SFU
import SRTP

/// Whoever has the keys of a transport's remote side, from SDES or from DTLS.
protocol KeyHolder: AnyObject {
    /// What came, in the clear.
    func unprotect(_ sent: Sent) throws -> Sent
    func protectRTCP(_ packet: [UInt8]) throws -> [UInt8]
}

/// The remote side of a transport with SRTP, on libsrtp.
final class SRTPPeer: KeyHolder {
    let key: SRTPMasterKey
    private var sender: SRTPSender
    private var receiver: SRTPReceiver?

    init(_ suite: SRTPCryptoSuite, seed: UInt8 = 1) throws {
        key = try SRTPMasterKey(suite, (0..<suite.masterLength).map { seed &* 31 &+ UInt8($0) })
        sender = try SRTPSender(key, backend: .libsrtp)
    }

    var parameters: SRTPParameters { SRTPParameters(cryptoSuite: key.suite.rawValue, keyBase64: key.base64) }

    /// From now on it understands what the transport sends.
    func learn(_ parameters: SRTPParameters?) throws {
        guard let parameters, let suite = SRTPCryptoSuite(rawValue: parameters.cryptoSuite) else { return }
        receiver = try SRTPReceiver(SRTPMasterKey(suite, base64: parameters.keyBase64), backend: .libsrtp)
    }

    func protect(_ packet: [UInt8], rollover: Int = 0) throws -> [UInt8] {
        var area = ByteArea(capacity: packet.count + 100)
        area.write(packet.span.bytes, at: 0)
        let header = try RTPHeader(parsing: packet.span.bytes)
        let length = try sender.protect(
            &area, at: 0, headerLength: header.payloadOffset, count: packet.count - header.payloadOffset,
            index: UInt64(rollover) << 16 | UInt64(header.sequenceNumber), ssrc: header.ssrc)
        return area.bytes(0..<length)
    }

    func protectRTCP(_ packet: [UInt8]) throws -> [UInt8] {
        var area = ByteArea(capacity: packet.count + 100)
        area.write(packet.span.bytes, at: 0)
        let length = try sender.protectRTCP(&area, at: 0, length: packet.count)
        return area.bytes(0..<length)
    }

    func unprotect(_ sent: Sent) throws -> Sent {
        var area = ByteArea(capacity: 65_536)
        let length =
            sent.isRTCP
            ? try receiver?.unprotectRTCP(sent.bytes.span.bytes, into: &area)
            : try receiver?.unprotect(sent.bytes.span.bytes, into: &area)
        return Sent(socket: sent.socket, destination: sent.destination, bytes: area.bytes(0..<(length ?? 0)))
    }
}

extension Stage {
    /// A transport with SRTP and its remote side, connected: to a fixed address, or (comedia) with the keys alone.
    func protected(
        _ name: String, _ suite: SRTPCryptoSuite, at remote: UInt16? = nil, rtcpMux: Bool = true, seed: UInt8 = 1
    ) throws -> (port: Port, peer: SRTPPeer) {
        let port = try transport(name, comedia: remote == nil, rtcpMux: rtcpMux, srtp: suite.rawValue)
        let peer = try SRTPPeer(suite, seed: seed)
        _ = try engine.connect(
            port.id, ip: remote.map { _ in "198.51.100.7" }, port: remote,
            rtcpPort: rtcpMux ? nil : remote.map { $0 + 1 }, srtpParameters: peer.parameters, now: now, into: &outbox)
        collect()
        try peer.learn(srtpParameters(of: port))
        return (port, peer)
    }
}
