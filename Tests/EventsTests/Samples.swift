import Events

/// One fact of every kind, with every optional member both ways where there is one.
enum Samples {
    static let broadcaster = BroadcasterSubject(room: "demo", id: "b1", displayName: "test source")
    static let transport = TransportSubject(broadcaster: broadcaster, id: "t1")
    static let producer = ProducerSubject(transport: transport, id: "p1", kind: "video", codec: "video/VP8")
    static let consumer = ConsumerSubject(
        transport: transport, id: "c1", producerID: "p1", kind: "audio", codec: "audio/opus")
    static let dataProducer = DataProducerSubject(transport: transport, id: "d1", label: "chat", subprotocol: "text")
    static let dataConsumer = DataConsumerSubject(
        transport: transport, id: "e1", dataProducerID: "d1", label: "", subprotocol: "")
    static let ingest = PipelineSubject(room: "demo", id: "i1", kind: .ingest, name: "test")
    static let recording = PipelineSubject(room: "demo", id: "r1", kind: .record, name: "demo.mkv")
    static let track = OpenedTrack(
        kind: "audio", description: "aac, 48 kHz, 5.1", treatment: "transcode",
        reason: "AAC can't be played by WebRTC receivers", codec: "audio/opus")

    static let facts: [Fact] = [
        .roomCreated(room: "demo"),
        .roomClosed(room: "demo", reason: "idle"),
        .broadcasterCreated(broadcaster),
        .broadcasterClosed(broadcaster, reason: "requested"),
        .transportCreated(transport, ip: "127.0.0.1", port: 40_000, rtcpPort: 40_001, comedia: true),
        .transportCreated(transport, ip: "::1", port: 40_000, rtcpPort: nil, comedia: false),
        .transportConnected(transport, remoteIP: "127.0.0.1", remotePort: 5000, rtcp: false),
        .transportState(transport, ice: "completed", dtls: "failed", reason: "wrong fingerprint"),
        .transportState(transport, ice: "connected", dtls: "connecting", reason: nil),
        .transportSCTPState(transport, state: "connected"),
        .transportPath(
            transport, localIP: "203.0.113.5", localPort: 44_444, remoteIP: "192.0.2.7", remotePort: 5000,
            transportProtocol: "tcp"),
        .transportClosed(transport, reason: "broadcasterclose"),
        .producerCreated(producer, type: "simple", paused: false),
        .producerPaused(producer),
        .producerResumed(producer),
        .producerScore(producer, [StreamScore(ssrc: 2222, score: 9), StreamScore(ssrc: 1, rid: "h", score: 0)]),
        .producerClosed(producer, reason: "transportclose"),
        .consumerCreated(consumer, type: "simple", paused: true, producerPaused: false),
        .consumerPaused(consumer, byProducer: true),
        .consumerResumed(consumer, byProducer: false),
        .consumerScore(consumer, score: 10, producerScore: 9),
        .consumerLayers(consumer, LayerPair(spatialLayer: 2, temporalLayer: 1)),
        .consumerLayers(consumer, nil),
        .consumerClosed(consumer, reason: "producerclose"),
        .dataProducerCreated(dataProducer, paused: false),
        .dataProducerPaused(dataProducer),
        .dataProducerResumed(dataProducer),
        .dataProducerClosed(dataProducer, reason: "requested"),
        .dataConsumerCreated(dataConsumer, paused: false, producerPaused: true),
        .dataConsumerPaused(dataConsumer, byProducer: true),
        .dataConsumerResumed(dataConsumer, byProducer: false),
        .dataConsumerClosed(dataConsumer, reason: "dataproducerclose"),
        .mediaFlowing(producer),
        .mediaNotFlowing(producer),
        .speakerLoudest(producer, volume: -15),
        .speakerDominant(producer),
        .speakerSilence(room: "demo"),
        .pipelineStarting(ingest, processID: 123),
        .pipelineStarting(recording, processID: nil),
        .pipelineRunning(ingest),
        .pipelineFailed(ingest, code: "cannot-open", message: "film.mp4: no such file"),
        .pipelineFinished(ingest, seconds: 12.34),
        .ingestOpened(ingest, durationSeconds: 5.31, tracks: [track]),
        .ingestOpened(ingest, durationSeconds: nil, tracks: []),
        .ingestWaiting(ingest, recordings: ["r1"], atMostSeconds: 2),
        .ingestInterrupted(ingest, reason: "rtsp://camera/1: connection refused", attempts: 2, retrySeconds: 0.5),
        .ingestInterrupted(ingest, reason: "nobody has come to send", attempts: 0, retrySeconds: nil),
        .ingestResumed(ingest, afterSeconds: 12.3),
        .recordingArmed(recording),
        .recordingStarted(recording),
        .recordingFinished(recording, seconds: 10, bytes: 123_456),
        .recordingFailed(recording, code: "no-media", message: "demo.mkv: no packet came within 5 s"),
        .gap(reason: .tooOld, missed: 3),
        .gap(reason: .otherBoot, missed: nil),
    ]
}
