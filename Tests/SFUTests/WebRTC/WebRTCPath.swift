import Base
import DTLS
import ICE
import RTP
import SFU
import TestSupport
import Testing

/// A WebRTC transport and its client with a network between them that a test makes bad. Both keep their timers.
final class WebRTCPath {
    let stage: Stage
    let peer: WebRTCPeer
    let transport: WebRTCTransportState
    var up: Link
    var down: Link
    /// Datagrams by the order of their departure, of both directions; true: it is lost.
    var isLost: (Int) -> Bool = { _ in false }
    private(set) var carried = 0
    /// Data channels of the client's, from when it has its keys.
    private(set) var channels: SCTPPeer?
    private var nextCheck: Instant
    private(set) var events: [SFUEvent] = []

    init(
        _ stage: Stage, _ name: String = "t", at address: SocketAddress, role: DTLSRole, seed: UInt64 = 1,
        loss: Double = 0, duplication: Double = 0, reordering: Double = 0, hasChannels: Bool = false
    ) throws {
        self.stage = stage
        channels = hasChannels ? try SCTPPeer() : nil
        up = Link(
            seed: seed, loss: loss, duplication: duplication, reordering: reordering, delay: .milliseconds(10))
        down = Link(
            seed: seed &+ 1000, loss: loss, duplication: duplication, reordering: reordering, delay: .milliseconds(10))
        nextCheck = stage.now
        let state = try stage.webRTC(name, sctp: hasChannels ? SCTPTransportSetup() : nil)
        transport = state
        peer = try WebRTCPeer(address)
        _ = try stage.engine.connectWebRTC(
            state.id, role: role == .client ? .client : .server, fingerprint: peer.fingerprint, now: stage.now,
            into: &stage.outbox)
        try peer.start(role, expecting: try #require(state.fingerprints.last), now: stage.now)
    }

    /// Both sides have their keys.
    var isConnected: Bool { peer.isSecure && dtlsStates.last == "connected" }

    var dtlsStates: [String] {
        events.compactMap { if case .dtlsState(_, let state) = $0 { state.name } else { nil } }
    }

    /// Lets time pass in steps of 5 ms: the client checks every 100 ms until it is answered, then every 2 s.
    func pass(_ duration: Duration, until isDone: () -> Bool = { false }) throws {
        let end = stage.now + duration
        while stage.now < end, !isDone() {
            try depart()
            stage.pass(.milliseconds(5))
            try arrive()
        }
        events += stage.takeEvents()
    }

    /// What the client has to say by itself. A test with several paths takes the parts of a step one by one.
    func depart() throws {
        if nextCheck <= stage.now {
            peer.outgoing.append(try peer.check(transport))
            nextCheck = stage.now + (peer.answers.isEmpty ? .milliseconds(100) : .seconds(2))
        }
        try peer.advance(to: stage.now)
        try talk()
        carry()
    }

    func arrive() throws {
        carry()
        for datagram in up.arrivals(until: stage.now) {
            stage.feed(datagram, on: Stage.shared.socket, from: peer.address)
        }
        for datagram in down.arrivals(until: stage.now) { try peer.take(datagram, now: stage.now) }
        try talk()
        carry()
    }

    /// SCTP in DTLS.
    private func talk() throws {
        guard let channels, peer.isSecure else { return }
        if channels.state == .new { channels.start() }
        for packet in peer.takeData() { channels.take(packet) }
        channels.collect()
        for packet in channels.outgoing { try peer.sendData(packet) }
        channels.outgoing = []
    }

    private func carry() {
        for datagram in peer.outgoing { send(datagram, over: \.up) }
        peer.outgoing = []
        stage.collect()
        events += stage.takeEvents()
        for sent in stage.sent where sent.destination == peer.address { send(sent.bytes, over: \.down) }
        stage.sent.removeAll { $0.destination == peer.address }
    }

    private func send(_ datagram: [UInt8], over way: ReferenceWritableKeyPath<WebRTCPath, Link>) {
        defer { carried += 1 }
        if !isLost(carried) { self[keyPath: way].send(datagram, at: stage.now) }
    }
}
