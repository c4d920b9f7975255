/// What facts there are; the raw value is the name in the stream.
public enum FactKind: String, Sendable, Hashable, CaseIterable {
    case roomCreated = "room.created"
    case roomClosed = "room.closed"
    case broadcasterCreated = "broadcaster.created"
    case broadcasterClosed = "broadcaster.closed"
    case transportCreated = "transport.created"
    case transportConnected = "transport.connected"
    case transportState = "transport.state"
    case transportSCTPState = "transport.sctp_state"
    case transportPath = "transport.path"
    case transportClosed = "transport.closed"
    case producerCreated = "producer.created"
    case producerPaused = "producer.paused"
    case producerResumed = "producer.resumed"
    case producerScore = "producer.score"
    case producerClosed = "producer.closed"
    case consumerCreated = "consumer.created"
    case consumerPaused = "consumer.paused"
    case consumerResumed = "consumer.resumed"
    case consumerScore = "consumer.score"
    case consumerLayers = "consumer.layers"
    case consumerClosed = "consumer.closed"
    case dataProducerCreated = "data_producer.created"
    case dataProducerPaused = "data_producer.paused"
    case dataProducerResumed = "data_producer.resumed"
    case dataProducerClosed = "data_producer.closed"
    case dataConsumerCreated = "data_consumer.created"
    case dataConsumerPaused = "data_consumer.paused"
    case dataConsumerResumed = "data_consumer.resumed"
    case dataConsumerClosed = "data_consumer.closed"
    case mediaFlowing = "media.flowing"
    case mediaNotFlowing = "media.not_flowing"
    case speakerLoudest = "speaker.loudest"
    case speakerDominant = "speaker.dominant"
    case speakerSilence = "speaker.silence"
    case pipelineStarting = "pipeline.starting"
    case pipelineRunning = "pipeline.running"
    case pipelineFailed = "pipeline.failed"
    case pipelineFinished = "pipeline.finished"
    case ingestOpened = "ingest.opened"
    case ingestWaiting = "ingest.waiting"
    case ingestInterrupted = "ingest.interrupted"
    case ingestResumed = "ingest.resumed"
    case recordingArmed = "recording.armed"
    case recordingStarted = "recording.started"
    case recordingFinished = "recording.finished"
    case recordingFailed = "recording.failed"
    case gap
}

extension Fact {
    public var kind: FactKind {
        switch self {
        case .roomCreated: .roomCreated
        case .roomClosed: .roomClosed
        case .broadcasterCreated: .broadcasterCreated
        case .broadcasterClosed: .broadcasterClosed
        case .transportCreated: .transportCreated
        case .transportConnected: .transportConnected
        case .transportState: .transportState
        case .transportSCTPState: .transportSCTPState
        case .transportPath: .transportPath
        case .transportClosed: .transportClosed
        case .producerCreated: .producerCreated
        case .producerPaused: .producerPaused
        case .producerResumed: .producerResumed
        case .producerScore: .producerScore
        case .producerClosed: .producerClosed
        case .consumerCreated: .consumerCreated
        case .consumerPaused: .consumerPaused
        case .consumerResumed: .consumerResumed
        case .consumerScore: .consumerScore
        case .consumerLayers: .consumerLayers
        case .consumerClosed: .consumerClosed
        case .dataProducerCreated: .dataProducerCreated
        case .dataProducerPaused: .dataProducerPaused
        case .dataProducerResumed: .dataProducerResumed
        case .dataProducerClosed: .dataProducerClosed
        case .dataConsumerCreated: .dataConsumerCreated
        case .dataConsumerPaused: .dataConsumerPaused
        case .dataConsumerResumed: .dataConsumerResumed
        case .dataConsumerClosed: .dataConsumerClosed
        case .mediaFlowing: .mediaFlowing
        case .mediaNotFlowing: .mediaNotFlowing
        case .speakerLoudest: .speakerLoudest
        case .speakerDominant: .speakerDominant
        case .speakerSilence: .speakerSilence
        case .pipelineStarting: .pipelineStarting
        case .pipelineRunning: .pipelineRunning
        case .pipelineFailed: .pipelineFailed
        case .pipelineFinished: .pipelineFinished
        case .ingestOpened: .ingestOpened
        case .ingestWaiting: .ingestWaiting
        case .ingestInterrupted: .ingestInterrupted
        case .ingestResumed: .ingestResumed
        case .recordingArmed: .recordingArmed
        case .recordingStarted: .recordingStarted
        case .recordingFinished: .recordingFinished
        case .recordingFailed: .recordingFailed
        case .gap: .gap
        }
    }

    /// The name in the stream: "producer.created".
    public var name: String { kind.rawValue }

    /// The room it happened in; nil for `gap` only.
    public var room: String? {
        switch self {
        case .roomCreated(let room), .roomClosed(let room, _), .speakerSilence(let room): room
        case .broadcasterCreated(let subject), .broadcasterClosed(let subject, _): subject.room
        case .transportCreated(let subject, _, _, _, _), .transportConnected(let subject, _, _, _),
            .transportState(let subject, _, _, _), .transportPath(let subject, _, _, _, _, _),
            .transportSCTPState(let subject, _),
            .transportClosed(let subject, _):
            subject.broadcaster.room
        case .producerCreated(let subject, _, _), .producerPaused(let subject), .producerResumed(let subject),
            .producerScore(let subject, _), .producerClosed(let subject, _), .mediaFlowing(let subject),
            .mediaNotFlowing(let subject), .speakerLoudest(let subject, _), .speakerDominant(let subject):
            subject.transport.broadcaster.room
        case .consumerCreated(let subject, _, _, _), .consumerPaused(let subject, _), .consumerResumed(let subject, _),
            .consumerScore(let subject, _, _), .consumerLayers(let subject, _), .consumerClosed(let subject, _):
            subject.transport.broadcaster.room
        case .dataProducerCreated(let subject, _), .dataProducerPaused(let subject), .dataProducerResumed(let subject),
            .dataProducerClosed(let subject, _):
            subject.transport.broadcaster.room
        case .dataConsumerCreated(let subject, _, _), .dataConsumerPaused(let subject, _),
            .dataConsumerResumed(let subject, _), .dataConsumerClosed(let subject, _):
            subject.transport.broadcaster.room
        case .pipelineStarting(let subject, _), .pipelineRunning(let subject), .pipelineFailed(let subject, _, _),
            .pipelineFinished(let subject, _), .ingestOpened(let subject, _, _), .ingestWaiting(let subject, _, _),
            .ingestInterrupted(let subject, _, _, _), .ingestResumed(let subject, _), .recordingArmed(let subject),
            .recordingStarted(let subject), .recordingFinished(let subject, _, _),
            .recordingFailed(let subject, _, _):
            subject.room
        case .gap: nil
        }
    }
}
