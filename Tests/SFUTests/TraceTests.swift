import Base
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

@Suite struct TraceTests {
    private let video = ProducerID(rawValue: "video")
    private let consumer = ConsumerID(rawValue: "c")

    private func scene() throws -> (Stage, Stage.Port) {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: source, Parameters.vp8(mid: "v"))
        try stage.receiver("c", of: "video", at: 5000, Parameters.everythingWithMID)
        _ = stage.takeEvents()
        return (stage, source)
    }

    private func told(_ stage: Stage) -> [JSONValue] {
        stage.takeEvents().compactMap { event in
            switch event {
            case .producerTrace(_, let trace), .consumerTrace(_, let trace): trace.json
            default: nil
            }
        }
    }

    /// The members of each object, and what they hold.
    private func shape(_ value: JSONValue?) -> [String: [String]] {
        var shape: [String: [String]] = [:]
        func walk(_ value: JSONValue?, _ path: String) {
            guard let members = value?.objectValue else { return }
            shape[path] = members.keys.sorted()
            for (name, member) in members { walk(member, "\(path).\(name)") }
        }
        walk(value, "$")
        return shape
    }

    private func recorded(_ type: String, on object: String) throws -> JSONValue {
        let scenarios = try Vectors.json("mediasoup-3.14.16/event-order.json").arrayValue ?? []
        for entry in scenarios.flatMap({ $0["log"]?.arrayValue ?? [] }) {
            guard entry["event"] == "trace", entry["on"] == .string(object),
                let trace = entry["args"]?.arrayValue?.first, trace["type"] == .string(type)
            else { continue }
            return trace
        }
        throw Missing()
    }

    private struct Missing: Error {}

    @Test func `trace keyframe and sr of a producer have the recorded members`() throws {
        let (stage, source) = try scene()
        try stage.engine.enableTraceEvent(TraceEventTypes(["keyframe", "sr", "foo"]), of: video)
        var track = VideoTrack()
        for packet in try track.frame(isKeyFrame: true, size: 400) { stage.feed(packet, on: source.rtp) }
        for packet in try track.frame() { stage.feed(packet, on: source.rtp) }
        stage.feed(
            Packets.senderReport(ssrc: 2222, ntp: NTPTime(rawValue: 5 << 32 | 7), timestamp: 9), on: source.rtp)
        let traces = told(stage)
        try #require(traces.count == 2)
        #expect(shape(traces[0]) == shape(try recorded("keyframe", on: "video")))
        #expect(traces[0]["direction"] == "in")
        let packet = traces[0]["info"]?["rtpPacket"]
        #expect(packet?["size"] == 412 && packet?["payloadSize"] == 400 && packet?["isKeyFrame"] == true)
        #expect(packet?["sequenceNumber"] == 100 && packet?["mid"] == "v" && packet?["rid"]?.isNull == true)
        #expect(shape(traces[1]) == shape(try recorded("sr", on: "video")))
        #expect(traces[1]["info"]?["ntpSec"] == 5 && traces[1]["info"]?["ntpFrac"] == 7)
    }

    @Test func `trace rtp tells every packet, and a key frame as such only when asked for`() throws {
        let (stage, source) = try scene()
        var track = VideoTrack()
        for (types, expected) in [
            (["rtp"], ["rtp", "rtp"]), (["rtp", "keyframe"], ["keyframe", "rtp"]), ([], []),
        ] as [([String], [String])] {
            try stage.engine.enableTraceEvent(TraceEventTypes(types), of: video)
            for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
            for packet in try track.frame() { stage.feed(packet, on: source.rtp) }
            #expect(told(stage).map { $0["type"]?.stringValue ?? "" } == expected)
        }
    }

    @Test func `a traced packet shows its transport-wide number and the RID that it repairs`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce(
            "video", on: source,
            Parameters.vp8(extensions: [
                RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.transportWideCC.rawValue, id: 5),
                RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.repairedRTPStreamID.rawValue, id: 6),
            ]))
        _ = stage.takeEvents()
        try stage.engine.enableTraceEvent(TraceEventTypes(["rtp"]), of: video)
        let elements: [(id: UInt8, data: [UInt8])?] = [nil, (5, [0x12, 0x34]), (6, Array("hi".utf8))]
        for (number, element) in elements.enumerated() {
            stage.feed(
                try Packets.rtp(
                    sequence: number, extensions: element.map { [.init(id: $0.id, data: $0.data)] } ?? [],
                    payload: Packets.vp8Payload(isKeyFrame: true)), on: source.rtp)
        }
        let packets = told(stage).map { $0["info"]?["rtpPacket"] }
        #expect(packets.map { $0?["wideSequenceNumber"] } == [.null, 0x1234, .null])
        #expect(packets.map { $0?["rrid"] } == [.null, .null, "hi"])
    }

    @Test func `trace pli: what a source is asked for goes out, what a receiver asks for comes in`() throws {
        let (stage, source) = try scene()
        var track = VideoTrack()
        for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
        stage.pass(.seconds(2))
        _ = stage.takeEvents()
        let types = TraceEventTypes(["rtp", "pli", "fir", "nack"])
        try stage.engine.enableTraceEvent(types, of: video)
        try stage.engine.enableTraceEvent(types, of: consumer)
        let out = try #require(stage.media(to: 5000).first)
        let ssrc = try #require(out.header?.ssrc)
        let receiver = Stage.address("198.51.100.7", 5001)
        let socket = SocketID(3)
        stage.feed(Packets.pictureLoss(ssrc: ssrc), on: socket, from: receiver)
        let traces = told(stage)
        #expect(traces.map { $0["type"] } == ["pli", "pli"])
        #expect(traces.map { $0["direction"] } == ["in", "out"])
        #expect(traces.map { $0["info"]?["ssrc"] } == [JSONValue(ssrc), 2222])
        #expect(shape(traces.last) == shape(try recorded("pli", on: "video")))
        stage.feed(
            Packets.write { rtcp, bytes in
                rtcp.fullIntraRequest(senderSSRC: 1, mediaSSRC: ssrc, sequence: 1, into: &bytes)
            }, on: socket, from: receiver)
        #expect(told(stage).map { $0["type"] } == ["fir"])
    }

    @Test func `trace keyframe of a consumer shows the packet as it went out`() throws {
        let (stage, source) = try scene()
        try stage.engine.enableTraceEvent(TraceEventTypes(["keyframe", "sr"]), of: consumer)
        var track = VideoTrack()
        for packet in try track.frame(isKeyFrame: true, packets: 2, size: 400) { stage.feed(packet, on: source.rtp) }
        let traces = told(stage)
        try #require(traces.count == 1)
        #expect(shape(traces[0]) == shape(try recorded("keyframe", on: "videoConsumer")))
        let sent = try #require(stage.media(to: 5000).first)
        let packet = traces[0]["info"]?["rtpPacket"]
        #expect(traces[0]["direction"] == "out" && traces[0]["info"]?["isRtx"] == false)
        #expect(packet?["size"] == JSONValue(sent.bytes.count) && packet?["payloadSize"] == 400)
        #expect(packet?["sequenceNumber"] == JSONValue(sent.sequence) && packet?["payloadType"] == 101)
        #expect(packet?["ssrc"] == JSONValue(sent.header?.ssrc ?? 0) && packet?["mid"] == "0")
        #expect(packet?["timestamp"] == JSONValue(sent.timestamp))
        try stage.engine.enableTraceEvent([], of: consumer)
        for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
        #expect(told(stage).isEmpty)
    }

    @Test func `names of trace types come back in mediasoup's order, and unknown ones vanish`() {
        #expect(TraceEventTypes(["sr", "x", "rtp", "fir"]).names == ["rtp", "fir", "sr"])
        #expect(TraceEventTypes([]).names == [])
    }
}

@Suite struct ProducerExtrasTests {
    @Test func `videoorientationchange is told with the first packet that has it, then on change`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce(
            "video", on: source,
            Parameters.vp8(extensions: [
                RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.videoOrientation.rawValue, id: 3)
            ]))
        for (number, byte) in ([0x01, 0x01, nil, 0x0F, 0x00] as [UInt8?]).enumerated() {
            stage.feed(
                try Packets.rtp(
                    sequence: number, extensions: byte.map { [.init(id: 3, data: [$0])] } ?? [],
                    payload: Packets.vp8Payload(isKeyFrame: number == 0)), on: source.rtp)
            stage.pass(.milliseconds(100))
        }
        let told = stage.takeEvents().compactMap { event -> VideoOrientation? in
            if case .producerVideoOrientation(_, let orientation) = event { orientation } else { nil }
        }
        #expect(
            told == [
                VideoOrientation(camera: false, flip: false, rotation: 90),
                VideoOrientation(camera: true, flip: true, rotation: 270),
                VideoOrientation(camera: false, flip: false, rotation: 0),
            ])
    }

    @Test func `an orientation that changes with each packet is told ten times a second at most`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce(
            "video", on: source,
            Parameters.vp8(extensions: [
                RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.videoOrientation.rawValue, id: 3)
            ]))
        for number in 0..<200 {
            stage.feed(
                try Packets.rtp(
                    sequence: number, extensions: [.init(id: 3, data: [UInt8(number % 2)])],
                    payload: Packets.vp8Payload(isKeyFrame: number == 0)), on: source.rtp)
            stage.pass(.milliseconds(5))
        }
        let count = stage.takeEvents().count { if case .producerVideoOrientation = $0 { true } else { false } }
        #expect((5...11).contains(count))
    }

    @Test(arguments: [false, true])
    func `ignoreDtx leaves packets without sound out, and no gap`(ignores: Bool) throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("audio", on: source, Parameters.opus(), kind: .audio)
        let out = try stage.transport("out", comedia: false)
        try stage.connect(out, to: 5000)
        _ = try stage.engine.consume(
            ConsumerSetup(
                transport: out.id, id: ConsumerID(rawValue: "c"), producer: ProducerID(rawValue: "audio"),
                rtpCapabilities: Parameters.everything, ignoresDTX: ignores), now: stage.now, into: &stage.outbox)
        let payloads: [[UInt8]] = [[0x78, 1, 2], [0x78], [0x78, 3, 4], [0x79], [0x7A, 0], [0x78, 5]]
        for (number, payload) in payloads.enumerated() {
            stage.feed(
                try Packets.rtp(
                    payloadType: 100, sequence: number, timestamp: UInt32(number * 960), ssrc: 1111, payload: payload),
                on: source.rtp)
        }
        let media = stage.media(to: 5000)
        #expect(media.map(\.payload) == payloads.filter { !ignores || ![[0x78], [0x79], [0x7A, 0]].contains($0) })
        let first = try #require(media.first?.sequence)
        #expect(media.map(\.sequence) == (0..<media.count).map { first + $0 })
    }

    @Test(arguments: [(false, 0), (true, 128)] as [(Bool, UInt8)])
    func `a source with forward error correction is told its receivers' worst loss`(fec: Bool, expected: UInt8) throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        var parameters = Parameters.opus()
        if fec { parameters.codecs[0].parameters["useinbandfec"] = 1 }
        try stage.produce("audio", on: source, parameters, kind: .audio)
        for (place, port) in [UInt16(5000), 5010].enumerated() {
            try stage.receiver("c\(place)", of: "audio", at: port)
        }
        func send(_ numbers: Range<Int>) throws {
            for number in numbers {
                stage.feed(
                    try Packets.rtp(
                        payloadType: 100, sequence: number, timestamp: UInt32(number * 960), ssrc: 1111,
                        payload: [0x78, 1]), on: source.rtp)
                stage.pass(.milliseconds(20))
            }
        }
        try send(0..<100)
        for (place, port) in [UInt16(5000), 5010].enumerated() {
            let ssrc = try #require(stage.media(to: port).first?.header?.ssrc)
            let block = ReportBlock(
                ssrc: ssrc, fractionLost: place == 0 ? 20 : 128, packetsLost: 10, extendedHighestSequence: 0, jitter: 0,
                lastSenderReport: 0, delaySinceLastSenderReport: 0)
            stage.feed(
                Packets.receiverReport(block), on: SocketID(UInt32(3 + 2 * place)),
                from: Stage.address("198.51.100.7", port + 1))
        }
        stage.sent = []
        try send(100..<400)
        let blocks = stage.sent.filter { $0.isRTCP && $0.destination == Stage.source }.flatMap { datagram in
            datagram.packets.flatMap { packet -> [ReportBlock] in
                guard case .receiverReport(let report) = packet else { return [] }
                return (0..<report.reports.count).map { report.reports.block($0, in: datagram.bytes.span.bytes) }
            }
        }
        #expect(!blocks.isEmpty)
        #expect(Set(blocks.map(\.fractionLost)) == [expected])
    }
}
