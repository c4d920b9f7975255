import Base
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

/// The recorded scenario with real packets: two simulcast encodings with three temporal layers each, audio with levels,
/// one receiver that chooses layers, one of audio in this process, and both observers.
@Suite struct TrafficEventTests {
    private final class Scene {
        let stage: Stage
        let source: LayeredSource
        private var sequence = 0

        static let video = ProducerID(rawValue: "video")
        static let videoConsumer = ConsumerID(rawValue: "videoConsumer")

        init(cached: Bool) throws {
            var configuration = SFUConfiguration()
            if !cached { configuration.gopCacheDuration = .zero }
            stage = try Stage(configuration)
            source = try LayeredSource(stage, encodings: 2)
            try stage.produce(
                "audio", on: source.port,
                Parameters.opus(
                    ssrc: 500,
                    extensions: [
                        RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.ssrcAudioLevel.rawValue, id: 5)
                    ]), kind: .audio)
            let out = try stage.transport("out", comedia: false)
            try stage.connect(out)
            try stage.consume("videoConsumer", on: out, of: "video", paused: true)
            try stage.consume("audioConsumer", on: out, of: "audio")
            try stage.observe(["audio"])
            try stage.consume("directConsumer", on: try stage.direct("direct"), of: "audio")
            try stage.engine.enableTraceEvent(TraceEventTypes(["keyframe", "sr", "pli"]), of: Self.video)
            _ = stage.told()
        }

        /// Pictures of all encodings that are on, and sound beside them.
        func play(_ count: Int, keys: Set<Int> = [], isSpoken: Bool = true) throws {
            for step in 0..<count {
                try source.play(1, keys: step == 0 ? keys : [])
                guard isSpoken else { continue }
                stage.feed(
                    try Packets.rtp(
                        payloadType: 100, sequence: sequence, timestamp: UInt32(sequence * 1600), ssrc: 500,
                        extensions: [.init(id: 5, data: [0x80 | 20])], payload: [1, 2]), on: source.port.rtp)
                sequence += 1
            }
        }
    }

    /// What was told of some objects. Recorded events of different objects may swap places, so each circle of objects that
    /// cause each other's events is compared by itself.
    ///
    /// Temporal layers: which one the first packets are of, and over which ones it rises, is a matter of the moment. So a
    /// change within a spatial layer is left out; the layers that it ends with are compared by themselves.
    private func circle(_ told: [String], of names: [String]) -> [String] {
        var spatial: Substring?
        var events: [String] = []
        for event in told where names.contains(where: { event.hasPrefix("\($0) ") }) {
            guard event.contains(" layerschange ") else {
                events.append(event)
                continue
            }
            let cut = event.split(separator: ".")[0]
            if cut != spatial { events.append(String(cut)) }
            spatial = cut
        }
        return events
    }

    private func lastLayers(_ told: [String]) -> String? { told.last { $0.contains(" layerschange ") } }

    private static let video = ["video", "videoConsumer"]
    private static let circles = [
        video, ["audio", "audioConsumer", "directConsumer"], ["activeSpeakerObserver"], ["audioLevelObserver"],
    ]

    /// Without repetitions: the recording was thinned out.
    private func distinct(_ told: [String]) -> [String] {
        var seen: Set<String> = []
        return told.filter { seen.insert($0).inserted }
    }

    @Test(arguments: [false, true])
    func `score, layerschange, dominantspeaker, volumes and silence come as recorded`(cached: Bool) throws {
        let recording = try Recording("traffic: comedia, scores, layers, observers")
        let scene = try Scene(cached: cached)
        let stage = scene.stage
        func expect(
            _ step: String, _ circles: [[String]] = [Self.video], sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let told = stage.told()
            let recorded = try recording.step(step).told
            #expect(!recorded.isEmpty, "\(step)", sourceLocation: sourceLocation)
            for names in circles {
                var (ours, theirs) = (circle(told, of: names), circle(recorded, of: names))
                if names == ["audioLevelObserver"] {
                    (ours, theirs) = (distinct(ours), distinct(theirs))
                    // Whether the last interval with sound ends before or after it does is a matter of the moment.
                    if step == "all stops" { ours.removeAll { $0.contains(" volumes ") } }
                }
                // A group of pictures that is kept saves the request: ours alone.
                if cached { theirs.removeAll { $0.contains(" trace pli ") } }
                if cached { ours.removeAll { $0.contains(" trace pli ") } }
                #expect(ours == theirs, "\(step)", sourceLocation: sourceLocation)
            }
            if lastLayers(recorded) != nil {
                #expect(lastLayers(told) == lastLayers(recorded), "\(step)", sourceLocation: sourceLocation)
            }
        }

        try scene.play(1, keys: [0, 1])
        try scene.play(40)
        try expect("stream: 2 simulcast layers + audio with level, SR each 0.5 s; consumer still paused", Self.circles)

        try stage.engine.resume(Scene.videoConsumer, now: stage.now, into: &stage.outbox)
        stage.flush()
        try scene.play(20, keys: [0, 1])
        try expect("videoConsumer.resume()")

        // Requests are a second apart at least.
        try scene.play(30)
        _ = stage.told()
        try stage.prefer(0, 0, of: "videoConsumer")
        try scene.play(8, keys: [0])
        try expect("videoConsumer.setPreferredLayers({spatialLayer:0,temporalLayer:0})")

        try scene.play(30)
        _ = stage.told()
        try stage.prefer(1, 2, of: "videoConsumer")
        try scene.play(8, keys: [1])
        let up = stage.told()
        let recorded = try recording.step("setPreferredLayers({spatialLayer:1,temporalLayer:2})").told
        // Of the recorded requests the first is for the switch; the others are for pipes that were made later.
        let first = Array(circle(recorded, of: Self.video).prefix { !$0.hasSuffix("pli 1001") })
        #expect(
            circle(up, of: Self.video).filter { !cached || !$0.contains("pli") }
                == first.filter { !cached || !$0.contains("pli") })
        #expect(lastLayers(up) == "videoConsumer layerschange 1.2")

        try scene.play(30)
        _ = stage.told()
        scene.source.encodings[1].isOn = false
        try scene.play(50)
        try scene.play(20, keys: [0])
        try expect("simulcast layer 1 stops")

        stage.pass(.seconds(4))
        try expect("all stops", [Self.video, ["audioLevelObserver"]])

        try stage.engine.pause(Scene.video, now: stage.now, into: &stage.outbox)
        try expect("video.pause()")
        try stage.engine.resume(Scene.video, now: stage.now, into: &stage.outbox)
        stage.flush()
        let resumed = circle(stage.told(), of: Self.video)
        // mediasoup asks twice for each; once is enough.
        #expect(resumed == distinct(circle(try recording.step("video.resume()").told, of: Self.video)))

        // The recording ends with the worker. "in" is named "camera" here.
        stage.engine.close(scene.source.port.id, now: stage.now, into: &stage.outbox)
        var closed = stage.told()
        stage.engine.closeAll(now: stage.now, into: &stage.outbox)
        closed += stage.told().map { $0.replacing("room ", with: "router ") }
        let last = try recording.step("in.close()").told
        #expect(closed.prefix(2) == last.prefix(2))
        // Consumers elsewhere are told in the order of their producers here, in mediasoup in that of a hash.
        #expect(closed.dropFirst(2).prefix(3).sorted() == last.dropFirst(2).prefix(3).sorted())
        #expect(closed.dropFirst(5) == last.dropFirst(5))
        stage.expectNothingLeft()
    }

    @Test func `tuple and rtcptuple are told once each, of the socket that was used`() throws {
        let recording = try Recording("traffic: comedia, scores, layers, observers")
        let stage = try Stage()
        let port = try stage.transport("in", comedia: true)
        let rtcp = try #require(port.rtcp)
        var events: [SFUEvent] = []
        func step(_ name: String, _ datagram: [UInt8], on socket: SocketID, from: SocketAddress) throws {
            stage.feed(datagram, on: socket, from: from)
            events += stage.events
            let expected = try recording.step(name).told
            #expect(stage.told() == expected, "\(name)")
        }
        let (source, control) = (Stage.address("203.0.113.5", 7000), Stage.address("203.0.113.5", 7001))
        let report = Packets.senderReport(ssrc: 99, ntp: NTPTime(rawValue: 1 << 50), timestamp: 1)
        try step("RTCP first (an SR of unknown SSRC) to the RTCP port", report, on: rtcp, from: control)
        try step("garbage to the RTP port", [1, 2, 3], on: port.rtp, from: source)
        let packet = try Packets.rtp(sequence: 1, ssrc: 99, payload: [1])
        try step("RTP with unknown SSRC and PT", packet, on: port.rtp, from: source)
        try step(
            "RTP of the video from another address", packet, on: port.rtp, from: Stage.address("203.0.113.9", 1))
        var tuples: [EndpointTuple] = []
        for event in events {
            switch event {
            case .transportConnected(_, let tuple), .transportRTCPConnected(_, let tuple): tuples.append(tuple)
            default: break
            }
        }
        #expect(tuples.map(\.localPort) == [port.tuples.rtcp?.localPort, port.tuples.rtp.localPort])
        #expect(tuples.map(\.remote) == [control, source])
    }

    @Test func `score: what is told before anything has come`() throws {
        let stage = try Stage()
        let source = try LayeredSource(stage, encodings: 2)
        let state = try stage.consumeLayers("videoConsumer", at: 5000, paused: true)
        let scenarios = try Vectors.json("mediasoup-3.14.16/event-order.json").arrayValue ?? []
        let log = scenarios.last?["log"]?.arrayValue ?? []
        let initial = try #require(log.first { $0["on"] == "score" }?["args"]?.arrayValue?.first)
        let recorded = initial["videoConsumer"]
        #expect(recorded?["score"]?.integerValue == Int64(state.score.score))
        #expect(recorded?["producerScore"]?.integerValue == Int64(state.score.producerScore))
        #expect(
            recorded?["producerScores"]?.arrayValue?.map(\.integerValue) == state.score.producerScores.map { Int64($0) }
        )
        _ = source
    }

    @Test func `layerschange: undefined when a consumer that got something is paused, by either flag`() throws {
        let scene = try Scene(cached: true)
        let stage = scene.stage
        try scene.play(10, keys: [0, 1])
        try stage.engine.resume(Scene.videoConsumer, now: stage.now, into: &stage.outbox)
        stage.flush()
        try scene.play(4)
        for isProducer in [false, true] {
            _ = stage.told()
            if isProducer {
                try stage.engine.pause(Scene.video, now: stage.now, into: &stage.outbox)
            } else {
                try stage.engine.pause(Scene.videoConsumer, now: stage.now, into: &stage.outbox)
            }
            #expect(stage.told().filter { $0.contains("layerschange") } == ["videoConsumer layerschange none"])
            if isProducer { continue }
            try stage.engine.resume(Scene.videoConsumer, now: stage.now, into: &stage.outbox)
            stage.flush()
            try scene.play(4)
        }
    }

    @Test func `videoorientationchange: once per change`() throws {
        let stage = try Stage()
        let port = try stage.transport("in", rtcpMux: true)
        try stage.produce(
            "video", on: port,
            Parameters.vp8(extensions: [
                RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.videoOrientation.rawValue, id: 6)
            ]))
        var told = 0
        for (number, bits) in ([0, 0, 3, 3, 9] as [UInt8]).enumerated() {
            stage.feed(
                try Packets.rtp(
                    sequence: number, extensions: [.init(id: 6, data: [bits])],
                    payload: Packets.vp8Payload(isKeyFrame: number == 0)), on: port.rtp)
            stage.pass(.milliseconds(100))
            told += stage.told().count { $0 == "video videoorientationchange" }
        }
        #expect(told == 3)
    }
}
