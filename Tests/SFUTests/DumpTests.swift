import Base
import ORTC
import SFU
import TestSupport
import Testing

/// Dumps beside the recorded ones: same members, and the same values where these depend on nothing random.
@Suite struct DumpTests {
    private func golden(_ name: String) throws -> JSONValue {
        try #require(try Vectors.json("mediasoup-3.14.16/dumps.json")[name])
    }

    /// The first place where members or fixed values differ. Ids and numbers drawn at random are masked.
    private func difference(_ ours: JSONValue?, _ golden: JSONValue?, _ path: String = "$") -> String? {
        if let name = path.split(separator: ".").last, masked.contains(String(name)) {
            return (ours == nil) == (golden == nil) ? nil : "\(path): one of them has none"
        }
        switch (ours, golden) {
        case (.object(let a), .object(let b)):
            return Set(a.keys).union(b.keys).sorted().lazy
                .compactMap { difference(a[$0], b[$0], "\(path).\($0)") }.first
        case (.array(let a), .array(let b)):
            guard a.count == b.count else { return "\(path): \(a.count) and \(b.count) elements" }
            return a.indices.lazy.compactMap { difference(a[$0], b[$0], "\(path)[\($0)]") }.first
        default:
            return ours == golden ? nil : "\(path): ours \(ours?.text ?? "absent"), golden \(golden?.text ?? "absent")"
        }
    }

    private let masked: Set<String> = ["id", "producerId", "ssrc", "mappedSsrc", "rtxSsrc", "mid"]

    private func scene() throws -> (Stage, Stage.Port) {
        let stage = try Stage()
        let source = try stage.transport("source", cname: "golden")
        let level = RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.ssrcAudioLevel.rawValue, id: 10)
        var opus = Parameters.opus(ssrc: 500, payloadType: 111, extensions: [level])
        opus.encodings[0].dtx = false
        try stage.produce("audio", on: source, opus, kind: .audio)
        let feedback = [RTCPFeedback("nack"), RTCPFeedback("nack", "pli"), RTCPFeedback("ccm", "fir")]
        try stage.produce("video", on: source, Parameters.vp8(ssrc: 1001, feedback: feedback))
        return (stage, source)
    }

    /// All that a router has, as the recorded consumers' capabilities were.
    private var everything: RTPCapabilities {
        get throws {
            var router = try RouterCapabilities.make(mediaCodecs: Parameters.routerCodecs)
            router.headerExtensions.removeAll { $0.preferredID == 8 }
            return router
        }
    }

    @Test func `dump of an audio producer`() throws {
        let (stage, source) = try scene()
        stage.feed(try Packets.rtp(payloadType: 111, sequence: 1, ssrc: 500, payload: [1, 2]), on: source.rtp)
        let dump = try stage.engine.dump(of: ProducerID(rawValue: "audio"))
        #expect(difference(dump, try golden("audio producer")) == nil)
        #expect(dump["id"] == "audio")
        #expect(dump["rtpStreams"]?.arrayValue?.first?["params"]?["ssrc"] == 500)
    }

    @Test func `dump of a producer without packets has no streams`() throws {
        let (stage, _) = try scene()
        let dump = try stage.engine.dump(of: ProducerID(rawValue: "video"))
        let expected = try golden("svc producer (no packet)")
        #expect(
            Set(dump.objectValue.map { Array($0.keys) } ?? []) == Set(expected.objectValue.map { Array($0.keys) } ?? [])
        )
        try stage.engine.enableTraceEvent(
            TraceEventTypes(["fir", "keyframe", "pli"]), of: ProducerID(rawValue: "video"))
        let traces = try stage.engine.dump(of: ProducerID(rawValue: "video"))["traceEventTypes"]
        #expect(traces == (try golden("simulcast video producer")["traceEventTypes"]))
    }

    @Test func `dump of a simple video consumer`() throws {
        let (stage, _) = try scene()
        try stage.receiver("c", of: "video", at: 5000, try everything)
        let dump = try stage.engine.dump(of: ConsumerID(rawValue: "c"))
        var expected = try #require(try golden("simple video consumer (no packet)").objectValue)
        // Feedback and extensions are negotiation's, which has golden tests of its own.
        expected["rtpParameters"] = dump["rtpParameters"]
        #expect(difference(dump, .object(expected)) == nil)
        let parameters = dump["rtpParameters"]
        let members = try golden("simple video consumer (no packet)")["rtpParameters"]
        #expect(parameters?.objectValue?.keys.sorted() == members?.objectValue?.keys.sorted())
        #expect(difference(parameters?["encodings"], members?["encodings"]) == nil)
    }

    @Test func `dump of a simulcast producer`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true, cname: "golden")
        var parameters = Parameters.vp8(
            feedback: [RTCPFeedback("nack"), RTCPFeedback("nack", "pli"), RTCPFeedback("ccm", "fir")])
        parameters.encodings = [1001, 1002].map { RTPEncodingParameters(ssrc: $0, scalabilityMode: "L1T3") }
        try stage.produce("video", on: source, parameters)
        let id = ProducerID(rawValue: "video")
        try stage.engine.enableTraceEvent(TraceEventTypes(["keyframe", "pli", "fir"]), of: id)
        for ssrc: UInt32 in [1001, 1002] {
            stage.feed(
                try Packets.rtp(sequence: 1, ssrc: ssrc, payload: Packets.vp8Payload(isKeyFrame: true)), on: source.rtp)
        }
        var expected = try #require(try golden("simulcast video producer").objectValue)
        // mediasoup's media process keeps modes out of its mapping.
        let dump = try stage.engine.dump(of: id)
        expected["rtpMapping"] = dump["rtpMapping"]
        #expect(difference(dump, .object(expected)) == nil)
        let mapping = try golden("simulcast video producer")["rtpMapping"]
        #expect(difference(dump["rtpMapping"]?["codecs"], mapping?["codecs"]) == nil)
        #expect(dump["rtpMapping"]?["encodings"]?.arrayValue?.map { $0["ssrc"] } == [1001, 1002])
    }

    @Test func `dump of an SVC consumer without packets: no layers are -1`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true, cname: "golden")
        var parameters = Parameters.vp8(ssrc: 3000, payloadType: 98, feedback: [])
        parameters.codecs[0].mimeType = "video/VP9"
        parameters.codecs[0].parameters = ["profile-id": 2]
        parameters.encodings[0].scalabilityMode = "L3T3"
        try stage.produce("video", on: source, parameters)
        #expect(
            difference(
                try stage.engine.dump(of: ProducerID(rawValue: "video"))["rtpParameters"],
                try golden("svc producer (no packet)")["rtpParameters"]) == nil)
        try stage.receiver("c", of: "video", at: 5000, try everything)
        let dump = try stage.engine.dump(of: ConsumerID(rawValue: "c"))
        var expected = try #require(try golden("svc consumer (no packet)").objectValue)
        expected["rtpParameters"] = dump["rtpParameters"]
        #expect(difference(dump, .object(expected)) == nil)
    }

    @Test func `dump of a plain transport`() throws {
        let (stage, source) = try scene()
        try stage.receiver("c", of: "video", at: 5000, try everything)
        let dump = try stage.engine.dump(of: source.id)
        let expected = try golden("plain transport (receiving, comedia, no rtcp-mux)")
        #expect(dump.objectValue?.keys.sorted() == expected.objectValue?.keys.sorted())
        #expect(dump["producerIds"] == ["audio", "video"] && dump["direct"] == false)
        #expect(
            dump["rtpListener"] == [
                "ssrcTable": [["key": 500, "value": "audio"], ["key": 1001, "value": "video"]], "midTable": [],
                "ridTable": [],
            ])
        #expect(dump["recvRtpHeaderExtensions"] == expected["recvRtpHeaderExtensions"])
        let out = try stage.engine.dump(of: TransportID(rawValue: "to-c"))
        let ssrc = try stage.engine.dump(of: ConsumerID(rawValue: "c"))["rtpStream"]?["params"]
        #expect(out["mapSsrcConsumerId"] == [["key": ssrc?["ssrc"] ?? .null, "value": "c"]])
        #expect(out["mapRtxSsrcConsumerId"] == [["key": ssrc?["rtxSsrc"] ?? .null, "value": "c"]])
    }

    @Test func `dump of a router`() throws {
        let (stage, _) = try scene()
        try stage.receiver("c", of: "audio", at: 5000, try everything)
        let observer = RTPObserverID(rawValue: "o")
        try stage.engine.createObserver(
            RTPObserverSetup(router: Stage.room, id: observer, kind: .audioLevel()), now: stage.now)
        try stage.engine.addProducer(ProducerID(rawValue: "audio"), to: observer, now: stage.now)
        let dump = try stage.engine.dump(of: Stage.room)
        #expect(dump.objectValue?.keys.sorted() == (try golden("router")).objectValue?.keys.sorted())
        #expect(dump["transportIds"] == ["source", "to-c"] && dump["rtpObserverIds"] == ["o"])
        #expect(
            dump["mapProducerIdConsumerIds"] == [
                ["key": "audio", "values": ["c"]], ["key": "video", "values": []],
            ])
        #expect(dump["mapConsumerIdProducerId"] == [["key": "c", "value": "audio"]])
        #expect(
            dump["mapProducerIdObserverIds"] == [
                ["key": "audio", "values": ["o"]], ["key": "video", "values": []],
            ])
    }

    @Test func `dump of a direct transport has no address, that of a pipe has rtx`() throws {
        let (stage, _) = try scene()
        let direct = TransportID(rawValue: "direct")
        try stage.engine.createDirectTransport(
            DirectTransportSetup(router: Stage.room, id: direct, socket: SocketID(77)), now: stage.now,
            into: &stage.outbox)
        let dump = try stage.engine.dump(of: direct)
        #expect(dump.objectValue?.keys.sorted() == (try golden("direct transport")).objectValue?.keys.sorted())
        #expect(dump["direct"] == true)
        let pipe = TransportID(rawValue: "pipe")
        _ = try stage.engine.createPipeTransport(
            PipeTransportSetup(
                router: Stage.room, id: pipe, local: LocalEndpoint(socket: SocketID(78), address: "a", port: 9)),
            now: stage.now)
        var expected = Set(dump.objectValue?.keys ?? [:].keys)
        expected.formUnion(["tuple", "rtx"])
        #expect(Set(try stage.engine.dump(of: pipe).objectValue?.keys ?? [:].keys) == expected)
    }

    @Test func `recvRtpHeaderExtensions tells all ids that packets of a transport are read by`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        let uris: [RTPHeaderExtensionURI] = [
            .mid, .rtpStreamID, .repairedRTPStreamID, .absSendTime, .transportWideCC,
        ]
        try stage.produce(
            "video", on: source,
            Parameters.vp8(
                extensions: uris.enumerated().map {
                    RTPHeaderExtensionParameters(uri: $0.element.rawValue, id: $0.offset + 1)
                }))
        let ids = try stage.engine.dump(of: source.id)["recvRtpHeaderExtensions"]
        #expect(ids == ["mid": 1, "rid": 2, "rrid": 3, "absSendTime": 4, "transportWideCc01": 5])
        let traces = TraceEventTypes(["bwe", "probation", "rtp", "foo"])
        try stage.engine.enableTraceEvent(traces, of: source.id)
        #expect(try stage.engine.dump(of: source.id)["traceEventTypes"] == ["probation", "bwe"])
    }

    @Test func `dump of an observer`() throws {
        let (stage, _) = try scene()
        let observer = RTPObserverID(rawValue: "o")
        try stage.engine.createObserver(
            RTPObserverSetup(router: Stage.room, id: observer, kind: .audioLevel()), now: stage.now)
        try stage.engine.addProducer(ProducerID(rawValue: "audio"), to: observer, now: stage.now)
        #expect(
            try stage.engine.dump(of: observer) == ["id": "o", "paused": false, "producerIds": ["audio"]])
    }

    @Test func `objects that are gone have no dump`() throws {
        let (stage, _) = try scene()
        func fails(_ body: () throws -> JSONValue) -> Bool { (try? body()) == nil }
        #expect(fails { try stage.engine.dump(of: RouterID(rawValue: "x")) })
        #expect(fails { try stage.engine.dump(of: TransportID(rawValue: "x")) })
        #expect(fails { try stage.engine.dump(of: ProducerID(rawValue: "x")) })
        #expect(fails { try stage.engine.dump(of: ConsumerID(rawValue: "x")) })
    }
}
