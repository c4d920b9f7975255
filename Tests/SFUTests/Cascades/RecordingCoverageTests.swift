import Base
import TestSupport
import Testing

/// Nothing of the recording is passed over in silence.
@Suite struct RecordingCoverageTests {
    /// Every scenario, and where it is compared or why not.
    private static let scenarios: [String: String] = [
        "pause and resume": "PauseCascadeTests",
        "consume from a paused producer, consume paused": "PauseCascadeTests",
        "producer.close()": "CloseCascadeTests",
        "consumer.close()": "CloseCascadeTests",
        "transport.close() of the producing transport": "CloseCascadeTests",
        "router.close()": "CloseCascadeTests",
        "worker.close()": "CloseCascadeTests, and with threads in MediaPlaneTests' PipeCascadeTests",
        "pipeToRouter": "MediaPlaneTests' PipeCascadeTests",
        "traffic: comedia, scores, layers, observers": "TrafficEventTests",
        "webRtcServer.close()": "skipped: WebRTC comes in an issue of its own",
        "webRtcTransport.close() with a server": "skipped: WebRTC comes in an issue of its own",
        "data cascade": "DataCascadeTests",
    ]

    /// Every event that the recording knows.
    private static let events: Set<String> = [
        "producerpause", "producerresume", "producerclose", "transportclose", "routerclose", "workerclose", "tuple",
        "rtcptuple", "score", "layerschange", "trace", "volumes", "silence", "dominantspeaker", "message",
        "dataproducerclose", "dataproducerpause", "dataproducerresume",
    ]
    private static let skipped: [String: String] = [
        "listenserverclose": "WebRTC", "sctpstatechange": "SCTPTransportTests",
        "subprocessclose": "a worker is no process here",
        "state": "properties", "pipe": "properties", "webrtc": "properties", "initial": "properties",
        "webRtcServer": "a dump", "packets": "a note",
        "first header extensions": "a note", "packet type/count or format -> number": "a note",
        "message, ppid": "a note",
    ]

    @Test func `each scenario and each event is compared, or has a reason not to be`() throws {
        let recorded = try #require(try Vectors.json("mediasoup-3.14.16/event-order.json").arrayValue)
        #expect(Set(recorded.compactMap { $0["name"]?.stringValue }) == Set(Self.scenarios.keys))
        let all = recorded.flatMap { $0["log"]?.arrayValue ?? [] }.compactMap { $0["event"]?.stringValue }
        #expect(Set(all) == Self.events.union(Self.skipped.keys))
    }
}
