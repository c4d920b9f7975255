/// Which members each fact adds to its event: the table of docs/events.md in code. Tests hold the two together, and
/// both against what `Fact.payload` writes.
public enum EventCatalog {
    public struct Member: Sendable, Hashable {
        public let name: String
        /// Absent when there is nothing to say.
        public let isOptional: Bool
    }

    /// Sorted by name.
    public static func members(of kind: FactKind) -> [Member] {
        let (required, optional) = names(of: kind)
        return
            (required.map { Member(name: $0, isOptional: false) } + optional.map { Member(name: $0, isOptional: true) })
            .sorted { $0.name < $1.name }
    }

    private static let broadcaster = ["room", "broadcasterId", "broadcasterName", "role"]
    private static let transport = broadcaster + ["transportId"]
    private static let producer = transport + ["producerId", "kind", "codec"]
    private static let consumer = transport + ["consumerId", "producerId", "kind", "codec"]
    private static let dataProducer = transport + ["dataProducerId", "label", "protocol"]
    private static let dataConsumer = transport + ["dataConsumerId", "dataProducerId", "label", "protocol"]
    private static let pipeline = ["room", "pipelineId", "kind", "name"]
    private static let ingest = ["room", "ingestId", "source"]
    private static let recording = ["room", "recordingId", "file"]

    private static func names(of kind: FactKind) -> (required: [String], optional: [String]) {
        switch kind {
        case .roomCreated: (["room"], [])
        case .roomClosed: (["room", "reason"], [])
        case .broadcasterCreated: (broadcaster, [])
        case .broadcasterClosed: (broadcaster + ["reason"], [])
        case .transportCreated: (transport + ["ip", "port", "comedia"], ["rtcpPort"])
        case .transportConnected: (transport + ["remoteIp", "remotePort", "rtcp"], [])
        case .transportState: (transport + ["iceState", "dtlsState"], ["reason"])
        case .transportSCTPState: (transport + ["sctpState"], [])
        case .transportPath: (transport + ["localIp", "localPort", "remoteIp", "remotePort", "protocol"], [])
        case .transportClosed: (transport + ["reason"], [])
        case .producerCreated: (producer + ["producerType", "paused"], [])
        case .producerPaused, .producerResumed, .mediaFlowing, .mediaNotFlowing, .speakerDominant: (producer, [])
        case .speakerLoudest: (producer + ["volume"], [])
        case .speakerSilence: (["room"], [])
        case .producerScore: (producer + ["scores"], [])
        case .producerClosed: (producer + ["reason"], [])
        case .consumerCreated: (consumer + ["consumerType", "paused", "producerPaused"], [])
        case .consumerPaused, .consumerResumed: (consumer + ["byProducer"], [])
        case .consumerScore: (consumer + ["score", "producerScore"], [])
        case .consumerLayers: (consumer, ["spatialLayer", "temporalLayer"])
        case .consumerClosed: (consumer + ["reason"], [])
        case .dataProducerCreated: (dataProducer + ["paused"], [])
        case .dataProducerPaused, .dataProducerResumed: (dataProducer, [])
        case .dataProducerClosed: (dataProducer + ["reason"], [])
        case .dataConsumerCreated: (dataConsumer + ["paused", "producerPaused"], [])
        case .dataConsumerPaused, .dataConsumerResumed: (dataConsumer + ["byProducer"], [])
        case .dataConsumerClosed: (dataConsumer + ["reason"], [])
        case .pipelineStarting: (pipeline, ["pid"])
        case .pipelineRunning: (pipeline, [])
        case .pipelineFailed: (pipeline + ["code", "message"], [])
        case .pipelineFinished: (pipeline + ["seconds"], [])
        case .ingestOpened: (ingest + ["tracks"], ["durationSeconds"])
        case .ingestWaiting: (ingest + ["recordings", "atMostSeconds"], [])
        case .ingestInterrupted: (ingest + ["reason", "attempts"], ["retrySeconds"])
        case .ingestResumed: (ingest + ["afterSeconds"], [])
        case .recordingArmed, .recordingStarted: (recording, [])
        case .recordingFinished: (recording + ["seconds", "bytes"], [])
        case .recordingFailed: (recording + ["code", "message"], [])
        case .gap: (["reason"], ["missed"])
        }
    }
}
