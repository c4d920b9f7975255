import Base
import DTLS
import Foundation
import TestSupport
import Testing

/// `openssl s_server` and `s_client` as the other side, over UDP on loopback, with an RSA certificate as GStreamer has one.
@Suite struct OpenSSLToolTests {
    /// `losing`: the server's last word is lost, once. It says it again when it hears ours again, under new numbers.
    @Test(arguments: [false, true])
    func `with openssl as server`(losing: Bool) async throws {
        let folder = try Folder()
        let (certificate, key) = try await folder.make("peer", "rsa:2048")
        let outcome = try await onThread {
            let peer = try PeerProcess(
                ["openssl", "s_server", "-dtls1_2", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key]
                    + ["-Verify", "1"] + Self.common)
            var line = ""
            while !line.hasPrefix("ACCEPT") { line = try peer.line() }
            let port = try #require(line.split(separator: ":").last.flatMap { UInt16($0) })
            return try Self.talk(
                peer, as: .client, expecting: DTLSIdentity(certificateFile: certificate, keyFile: key).sha256,
                socket: try UDPPeer(to: port), losing: losing)
        }
        #expect(outcome.isRight && outcome.lost == losing, "\(outcome)")
    }

    /// Browsers' hellos with a post-quantum key share have 1,400 bytes; this one grows by the protocols that it offers.
    @Test(arguments: [0, 90])
    func `with openssl as client, also with a hello of two datagrams`(protocols: Int) async throws {
        let folder = try Folder()
        let (certificate, key) = try await folder.make("peer", "rsa:2048")
        let outcome = try await onThread {
            let socket = try UDPPeer(to: nil)
            let names = (0..<protocols).map { "protocol-name-\($0)" }.joined(separator: ",")
            let peer = try PeerProcess(
                ["openssl", "s_client", "-dtls1_2", "-connect", "127.0.0.1:\(socket.port)", "-cert", certificate]
                    + ["-key", key, "-mtu", "1200"] + (protocols > 0 ? ["-alpn", names] : []) + Self.common)
            return try Self.talk(
                peer, as: .server, expecting: DTLSIdentity(certificateFile: certificate, keyFile: key).sha256,
                socket: socket, losing: false)
        }
        #expect(outcome.isRight, "\(outcome)")
        #expect((outcome.heard[0] + outcome.heard[1] > 1400) == (protocols > 0), "\(outcome.heard)")
        #expect(outcome.heard.allSatisfy { $0 <= 1200 })
    }

    private static let common = [
        "-use_srtp", "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80", "-keymatexport", "EXTRACTOR-dtls_srtp",
        "-keymatexportlen", "56", "-groups", "P-256",
    ]

    struct Outcome: Sendable {
        var names: [String]
        var keys: SRTPKeyingMaterial?
        var role: DTLSRole
        /// What the tool says that it exported.
        var exported: [UInt8]
        /// Whether a datagram was lost on purpose.
        var lost: Bool
        /// The lengths of the datagrams that came.
        var heard: [Int]

        var isRight: Bool {
            guard names == ["connecting", "connected"], let keys, keys.profile == .aeadAES128GCM else { return false }
            let (client, server) = role == .client ? (keys.local, keys.remote) : (keys.remote, keys.local)
            var expected = Array(client[..<16])
            expected += server[..<16]
            expected += client[16...]
            expected += server[16...]
            return exported == expected
        }
    }

    private static func talk(
        _ peer: PeerProcess, as role: DTLSRole, expecting fingerprint: DTLSFingerprint, socket: UDPPeer, losing: Bool
    ) throws -> Outcome {
        let side = Side(identities.client, remote: fingerprint)
        for datagram in side.act({ $0.start(as: role, now: UDPPeer.now(), into: &$1) }) { socket.send(datagram) }
        let end = UDPPeer.now() + .seconds(25)
        var lost = false
        var heard: [Int] = []
        while !["connected", "failed"].contains(side.session.state.name), UDPPeer.now() < end {
            if let datagram = socket.receive(for: 50) {
                heard.append(datagram.count)
                // Its last word begins with ChangeCipherSpec.
                if losing, !lost, datagram.first == 20 {
                    lost = true
                } else {
                    let now = UDPPeer.now()
                    for answer in side.act({ $0.receive(datagram.span.bytes, now: now, into: &$1) }) {
                        socket.send(answer)
                    }
                }
            }
            for datagram in side.act({ $0.advance(to: UDPPeer.now(), into: &$1) }) {
                socket.send(datagram)
            }
        }
        var exported: [UInt8] = []
        while side.connection != nil, exported.isEmpty {
            let line = try peer.line()
            guard let start = line.range(of: "Keying material: ")?.upperBound else { continue }
            let digits = Array(line[start...].utf8)
            for place in stride(from: 0, to: digits.count - 1, by: 2) {
                exported.append(UInt8(String(decoding: digits[place...place + 1], as: UTF8.self), radix: 16) ?? 0)
            }
        }
        return Outcome(
            names: side.names, keys: side.connection?.keys, role: role, exported: exported, lost: lost,
            heard: heard)
    }
}

/// A UDP socket on loopback, for one peer.
final class UDPPeer: Sendable {
    struct NoSocket: Error {}

    private let descriptor: Int32
    let port: UInt16

    /// - Parameter to: The peer's port; nil: whoever speaks first.
    init(to remote: UInt16?) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isBound else { throw NoSocket() }
        if let remote { connect(to: remote.bigEndian) }
    }

    deinit { close(descriptor) }

    private func connect(to port: in_port_t) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    func send(_ datagram: [UInt8]) { _ = Glibc.send(descriptor, datagram, datagram.count, 0) }

    /// - Parameter milliseconds: How long it waits.
    func receive(for milliseconds: Int32) -> [UInt8]? {
        var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&polled, 1, milliseconds) > 0 else { return nil }
        var room = [UInt8](repeating: 0, count: 65_536)
        var from = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let got = withUnsafeMutablePointer(to: &from) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &room, room.count, 0, $0, &length)
            }
        }
        guard got > 0 else { return nil }
        connect(to: from.sin_port)
        return Array(room.prefix(got))
    }

    static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
