import Base
import Congestion
import ORTC
import RTCP
import RTP
import SFU
import SRTP
import TestSupport
import Testing

/// Padding that finds out whether a consumer may have higher layers.
@Suite struct ProbationTests {
    /// A camera with 50, 200 and 1,200 kbit/s, and a receiver whose estimate begins at 100 kbit/s.
    final class Scene {
        let stage: Stage
        let source: LayeredSource
        let path: BandwidthPath

        init(
            seed: UInt64, probes: Bool, _ mechanism: BandwidthMechanism = .transportWide,
            suite: SRTPCryptoSuite? = nil, rate: Int64 = 2_000_000,
            numbering: ReceiverNumbering? = nil
        ) throws {
            var configuration = SFUConfiguration()
            configuration.probesBandwidth = probes
            stage = try Stage(configuration)
            source = try LayeredSource(stage)
            source.encodings[2].packets = 8
            try source.play(1, keys: [0, 1, 2])
            var setup = PlainTransportSetup(
                router: Stage.room, id: TransportID(rawValue: "to"), rtp: stage.makeEndpoint(), rtcp: nil,
                comedia: false, cname: nil, srtpCryptoSuite: suite?.rawValue)
            setup.initialAvailableOutgoingBitrate = 100_000
            let socket = setup.rtp.socket
            let tuples = try stage.engine.createPlainTransport(setup, now: stage.now)
            let port = Stage.Port(id: setup.id, rtp: socket, rtcp: nil, tuples: tuples)
            let peer = try suite.map { try SRTPPeer($0) }
            _ = try stage.engine.connect(
                port.id, ip: "198.51.100.7", port: 5000, rtcpPort: nil, srtpParameters: peer?.parameters,
                now: stage.now,
                into: &stage.outbox)
            try peer?.learn(stage.srtpParameters(of: port))
            try stage.engine.enableTraceEvent(.probation, of: port.id)
            path = BandwidthPath(
                stage, port, at: 5000, Bottleneck(seed: seed, rate: rate, jitter: .milliseconds(2)), mechanism,
                peer: peer)
            try stage.consume(
                "c", on: port, of: "video",
                BandwidthTests.capabilities(mechanism == .remb ? .remb : .transportWide), numbering: numbering)
        }

        /// A key frame of each encoding every second, reports as often.
        func play(seconds: Int) throws {
            for picture in 0..<30 * seconds {
                let due = source.beginning + .nanoseconds(Int64(source.number) * LayeredSource.period.nanoseconds)
                while stage.now < due { try path.pass(1) }
                if picture % 30 == 0 { try source.report() }
                try source.play(1, keys: picture % 30 == 0 ? [0, 1, 2] : [])
            }
        }

        var places: [Int] { path.sent.compactMap { LayeredPacket($0)?.place } }
    }

    @Test(arguments: [1, 2] as [UInt64], [nil, .aeadAES128GCM, .aesCM128HMACSHA1Tag80] as [SRTPCryptoSuite?])
    func `a consumer that begins at the low layer reaches the high one within seconds`(
        seed: UInt64, suite: SRTPCryptoSuite?
    ) throws {
        let scene = try Scene(seed: seed, probes: true, suite: suite)
        try scene.play(seconds: 6)
        #expect(scene.places.first == 0 && scene.places.last == 2, "seed \(seed): \(scene.path.available)")
        let padding = scene.path.padding
        #expect(!padding.isEmpty)
        for packet in padding {
            #expect(packet.header?.payloadType == 127)
            #expect(BandwidthTests.element(1, of: packet) == Array("probator".utf8))
            #expect(BandwidthTests.element(4, of: packet) != [0, 0, 0])
            #expect(200...1200 ~= packet.bytes.count)
        }
        let numbers = padding.map(\.sequence)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == ($0 + 1) & 0xFFFF })
        // One count for padding and media.
        let counts = scene.path.sent.compactMap { BandwidthTests.element(5, of: $0) }
            .map { Int($0[0]) << 8 | Int($0[1]) }
        #expect(counts == Array(0..<counts.count))
        let overhead = suite?.rtpOverhead ?? 0
        let bytes = padding.reduce(0) { $0 + $1.bytes.count + overhead }
        let stats = try BandwidthTests.stats(scene.stage, scene.path.port.id)
        #expect(stats["probationBytesSent"] == JSONValue(bytes))
        let traces = scene.stage.events.count {
            if case .transportTrace(_, let event) = $0 { event.type == .probation && !event.isIncoming } else { false }
        }
        #expect(traces == padding.count)
        // It has what it wants: no more of it.
        try scene.play(seconds: 2)
        let before = scene.path.padding.count
        try scene.play(seconds: 10)
        #expect(scene.path.padding.count == before, "seed \(seed)")
        #expect(scene.places.last == 2)
        #expect(try BandwidthTests.stats(scene.stage, scene.path.port.id)["probationSendBitrate"] == 0)
    }

    @Test(arguments: [1, 2] as [UInt64])
    func `without probing it does not`(seed: UInt64) throws {
        let scene = try Scene(seed: seed, probes: false)
        try scene.play(seconds: 8)
        #expect(scene.path.padding.isEmpty)
        #expect(!scene.places.contains(2), "seed \(seed): \(scene.path.available)")
    }

    @Test func `on a link without room for the high layer what is sent stays below its rate`() throws {
        let scene = try Scene(seed: 3, probes: true, rate: 500_000)
        try scene.play(seconds: 15)
        let (sent, padding) = (scene.path.sent.count, scene.path.padding.count)
        try scene.play(seconds: 10)
        // What is sent bounds it: 1.5 times that.
        #expect(scene.path.available < 760_000, "\(scene.path.available)")
        let bytes = scene.path.sent.dropFirst(sent).reduce(0) { $0 + $1.bytes.count }
        #expect(bytes * 8 < 10 * 500_000, "\(bytes) bytes in 10 s")
        // It goes on looking, rarely.
        let more = scene.path.padding.dropFirst(padding).reduce(0) { $0 + $1.bytes.count }
        #expect(1...20_000 ~= more, "\(more) bytes of padding in 10 s")
    }

    @Test func `a receiver that estimates is filled up, so that what it tells rises`() throws {
        func run(probes: Bool) throws -> (available: Int64, padding: Int) {
            let scene = try Scene(seed: 4, probes: probes, .remb)
            // 50 kbit/s are sent, whatever is available.
            try scene.stage.prefer(0)
            try scene.play(seconds: 20)
            return (scene.path.available, scene.path.padding.count)
        }
        let (with, without) = (try run(probes: true), try run(probes: false))
        #expect(with.padding > 0 && without.padding == 0)
        #expect(2 * with.available > 3 * without.available, "\(with), without probing \(without)")
    }

    @Test func `what is reported of padding counts as nothing`() throws {
        let scene = try Scene(seed: 5, probes: true)
        try scene.play(seconds: 2)
        let unknown = scene.stage.drops(scene.path.port).unknownSSRC
        for ssrc in [1234, 4321] as [UInt32] {
            scene.stage.feed(
                Packets.receiverReport(
                    ReportBlock(
                        ssrc: ssrc, fractionLost: 64, packetsLost: 1, extendedHighestSequence: 1, jitter: 0,
                        lastSenderReport: 0, delaySinceLastSenderReport: 0)), on: scene.path.port.rtp,
                from: Stage.address("198.51.100.7", 5000))
        }
        #expect(scene.stage.drops(scene.path.port).unknownSSRC == unknown + 1)
    }

    // MARK: - Starts

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a start burst on a link of 1.5 times the media leaves the estimate no lower, and asks for no key frames`(
        seed: UInt64
    ) throws {
        /// 960 kbit/s in 30 pictures a second; a receiver comes so many pictures after the key frame.
        func run(after pictures: Int) throws -> (estimate: Int64, lowest: Int64, requests: Int, burst: Int) {
            let stage = try Stage()
            let source = try stage.transport("source", rtcpMux: true)
            try stage.produce("video", on: source, Parameters.vp8())
            let port = try stage.transport("to", comedia: false)
            try stage.connect(port, to: 5000)
            let path = BandwidthPath(
                stage, port, at: 5000,
                Bottleneck(seed: seed, rate: 1_440_000, queueLimit: 250_000, jitter: .milliseconds(2)))
            var track = VideoTrack()
            func play(_ count: Int, isKeyFirst: Bool = false) throws {
                for number in 0..<count {
                    for packet in try track.frame(isKeyFrame: isKeyFirst && number == 0, packets: 4, size: 1000) {
                        stage.feed(packet, on: source.rtp)
                    }
                    try path.pass(33)
                }
            }
            try play(60, isKeyFirst: true)
            try play(pictures, isKeyFirst: true)
            let before = path.sent.count
            let requests = stage.feedback(to: Stage.source.port).count(where: Self.isRequest)
            try stage.consume("c", on: port, of: "video", BandwidthTests.capabilities(.transportWide))
            try path.pass(50)
            let burst = path.sent.count - before
            try play(88)
            return (
                path.available, path.estimates.suffix(2900).min() ?? 0,
                stage.feedback(to: Stage.source.port).count(where: Self.isRequest) - requests, burst
            )
        }
        let without = try run(after: 1)
        let with = try run(after: 30)
        #expect(with.burst >= 120 && without.burst < 10)
        #expect(with.estimate >= without.estimate, "seed \(seed): \(with), without a burst \(without)")
        #expect(with.lowest >= 600_000, "seed \(seed): \(with)")
        #expect(with.requests == 0)
    }

    private static func isRequest(_ sent: Sent) -> Bool {
        sent.packets.contains { if case .pictureLoss = $0 { true } else { false } }
    }
}
