/// Something that happened. Names and members are in docs/events.md; a test holds the two together.
public enum Fact: Sendable, Hashable {
    case roomCreated(room: String)
    case roomClosed(room: String, reason: String)

    case broadcasterCreated(BroadcasterSubject)
    case broadcasterClosed(BroadcasterSubject, reason: String)

    /// `rtcpPort` is absent when RTCP shares the RTP port.
    case transportCreated(TransportSubject, ip: String, port: UInt16, rtcpPort: UInt16?, comedia: Bool)
    /// The remote side is known, by `connect` or by its first packet. `rtcp` is true when it is the RTCP side alone.
    case transportConnected(TransportSubject, remoteIP: String, remotePort: UInt16, rtcp: Bool)
    /// How far a WebRTC client has come; `reason` when DTLS failed.
    case transportState(TransportSubject, ice: String, dtls: String, reason: String?)
    /// How far its data channels have come.
    case transportSCTPState(TransportSubject, state: String)
    /// The way that a WebRTC client's media take was chosen, or changed. Addresses are ours as announced, and the client's;
    /// `transportProtocol` is "udp" or "tcp".
    case transportPath(
        TransportSubject, localIP: String, localPort: UInt16, remoteIP: String, remotePort: UInt16,
        transportProtocol: String)
    case transportClosed(TransportSubject, reason: String)

    case producerCreated(ProducerSubject, type: String, paused: Bool)
    case producerPaused(ProducerSubject)
    case producerResumed(ProducerSubject)
    case producerScore(ProducerSubject, [StreamScore])
    case producerClosed(ProducerSubject, reason: String)

    case consumerCreated(ConsumerSubject, type: String, paused: Bool, producerPaused: Bool)
    /// It forwards nothing now: it was paused itself, or (`byProducer`) its producer was.
    case consumerPaused(ConsumerSubject, byProducer: Bool)
    case consumerResumed(ConsumerSubject, byProducer: Bool)
    case consumerScore(ConsumerSubject, score: UInt8, producerScore: UInt8)
    /// What is forwarded of a consumer's layers changed; nil: nothing.
    case consumerLayers(ConsumerSubject, LayerPair?)
    case consumerClosed(ConsumerSubject, reason: String)

    case dataProducerCreated(DataProducerSubject, paused: Bool)
    case dataProducerPaused(DataProducerSubject)
    case dataProducerResumed(DataProducerSubject)
    case dataProducerClosed(DataProducerSubject, reason: String)

    case dataConsumerCreated(DataConsumerSubject, paused: Bool, producerPaused: Bool)
    case dataConsumerPaused(DataConsumerSubject, byProducer: Bool)
    case dataConsumerResumed(DataConsumerSubject, byProducer: Bool)
    case dataConsumerClosed(DataConsumerSubject, reason: String)

    /// Packets of a producer come.
    case mediaFlowing(ProducerSubject)
    /// … and ceased to come, though it is not paused.
    case mediaNotFlowing(ProducerSubject)

    /// Somebody else is the loudest now, or somebody after a silence; `volume` in dBov, −127…0.
    case speakerLoudest(ProducerSubject, volume: Int)
    /// Who speaks, by how speech goes on and not by loudness alone: a cough changes nothing.
    case speakerDominant(ProducerSubject)
    /// Nobody is loud any more.
    case speakerSilence(room: String)

    /// The process of a pipeline was started; `processID` is the kernel's.
    case pipelineStarting(PipelineSubject, processID: Int?)
    case pipelineRunning(PipelineSubject)
    /// `code` is one of the failure codes of pipelines, `message` one line for people.
    case pipelineFailed(PipelineSubject, code: String, message: String)
    case pipelineFinished(PipelineSubject, seconds: Double)

    case ingestOpened(PipelineSubject, durationSeconds: Double?, tracks: [OpenedTrack])
    /// The ingest waits for these recordings, so that nothing of it is missed, at most so long.
    case ingestWaiting(PipelineSubject, recordings: [String], atMostSeconds: Double)

    /// The source brings nothing, before or after it was open. `attempts` counts the tries since it brought media last (0:
    /// it is only waited for); `retrySeconds` until the next one, absent when one is under way or somebody must come.
    case ingestInterrupted(PipelineSubject, reason: String, attempts: Int, retrySeconds: Double?)
    /// … and brings media again, so long after the interruption was noticed.
    case ingestResumed(PipelineSubject, afterSeconds: Double)

    /// A recording stands and waits for media.
    case recordingArmed(PipelineSubject)
    /// The first key frame (or sound, without video) is in the file.
    case recordingStarted(PipelineSubject)
    case recordingFinished(PipelineSubject, seconds: Double, bytes: Int)
    case recordingFailed(PipelineSubject, code: String, message: String)

    /// Events are missing before the next one. `missed` is nil when nobody can know how many.
    case gap(reason: GapReason, missed: Int?)
}

public enum GapReason: String, Sendable, Hashable, CaseIterable {
    /// The id asked for is of another life of the daemon.
    case otherBoot = "other-boot"
    /// The id asked for lies further back than what is kept.
    case tooOld = "too-old"
    /// The id asked for was never given.
    case unknownID = "unknown-id"
    /// This reader was slower than the events came.
    case slowReader = "slow-reader"
}
