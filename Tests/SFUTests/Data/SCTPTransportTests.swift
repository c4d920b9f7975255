import Base
import DTLS
import ORTC
import SCTP
import SFU
import TestSupport
import Testing

/// The remote side of a transport: an association of its own on the same stack of the process.
final class SCTPPeer {
    private var association: SCTPAssociation
    private(set) var states: [SCTPState] = []
    private(set) var messages: [SCTPMessage] = []
    private(set) var resets: [[UInt16]] = []
    var outgoing: [[UInt8]] = []

    init(_ setup: SCTPSetup = SCTPSetup(maximumPacketLength: 1100)) throws {
        association = try SCTPAssociation(setup, stack: SCTPStack())
    }

    var state: SCTPState { association.state }

    // Its own clock stands still: the engine's moves the timers of all.
    private let now = Instant(nanoseconds: 0)

    func start() { run { $0.start(now: now, into: &$1) } }
    func take(_ packet: [UInt8]) { run { $0.receive(packet.span.bytes, now: now, into: &$1) } }
    func collect() { run { $0.advance(to: now, into: &$1) } }
    func reset(_ stream: UInt16) { run { $0.reset(stream, .outgoing, now: now, into: &$1) } }

    func send(_ text: String, stream: UInt16, ppid: UInt32 = 51) throws {
        var effects: [SCTPEffect] = []
        try association.send(Array(text.utf8).span.bytes, stream: stream, ppid: ppid, now: now, into: &effects)
        apply(effects)
    }

    private func run(_ body: (inout SCTPAssociation, inout [SCTPEffect]) -> Void) {
        var effects: [SCTPEffect] = []
        body(&association, &effects)
        apply(effects)
    }

    private func apply(_ effects: [SCTPEffect]) {
        for effect in effects {
            switch effect {
            case .transmit(let packet): outgoing.append(packet)
            case .changed(let state): states.append(state)
            case .received(let message): messages.append(message)
            case .streamsReset(let streams): resets.append(streams)
            case .buffered: break
            }
        }
    }
}

@Suite(.sctpTurn) struct SCTPTransportTests {
    private let remote = Stage.address("198.51.100.7", 5000)

    /// Carries datagrams both ways while time passes.
    private func drive(_ stage: Stage, _ peer: SCTPPeer, _ port: Stage.Port, for duration: Duration = .seconds(2)) {
        let end = stage.now + duration
        while stage.now < end {
            stage.pass(.milliseconds(10))
            peer.collect()
            let (down, up) = (stage.sent, peer.outgoing)
            (stage.sent, peer.outgoing) = ([], [])
            for datagram in down where datagram.destination == remote { peer.take(datagram.bytes) }
            for packet in up { stage.feed(packet, on: port.rtp, from: remote) }
        }
    }

    private func connected(_ stage: Stage) throws -> (SCTPPeer, Stage.Port) {
        let port = try stage.sctpTransport("t")
        let peer = try SCTPPeer()
        peer.start()
        drive(stage, peer, port)
        try #require(peer.state == .connected && stage.sctpState("t") == .connected)
        return (peer, port)
    }

    private func states(_ events: [SFUEvent]) -> [SCTPState] {
        events.compactMap { if case .sctpState(_, let state) = $0 { state } else { nil } }
    }

    @Test func `a plain transport says INIT as soon as its remote side is known`() throws {
        let stage = try Stage()
        let (peer, port) = try connected(stage)
        #expect(states(stage.takeEvents()) == [.connecting, .connected])
        #expect(peer.states == [.connecting, .connected])
        let stats = try stage.engine.stats(of: port.id, now: stage.now).arrayValue?.first
        #expect(stats?["sctpState"] == "connected")
    }

    @Test func `a comedia one learns from SCTP where that is`() throws {
        let stage = try Stage()
        let port = try stage.sctpTransport("t", isComedia: true)
        let peer = try SCTPPeer()
        peer.start()
        drive(stage, peer, port)
        #expect(peer.state == .connected && stage.sctpState("t") == .connected)
        #expect(stage.takeEvents().contains { if case .transportConnected = $0 { true } else { false } })
        // Somebody else's packets are not looked at.
        stage.feed([0x13, 0x88, 0x13, 0x88] + [UInt8](repeating: 0, count: 12), on: port.rtp, from: Stage.source)
        #expect(stage.drops(port).foreignSource == 1)
    }

    @Test func `messages go from the remote side to code of ours and back, in order and with what they are`() throws {
        let stage = try Stage()
        let (peer, port) = try connected(stage)
        _ = try stage.direct("direct")
        try stage.produceData("up", on: "t", stream: try SCTPStreamParameters(streamID: 4))
        try stage.consumeData("hears", on: "direct", of: "up")
        try stage.produceData("down", on: "direct")
        let consumer = try stage.consumeData("tells", on: "t", of: "down", ordered: true)
        for number in 0..<50 {
            try peer.send("up \(number)", stream: 4)
            try stage.say(DataMessage("down \(number)"), on: "down")
        }
        // Nobody is on that stream, and DCEP is not spoken.
        try peer.send("lost", stream: 5)
        try peer.send("open", stream: 4, ppid: 50)
        drive(stage, peer, port)
        #expect(
            stage.heard()["hears"]?.map { String(decoding: $0.payload, as: UTF8.self) } == (0..<50).map { "up \($0)" })
        #expect(peer.messages.map { String(decoding: $0.payload, as: UTF8.self) } == (0..<50).map { "down \($0)" })
        #expect(peer.messages.allSatisfy { Int($0.stream) == consumer.stream?.streamID && $0.ppid == 51 })
        #expect(stage.drops(port).noDataProducer == 2)
        let stats = try stage.stats(DataConsumerID(rawValue: "tells")).arrayValue?.first
        #expect(stats?["messagesSent"] == 50 && stats?["bufferedAmount"] == 0)
    }

    @Test func `closing a data consumer ends its stream there`() throws {
        let stage = try Stage()
        let (peer, port) = try connected(stage)
        _ = try stage.direct("direct")
        try stage.produceData("down", on: "direct")
        try stage.consumeData("tells", on: "t", of: "down")
        try stage.say(DataMessage("x"), on: "down")
        drive(stage, peer, port)
        stage.engine.close(DataConsumerID(rawValue: "tells"), now: stage.now, into: &stage.outbox)
        drive(stage, peer, port)
        #expect(peer.resets == [[0]])
    }

    @Test func `closing a data producer asks for the end of its stream`() throws {
        let stage = try Stage()
        let (peer, port) = try connected(stage)
        try stage.produceData("up", on: "t", stream: try SCTPStreamParameters(streamID: 4))
        try peer.send("x", stream: 4)
        drive(stage, peer, port)
        let before = stage.sent.count
        stage.engine.close(DataProducerID(rawValue: "up"), now: stage.now, into: &stage.outbox)
        stage.collect()
        #expect(stage.sent.count > before)
        drive(stage, peer, port)
        // The stream may be had again.
        try stage.produceData("again", on: "t", stream: try SCTPStreamParameters(streamID: 4))
    }

    @Test func `too much at once is refused and told, and its draining, too`() throws {
        let stage = try Stage()
        let (peer, port) = try connected(stage)
        _ = try stage.direct("direct")
        try stage.produceData("down", on: "direct")
        try stage.consumeData("tells", on: "t", of: "down", ordered: true)
        let id = DataConsumerID(rawValue: "tells")
        try stage.engine.setBufferedAmountLowThreshold(1000, of: id, into: &stage.outbox)
        _ = stage.takeEvents()
        for _ in 0..<4 { try stage.say(DataMessage([UInt8](repeating: 1, count: 100_000)), on: "down") }
        #expect(try stage.engine.bufferedAmount(of: id) == 200_000)
        #expect(stage.takeEvents().filter { $0 == .dataConsumerBufferFull(id) }.count == 2)
        drive(stage, peer, port, for: .seconds(5))
        let low = stage.takeEvents().filter { if case .dataConsumerBufferLow = $0 { true } else { false } }
        #expect(low.count == 1)
        #expect(peer.messages.count == 2)
        #expect(try stage.engine.bufferedAmount(of: id) == 0)
    }

    @Test func `a transport that closes says goodbye, and nothing is left`() throws {
        let stage = try Stage()
        let (peer, port) = try connected(stage)
        stage.engine.close(Stage.room, now: stage.now, into: &stage.outbox)
        stage.collect()
        for datagram in stage.sent where datagram.destination == remote { peer.take(datagram.bytes) }
        #expect(peer.states.last == .closed)
        _ = stage.told()
        stage.expectNothingLeft()
        _ = port
    }

    // MARK: - Over DTLS

    private func driveDTLS(_ stage: Stage, _ peer: SCTPPeer, _ client: WebRTCPeer) throws {
        for _ in 0..<200 {
            stage.pass(.milliseconds(10))
            peer.collect()
            for packet in peer.outgoing { try client.sendData(packet) }
            peer.outgoing = []
            try stage.exchange([client])
            for packet in client.takeData() { peer.take(packet) }
        }
    }

    @Test func `a browser that is deaf for SCTP at first gets its channels later, and closes them in both directions`()
        throws
    {
        let stage = try Stage()
        let address = Stage.address("203.0.113.9", 9000)
        let (port, client) = try stage.connected("w", at: address, sctp: SCTPTransportSetup())
        #expect(stage.sctpState("w") == .connecting)
        for _ in 0..<20 {
            stage.pass(.seconds(1))
            try stage.exchange([client])
        }
        #expect(stage.sctpState("w") == .connecting)
        let asked = client.takeData()
        #expect(asked.count >= 4 && asked.allSatisfy { $0.count <= 1163 })
        // Its own INIT, when it has its first channel.
        let peer = try SCTPPeer()
        peer.start()
        try driveDTLS(stage, peer, client)
        #expect(peer.state == .connected && stage.sctpState("w") == .connected)
        _ = try stage.direct("direct")
        try stage.produceData("up", on: "w", stream: try SCTPStreamParameters(streamID: 0))
        try stage.consumeData("back", on: "w", of: "up")
        try peer.send("hello", stream: 0)
        try driveDTLS(stage, peer, client)
        #expect(peer.messages.map { String(decoding: $0.payload, as: UTF8.self) } == ["hello"])
        // Ours of the same number answers; nobody is closed by it.
        peer.reset(0)
        try driveDTLS(stage, peer, client)
        #expect(peer.resets == [[0]])
        #expect(stage.engine.population.dataProducers == 1)
        let dump = try stage.dump(port.id)
        #expect(dump["sctpParameters"]?["isDataChannel"] == true && dump["sctpState"] == "connected")
    }

    @Test func `data on a transport that has no SCTP are counted and dropped`() throws {
        let stage = try Stage()
        let (port, client) = try stage.connected("w", at: Stage.address("203.0.113.9", 9000))
        try client.sendData([1, 2, 3])
        try stage.exchange([client])
        #expect(stage.drops(port).unknownKind == 1)
    }
}
