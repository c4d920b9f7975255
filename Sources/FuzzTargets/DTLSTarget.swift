import Base
import DTLS

/// A script of steps: datagrams from outside into a fresh server, and the conversation of a true client with it, whose
/// datagrams come through, get lost, are changed or come again.
///
/// Whatever happens, states only climb; and once the two are connected, nothing that the client did not say ends it.
func fuzzDTLS(_ bytes: RawSpan) {
    guard let identity = dtlsIdentity, let fingerprint = identity.fingerprints.last else {
        preconditionFailure("an identity can be made")
    }
    var input = FuzzInput(bytes)
    var now = Instant(nanoseconds: 0)
    var client = DTLSSession(identity)
    var server = DTLSSession(identity)
    var (up, down): ([[UInt8]], [[UInt8]]) = ([], [])
    var effects: [DTLSEffect] = []
    client.setRemoteFingerprint(fingerprint, into: &effects)
    server.setRemoteFingerprint(fingerprint, into: &effects)
    server.start(as: .server, now: now, into: &effects)
    client.start(as: .client, now: now, into: &effects)
    up = sent(&effects)
    var isConnected = false
    for _ in 0..<256 where !input.isAtEnd {
        let (what, change) = (input.byte(), input.byte())
        switch what % 8 {
        case 0, 1: server.receive(input.datagram().span.bytes, now: now, into: &effects)
        case 2, 3:
            guard let datagram = up.first else { continue }
            up.removeFirst()
            server.receive(datagram.span.bytes, now: now, into: &effects)
            // It may come twice.
            if change & 1 == 1 { up.append(datagram) }
        case 4:
            guard var datagram = up.first else { continue }
            up.removeFirst()
            let place = (Int(change) << 8 | Int(input.byte())) % datagram.count
            datagram[place] ^= input.byte()
            server.receive(datagram.span.bytes, now: now, into: &effects)
        case 5: if !up.isEmpty { up.removeFirst() }
        case 6:
            guard let datagram = down.first else { continue }
            down.removeFirst()
            client.receive(datagram.span.bytes, now: now, into: &effects)
            up += sent(&effects)
            continue
        default:
            now = now + .milliseconds(Int(change) * 40)
            client.advance(to: now, into: &effects)
            up += sent(&effects)
            server.advance(to: now, into: &effects)
        }
        down += sent(&effects)
        if case .connected = server.state { isConnected = true }
        precondition(!isConnected || server.state.name == "connected", "a stranger ended a connected session")
    }
}

/// Making one takes longer than many inputs.
private let dtlsIdentity = try? DTLSIdentity(unixSeconds: 1_800_000_000)

private func sent(_ effects: inout [DTLSEffect]) -> [[UInt8]] {
    defer { effects = [] }
    return effects.compactMap { if case .transmit(let datagram) = $0 { datagram } else { nil } }
}

extension FuzzTarget {
    /// A handshake that goes through, then a record that is too short, an alert and a piece of a hello from nobody; the
    /// same with datagrams that are changed; a stranger's first words.
    static let dtlsScripts: [[UInt8]] = {
        let records: [[UInt8]] = [
            [20, 254, 253, 0, 1, 0, 0, 0, 0, 1, 1, 0, 1, 1],
            [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 80],
            [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 14, 1, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 2, 254, 253],
            [22, 254, 253, 0, 1, 0, 0, 0, 0, 0, 2, 0, 25] + [UInt8](repeating: 5, count: 25),
        ]
        let strangers: [UInt8] = records.flatMap { record -> [UInt8] in [0, 0, 0, UInt8(record.count)] + record }
        let through: [UInt8] = [2, 0, 6, 0, 2, 1, 6, 0]
        return [
            through + strangers + [2, 0], strangers + through, [4, 0, 13, 1, 7, 20, 2, 0, 6, 0, 5, 0, 7, 20] + through,
        ]
    }()
}
