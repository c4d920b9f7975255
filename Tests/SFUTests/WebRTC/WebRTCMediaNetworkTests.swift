import Base
import DTLS
import RTCP
import RTP
import SFU
import TestSupport
import Testing

/// Media from one WebRTC client to another over networks that lose some of it, or have no room for it.
@Suite struct WebRTCMediaNetworkTests {
    /// A client that publishes and answers requests, one that watches and asks, and a network of its own for each.
    private final class Scene {
        let stage: Stage
        let publisher, watcher: WebRTCPath
        var source = ScriptedSource()
        var receiver: ScriptedReceiver

        init(seed: UInt64, rtx: Bool) throws {
            stage = try Stage()
            publisher = try WebRTCPath(stage, "in", at: Stage.address("203.0.113.5", 7000), role: .client, seed: seed)
            try publisher.pass(.seconds(2)) { [publisher] in publisher.isConnected }
            watcher = try WebRTCPath(
                stage, "out", at: Stage.address("203.0.113.6", 7001), role: .server, seed: seed + 50)
            try watcher.pass(.seconds(2)) { [watcher] in watcher.isConnected }
            try #require(publisher.isConnected && watcher.isConnected)
            var parameters = Parameters.vp8WithNACK(rtx: rtx)
            parameters.mid = "0"
            try stage.produce("video", on: stage.port(of: publisher.transport), parameters)
            let state = try stage.consume(
                "c", on: stage.port(of: watcher.transport), of: "video",
                rtx ? Parameters.everything : Parameters.everythingWithoutRTX)
            receiver = try ScriptedReceiver(state)
            if !rtx { source.rtx = nil }
        }

        func setNetwork(loss: Double, disorder: Double) {
            for path in [publisher, watcher] {
                (path.up.loss, path.down.loss) = (loss, loss)
                (path.up.duplication, path.down.duplication) = (disorder, disorder)
                (path.up.reordering, path.down.reordering) = (disorder, disorder)
            }
        }

        /// 5 ms.
        func step() throws {
            for path in [publisher, watcher] { try path.depart() }
            stage.pass(.milliseconds(5))
            for path in [publisher, watcher] { try path.arrive() }
            for datagram in publisher.peer.takeReceived() where Sent.isRTCP(datagram) {
                for answer in try source.receive(Sent(datagram)) {
                    publisher.peer.outgoing.append(try publisher.peer.protect(answer))
                }
            }
            for datagram in watcher.peer.takeReceived() { try receiver.receive(Sent(datagram), now: stage.now) }
            if let request = receiver.request(now: stage.now) {
                watcher.peer.outgoing.append(try watcher.peer.protectRTCP(request))
            }
        }

        func play(_ frames: Int, isKeyFirst: Bool = false) throws {
            for number in 0..<frames {
                for packet in try source.frame(isKeyFrame: isKeyFirst && number == 0, packets: 3, size: 60) {
                    publisher.peer.outgoing.append(try publisher.peer.protect(packet))
                }
                for _ in 0..<6 { try step() }
            }
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64], [true, false])
    func `what the network takes is asked for and sent again, on both ways`(seed: UInt64, rtx: Bool) throws {
        let scene = try Scene(seed: seed, rtx: rtx)
        // The first picture gives each side what it compares with.
        try scene.play(1, isKeyFirst: true)
        scene.setNetwork(loss: 0.06, disorder: 0.03)
        try scene.play(150)
        scene.setNetwork(loss: 0, disorder: 0)
        try scene.play(2)
        for _ in 0..<300 { try scene.step() }
        #expect(scene.receiver.numbers == Array(0..<153 * 3), "seed \(seed)")
        #expect(scene.receiver.shifts.count == 1 && scene.receiver.differing == 0, "seed \(seed)")
        #expect(scene.source.requested > 5, "the engine asked the publisher, seed \(seed)")
        #expect(scene.receiver.requested > 5 && scene.receiver.retransmissions > 5, "the watcher asked, seed \(seed)")
        #expect(scene.publisher.dtlsStates.last == "connected" && scene.watcher.dtlsStates.last == "connected")
    }

    // MARK: - Over a narrow link

    /// A camera with 50, 200 and 1,200 kbit/s, and a client whose estimate begins at 100 kbit/s.
    private func narrow(seed: UInt64, rate: Int64) throws -> (source: LayeredSource, path: BandwidthPath) {
        let stage = try Stage()
        let source = try LayeredSource(stage)
        source.encodings[2].packets = 8
        try source.play(1, keys: [0, 1, 2])
        let (port, peer) = try stage.connected(
            "to", at: Stage.address("198.51.100.7", 5000), initialBitrate: 100_000)
        try stage.engine.enableTraceEvent(.probation, of: port.id)
        let path = BandwidthPath(
            stage, port, at: 5000, Bottleneck(seed: seed, rate: rate, jitter: .milliseconds(2)), .transportWide,
            peer: peer)
        try stage.consume("c", on: port, of: "video", BandwidthTests.capabilities(.transportWide))
        return (source, path)
    }

    /// A key frame of each encoding every second, reports as often.
    private func play(_ scene: (source: LayeredSource, path: BandwidthPath), seconds: Int) throws {
        let (source, path) = scene
        for picture in 0..<30 * seconds {
            let due = source.beginning + .nanoseconds(Int64(source.number) * LayeredSource.period.nanoseconds)
            while path.stage.now < due { try path.pass(1) }
            if picture % 30 == 0 { try source.report() }
            try source.play(1, keys: picture % 30 == 0 ? [0, 1, 2] : [])
        }
    }

    @Test(arguments: [1, 2] as [UInt64])
    func `a client with room for it climbs to the high layer, helped by padding`(seed: UInt64) throws {
        let scene = try narrow(seed: seed, rate: 2_500_000)
        try play(scene, seconds: 8)
        let places = scene.path.sent.compactMap { LayeredPacket($0)?.place }
        #expect(places.first == 0 && places.last == 2, "seed \(seed): \(scene.path.available)")
        #expect(!scene.path.padding.isEmpty)
        let traces = scene.path.stage.events.count {
            if case .transportTrace(_, let event) = $0 { event.type == .probation } else { false }
        }
        #expect(traces == scene.path.padding.count)
    }

    @Test(arguments: [1, 2] as [UInt64])
    func `a client without room for the whole high layer gets what fits, and its picture goes on`(seed: UInt64) throws {
        let scene = try narrow(seed: seed, rate: 500_000)
        // All pictures of the high layer are more than twice too many; a quarter of them fits.
        try play(scene, seconds: 6)
        let count = scene.path.sent.count
        try play(scene, seconds: 5)
        let late = scene.path.sent.dropFirst(count)
        let bytes = late.reduce(0) { $0 + $1.bytes.count }
        #expect(bytes * 8 < 5 * 500_000, "seed \(seed): \(bytes) bytes in 5 s")
        // A switch is a burst, and no measurement of more than the link.
        #expect(scene.path.estimates.allSatisfy { $0 < 600_000 }, "seed \(seed): \(scene.path.estimates.max() ?? 0)")
        let places = late.compactMap { LayeredPacket($0)?.place }
        #expect(places.count > 5 * 7, "seed \(seed): \(places.count) packets in 5 s")
    }
}
