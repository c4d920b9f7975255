import Base
import DTLS
import TestSupport

/// Of all tests: making keys takes a while.
let identities: Identities = {
    do { return try Identities() } catch { preconditionFailure("no identities: \(error)") }
}()

struct Identities {
    let client: DTLSIdentity
    let server: DTLSIdentity

    init() throws(DTLSError) {
        client = try DTLSIdentity(unixSeconds: 1_800_000_000)
        server = try DTLSIdentity(unixSeconds: 1_800_000_000)
    }
}

extension DTLSIdentity {
    /// The last one.
    var sha256: DTLSFingerprint { fingerprints[fingerprints.count - 1] }
}

/// A session, and all that came out of it.
final class Side {
    var session: DTLSSession
    var states: [DTLSState] = []
    var received: [[UInt8]] = []
    /// Everything it ever sent.
    var sent: [[UInt8]] = []
    private var effects: [DTLSEffect] = []

    init(_ identity: DTLSIdentity, remote: DTLSFingerprint?, maximumDatagramLength: Int = 1200) {
        session = DTLSSession(identity, maximumDatagramLength: maximumDatagramLength)
        if let remote { session.setRemoteFingerprint(remote, into: &effects) }
    }

    var connection: DTLSConnection? { if case .connected(let connection) = session.state { connection } else { nil } }
    var reason: String? { if case .failed(let reason) = session.state { reason } else { nil } }
    var names: [String] { states.map(\.name) }

    /// What is to be sent now.
    func act(_ body: (inout DTLSSession, inout [DTLSEffect]) -> Void) -> [[UInt8]] {
        body(&session, &effects)
        var datagrams: [[UInt8]] = []
        for effect in effects {
            switch effect {
            case .transmit(let datagram): datagrams.append(datagram)
            case .changed(let state): states.append(state)
            case .received(let data): received.append(data)
            }
        }
        effects = []
        sent += datagrams
        return datagrams
    }
}

/// A client and a server, and the two directions of the network between them.
final class Pair {
    var client: Side
    var server: Side
    var clock = VirtualClock()
    var up: Link
    var down: Link
    /// Whether the nth datagram of a direction is lost; besides what the links lose.
    var losesUp: (Int) -> Bool = { _ in false }
    var losesDown: (Int) -> Bool = { _ in false }

    init(
        seed: UInt64 = 1, loss: Double = 0, duplication: Double = 0, reordering: Double = 0,
        client: DTLSIdentity = identities.client, server: DTLSIdentity = identities.server,
        clientExpects: DTLSFingerprint? = identities.server.sha256,
        serverExpects: DTLSFingerprint? = identities.client.sha256, maximumDatagramLength: Int = 1200
    ) {
        self.client = Side(client, remote: clientExpects, maximumDatagramLength: maximumDatagramLength)
        self.server = Side(server, remote: serverExpects, maximumDatagramLength: maximumDatagramLength)
        up = Link(seed: seed, loss: loss, duplication: duplication, reordering: reordering)
        down = Link(seed: seed &+ 1000, loss: loss, duplication: duplication, reordering: reordering)
    }

    func start() {
        onServer { [now = clock.now] in $0.start(as: .server, now: now, into: &$1) }
        onClient { [now = clock.now] in $0.start(as: .client, now: now, into: &$1) }
    }

    func onClient(_ body: (inout DTLSSession, inout [DTLSEffect]) -> Void) {
        let first = client.sent.count
        for (number, datagram) in client.act(body).enumerated() where !losesUp(first + number) {
            up.send(datagram, at: clock.now)
        }
    }

    func onServer(_ body: (inout DTLSSession, inout [DTLSEffect]) -> Void) {
        let first = server.sent.count
        for (number, datagram) in server.act(body).enumerated() where !losesDown(first + number) {
            down.send(datagram, at: clock.now)
        }
    }

    /// To the next thing that happens; false: nothing will.
    func step() -> Bool {
        let moments = [up.nextArrival, down.nextArrival, client.session.nextDeadline, server.session.nextDeadline]
        guard let next = moments.compactMap({ $0 }).min() else { return false }
        clock.advance(to: next)
        let now = clock.now
        for datagram in up.arrivals(until: now) {
            onServer { $0.receive(datagram.span.bytes, now: now, into: &$1) }
        }
        for datagram in down.arrivals(until: now) {
            onClient { $0.receive(datagram.span.bytes, now: now, into: &$1) }
        }
        onClient { $0.advance(to: now, into: &$1) }
        onServer { $0.advance(to: now, into: &$1) }
        return true
    }

    /// Until nothing moves any more, or for so long.
    func run(for time: Duration = .seconds(120)) {
        let end = clock.now + time
        while clock.now < end, step() {}
    }

    var isConnected: Bool { client.connection != nil && server.connection != nil }

    /// Whether both have the same keys, crosswise.
    var agrees: Bool {
        guard let a = client.connection?.keys, let b = server.connection?.keys else { return false }
        return a.profile == b.profile && a.local == b.remote && a.remote == b.local && a.local != a.remote
    }
}
