import Base
import DTLS
import ICE
import ORTC
import RTP
import SFU
import STUN
import TestSupport
import Testing

private let client = Stage.address("203.0.113.5", 7000)

@Suite struct WebRTCNetworkTests {
    /// A packet of the client's reaches a consumer: the keys of both sides are the same.
    private func expectMedia(_ path: WebRTCPath, _ comment: Comment) throws {
        let stage = path.stage
        try stage.produce("video", on: try stage.port(of: path.transport), Parameters.vp8())
        try stage.receiver("c", of: "video", at: 5000)
        var track = VideoTrack()
        (path.up.loss, path.down.loss) = (0, 0)
        for packet in try track.frame(isKeyFrame: true, packets: 3) {
            path.peer.outgoing.append(try path.peer.protect(packet))
        }
        try path.pass(.milliseconds(200))
        #expect(stage.media(to: 5000).count == 3, comment)
    }

    @Test(arguments: [DTLSRole.client, .server])
    func `whichever one datagram of the beginning is lost, the client gets in`(role: DTLSRole) throws {
        let whole = try WebRTCPath(Stage(), at: client, role: role)
        try whole.pass(.seconds(1)) { whole.isConnected }
        #expect(whole.isConnected)
        let count = whole.carried
        #expect(6...20 ~= count)
        for lost in 0..<count {
            let path = try WebRTCPath(Stage(), at: client, role: role)
            path.isLost = { $0 == lost }
            try path.pass(.seconds(10)) { path.isConnected }
            #expect(path.isConnected, "without datagram \(lost): \(path.dtlsStates), client \(path.peer.stateName)")
            #expect(path.dtlsStates == ["connecting", "connected"], "without datagram \(lost)")
            try expectMedia(path, "without datagram \(lost)")
        }
    }

    @Test(arguments: Array(1...12) as [UInt64], [DTLSRole.client, .server])
    func `a network that loses, doubles and reorders lets it in, too`(seed: UInt64, role: DTLSRole) throws {
        let path = try WebRTCPath(
            Stage(), at: client, role: role, seed: seed, loss: 0.15, duplication: 0.15, reordering: 0.2)
        try path.pass(.seconds(30)) { path.isConnected }
        #expect(path.isConnected, "seed \(seed): \(path.dtlsStates), client \(path.peer.stateName)")
        #expect(path.dtlsStates == ["connecting", "connected"], "seed \(seed)")
        (path.up, path.down) = (Link(seed: seed), Link(seed: seed))
        try expectMedia(path, "seed \(seed)")
    }

    @Test func `what is sent again by somebody else counts once`() throws {
        let stage = try Stage()
        let (source, peer) = try stage.connected("in", at: client)
        try stage.produce("video", on: source, Parameters.vp8())
        try stage.receiver("c", of: "video", at: 5000)
        var track = VideoTrack()
        let packets = try track.frame(isKeyFrame: true, packets: 4).map(peer.protect)
        for packet in packets { stage.feed(packet, on: Stage.shared.socket, from: client) }
        for packet in packets.reversed() { stage.feed(packet, on: Stage.shared.socket, from: client) }
        #expect(stage.media(to: 5000).count == 4)
        #expect(stage.drops(source).replayed == 4)
        // From elsewhere not even that is looked at, and nothing is sent there.
        let before = stage.sent.count
        for packet in packets { stage.feed(packet, on: Stage.shared.socket, from: Stage.address("192.0.2.66", 1)) }
        #expect(stage.drops(source).replayed == 4 && stage.sent.count == before)
        #expect(stage.strayCount == 4)
    }

    // MARK: - Strangers

    @Test func `a check with another password changes nothing, and its answer is no longer than it`() throws {
        let stage = try Stage()
        var state = try stage.webRTC("in")
        let peer = try WebRTCPeer(client)
        let right = state.password
        state.password = String(right.reversed())
        let check = try peer.check(state)
        stage.feed(check, on: Stage.shared.socket, from: client)
        #expect(stage.takeEvents().isEmpty)
        let answers = stage.sent.map(\.bytes)
        #expect(answers.count == 1 && answers[0].count <= check.count)
        let first = try #require(answers.first)
        let answer = try STUNMessage(parsing: first.span.bytes)
        #expect(answer.errorCode == 401)
        // Its address is nobody's yet.
        let stray = stage.strayCount
        stage.feed([22, 254, 253] + [UInt8](repeating: 0, count: 20), on: Stage.shared.socket, from: client)
        #expect(stage.strayCount == stray + 1)
        state.password = right
        stage.feed(try peer.check(state), on: Stage.shared.socket, from: client)
        #expect(story(stage.takeEvents()) == entered)
    }

    /// Of a client that comes before signaling says who it is.
    private let entered = ["selected 7000", "ice completed", "dtls connecting"]

    @Test func `who wants the role that is ours is told so, and gets in with the other one`() throws {
        let stage = try Stage()
        let state = try stage.webRTC("in")
        let peer = try WebRTCPeer(client)
        let check = try peer.check(state, role: .controlled(1))
        stage.feed(check, on: Stage.shared.socket, from: client)
        let first = try #require(stage.sent.first?.bytes)
        #expect(try STUNMessage(parsing: first.span.bytes).errorCode == 487)
        #expect(first.count <= check.count && stage.sent.count == 1 && stage.takeEvents().isEmpty)
        stage.feed(try peer.check(state), on: Stage.shared.socket, from: client)
        #expect(story(stage.takeEvents()) == entered)
    }

    @Test func `a flood of checks gets fewer bytes than it brings, and keeps nobody else out`() throws {
        let stage = try Stage()
        let state = try stage.webRTC("in")
        var forged = state
        forged.password = String(state.password.reversed())
        let stranger = try WebRTCPeer(Stage.address("192.0.2.66", 666))
        var brought = 0
        // With a name that somebody has, and with one that nobody has.
        for number in 0..<4000 {
            if number % 2 == 1 { forged.usernameFragment = "nobody\(number)" }
            let check = try stranger.check(forged)
            forged.usernameFragment = state.usernameFragment
            brought += check.count
            stage.feed(check, on: Stage.shared.socket, from: stranger.address)
            if number % 10 == 9 { stage.pass(.milliseconds(1)) }
        }
        #expect(stage.sent.allSatisfy { $0.destination == stranger.address })
        #expect(stage.sent.reduce(0) { $0 + $1.bytes.count } < brought / 20)
        #expect(stage.takeEvents().isEmpty)
        stage.sent = []
        let peer = try WebRTCPeer(client)
        stage.feed(try peer.check(state), on: Stage.shared.socket, from: client)
        #expect(stage.sent.count == 1 && story(stage.takeEvents()) == entered)
    }

    // MARK: - Ways

    @Test func `after a restart both credentials are good until the new ones are used`() throws {
        let stage = try Stage()
        let (port, peer) = try stage.connected("in", at: client)
        let old = try #require(stage.webRTCState(of: port.id))
        _ = try stage.engine.restartICE(port.id, now: stage.now)
        let fresh = try #require(stage.webRTCState(of: port.id))
        #expect(fresh.usernameFragment != old.usernameFragment && fresh.password != old.password)
        func codes(_ state: WebRTCTransportState, from address: SocketAddress = client) throws -> [UInt16?] {
            stage.sent = []
            stage.feed(try peer.check(state), on: Stage.shared.socket, from: address)
            return try stage.sent.filter { STUNMessage.isSTUN($0.bytes.span.bytes) }.map {
                try STUNMessage(parsing: $0.bytes.span.bytes).errorCode
            }
        }
        #expect(try codes(old) == [nil])
        // A way that is new in between is found by either name.
        #expect(try codes(old, from: Stage.address("203.0.113.9", 1)) == [nil])
        #expect(try codes(fresh) == [nil])
        #expect(try codes(old) == [401])
        // From an address that nobody has proved, the old name is nobody's.
        let stray = stage.strayCount
        #expect(try codes(old, from: Stage.address("203.0.113.10", 1)).isEmpty && stage.strayCount == stray + 1)
        // DTLS and SRTP go on.
        try stage.produce("video", on: port, Parameters.vp8())
        try stage.receiver("c", of: "video", at: 5000)
        var track = VideoTrack()
        for packet in try track.frame(isKeyFrame: true).map(peer.protect) {
            stage.feed(packet, on: Stage.shared.socket, from: client)
        }
        #expect(stage.media(to: 5000).count == 1)
    }

    @Test func `media follow the client to where it nominates, and to where it sends from`() throws {
        let stage = try Stage()
        let (port, peer) = try stage.connected("out", at: client)
        let state = try #require(stage.webRTCState(of: port.id))
        let source = try stage.transport("source")
        try stage.produce("video", on: source, Parameters.vp8())
        try stage.consume("c", on: port, of: "video")
        var track = VideoTrack()
        func destinations() throws -> Set<UInt16> {
            stage.sent = []
            for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
            stage.pass(.milliseconds(40))
            return Set(stage.sent.filter { !$0.isRTCP && $0.socket == Stage.shared.socket }.map(\.destination.port))
        }
        #expect(try destinations() == [7000])
        let moved = Stage.address("203.0.113.5", 7100)
        _ = stage.takeEvents()
        stage.feed(try peer.check(state), on: Stage.shared.socket, from: moved)
        let selected = stage.takeEvents().compactMap { event -> UInt16? in
            if case .iceSelectedTuple(_, let tuple) = event { tuple.remote?.port } else { nil }
        }
        #expect(selected == [7100])
        #expect(try destinations() == [7100])
        // A packet of its own from the first way: it has gone back, without a word.
        let packet = try Packets.rtp(payloadType: 96, sequence: 1, timestamp: 1, ssrc: 1, payload: [0])
        stage.feed(try peer.protect(packet), on: Stage.shared.socket, from: client)
        #expect(try destinations() == [7000])
        // Not for one that can't be its own.
        stage.feed(packet + [UInt8](repeating: 0, count: 10), on: Stage.shared.socket, from: moved)
        #expect(try destinations() == [7000])
    }
}

extension Stage {
    fileprivate func webRTCState(of id: TransportID) -> WebRTCTransportState? { engine.webRTCState(of: id) }
}
