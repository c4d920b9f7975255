import Base
import CBench
import DTLS
import Figures
import Glibc
import STUN

/// What a transport says of itself.
struct Invitation {
    let port: UInt16
    let usernameFragment, password: String
    /// Of SHA-256.
    let fingerprint: String
}

/// A client of WebRTC that gets in by ICE and DTLS over a socket of its own. What reaches it afterwards goes the whole way
/// through the kernel, and nobody reads it.
final class Client {
    let descriptor: Int32
    let port: UInt16
    private static let made = try? DTLSIdentity(unixSeconds: 1_800_000_000, profiles: [.aeadAES128GCM])

    static var identity: DTLSIdentity {
        guard let made else { fail("no certificate can be made") }
        return made
    }

    static var fingerprint: String {
        identity.fingerprints.first { $0.algorithm == .sha256 }?.value ?? ""
    }

    init() {
        var port: UInt16 = 0
        descriptor = bench_socket(&port)
        guard descriptor >= 0 else { fail("no socket for a client: errno \(errno); are there enough descriptors?") }
        self.port = port
    }

    deinit { close(descriptor) }

    /// A check, then the handshake; what is lost ends the program after two seconds.
    func enter(_ invitation: Invitation) {
        connect(to: invitation.port)
        send(check(invitation))
        var session = DTLSSession(Self.identity)
        var effects: [DTLSEffect] = []
        session.setRemoteFingerprint(DTLSFingerprint(.sha256, invitation.fingerprint), into: &effects)
        session.start(as: .client, now: Instant(nanoseconds: 0), into: &effects)
        var bytes = [UInt8](repeating: 0, count: 2048)
        while session.state.name == "connecting" {
            for case .transmit(let datagram) in effects { send(datagram) }
            effects = []
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 2000) == 1 else { fail("a client was not answered for two seconds") }
            let count = recv(descriptor, &bytes, bytes.count, 0)
            // DTLS alone: the answer to the check says nothing new (RFC 7983 §7).
            guard count > 0, (20...63).contains(bytes[0]) else { continue }
            session.receive(Array(bytes[..<count]).span.bytes, now: Instant(nanoseconds: 0), into: &effects)
        }
        guard session.state.name == "connected" else { fail("a client's handshake failed: \(session.state)") }
        for case .transmit(let datagram) in effects { send(datagram) }
    }

    private func connect(to port: UInt16) {
        var name = loopback(port)
        // The address outlives the call.
        let code = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { fail("a client cannot connect: errno \(errno)") }
    }

    private func send(_ datagram: [UInt8]) { _ = Glibc.send(descriptor, datagram, datagram.count, 0) }

    private func check(_ invitation: Invitation) -> [UInt8] {
        let request = STUNBindingRequest(
            STUNTransactionID(high: 1, low: UInt64(port)), username: "\(invitation.usernameFragment):client",
            role: .controlling(1), priority: 1_853_824_767, usesCandidate: true)
        var bytes = [UInt8](repeating: 0, count: 200)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        let length = request.write(STUNKey(invitation.password), into: &raw) ?? 0
        return Array(bytes[..<length])
    }
}

func loopback(_ port: UInt16) -> sockaddr_in {
    var name = sockaddr_in()
    (name.sin_family, name.sin_port) = (sa_family_t(AF_INET), port.bigEndian)
    name.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return name
}

/// Handshakes in memory, without a network.
struct Handshakes: Codable {
    /// CPU microseconds of the server in one handshake, and of its unavoidable arithmetic in OpenSSL alone.
    let server, keys: Spread
    /// To OpenSSL of the same round, median.
    let ratio: Double

    var perSecond: Double { 1e6 / server.median }

    static func measure(rounds: Int, count: Int) -> Handshakes {
        var (server, keys): ([Double], [Double]) = ([], [])
        for _ in 0..<rounds {
            let spent = bench_handshake_keys(Int32(count))
            guard spent > 0 else { fail("OpenSSL makes no keys") }
            keys.append(Double(spent) / Double(count) / 1000)
            server.append((0..<count).reduce(0.0) { sum, _ in sum + one() } / Double(count) / 1000)
        }
        guard let spread = Spread(server), let alone = Spread(keys),
            let ratio = Spread.median(zip(server, keys).map { $0 / $1 })
        else { fail("no rounds") }
        return Handshakes(server: spread, keys: alone, ratio: ratio)
    }

    /// CPU nanoseconds of the server.
    private static func one() -> Double {
        let now = Instant(nanoseconds: 0)
        let identity = Client.identity
        let fingerprint = DTLSFingerprint(.sha256, Client.fingerprint)
        var client = DTLSSession(identity)
        var (up, down): ([DTLSEffect], [DTLSEffect]) = ([], [])
        client.setRemoteFingerprint(fingerprint, into: &up)
        var start = bench_thread_cpu_ns()
        var server = DTLSSession(identity)
        server.setRemoteFingerprint(fingerprint, into: &down)
        server.start(as: .server, now: now, into: &down)
        var spent = bench_thread_cpu_ns() - start
        client.start(as: .client, now: now, into: &up)
        while client.state.name == "connecting" || server.state.name == "connecting" {
            let datagrams = up
            up = []
            start = bench_thread_cpu_ns()
            for case .transmit(let datagram) in datagrams {
                server.receive(datagram.span.bytes, now: now, into: &down)
            }
            spent += bench_thread_cpu_ns() - start
            let answers = down
            down = []
            for case .transmit(let datagram) in answers { client.receive(datagram.span.bytes, now: now, into: &up) }
            if datagrams.isEmpty, answers.isEmpty { fail("a handshake in memory came to nothing") }
        }
        return Double(spent)
    }
}
