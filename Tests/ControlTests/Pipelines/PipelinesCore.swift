import Base
import MediaCore
import ORTC

/// A core without media: it gives out ids and ports, remembers what it was asked, and refuses or hangs on demand.
actor PipelinesCore: MediaCore {
    enum Step: Hashable { case transport, connect, produce, consume, resume }

    nonisolated let events: AsyncStream<MediaCoreEvent>
    private let toEvents: AsyncStream<MediaCoreEvent>.Continuation
    private(set) var transports: [TransportID: PlainTransportOptions] = [:]
    private(set) var closed: [TransportID] = []
    private(set) var remotes: [TransportID: PlainTransportRemote] = [:]
    private(set) var produced: [ProduceOptions] = []
    private(set) var consumed: [ConsumeOptions] = []
    private(set) var resumed: [ConsumerID] = []
    private var producers: [ProducerID: ProduceOptions] = [:]
    private var refused: Set<Step> = []
    private var hanging: Set<Step> = []
    private var nextPort: UInt16 = 40_000

    init() { (events, toEvents) = AsyncStream.makeStream() }

    func refuse(_ step: Step) { refused.insert(step) }
    func hang(_ step: Step) { hanging.insert(step) }
    var openTransports: Int { transports.count - closed.count }

    static let codecs: [RTPCodecCapability] = [
        RTPCodecCapability(
            kind: .audio, mimeType: "audio/opus", preferredPayloadType: 100, clockRate: 48_000, channels: 2),
        RTPCodecCapability(
            kind: .video, mimeType: "video/VP8", preferredPayloadType: 101, clockRate: 90_000,
            rtcpFeedback: [RTCPFeedback("nack"), RTCPFeedback("nack", "pli"), RTCPFeedback("transport-cc")]),
        RTPCodecCapability(
            kind: .video, mimeType: "video/rtx", preferredPayloadType: 102, clockRate: 90_000, parameters: ["apt": 101]),
        RTPCodecCapability(
            kind: .video, mimeType: "video/H264", preferredPayloadType: 107, clockRate: 90_000,
            parameters: ["packetization-mode": 1, "profile-level-id": "42e01f"]),
    ]

    private func pass(_ step: Step) async throws(MediaCoreError) {
        if hanging.contains(step) {
            // Not even a cancellation moves it.
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        }
        guard !refused.contains(step) else {
            throw MediaCoreError(.exhausted, name: "Error", message: "no more available ports")
        }
    }

    func createRouter(mediaCodecs: [RTPCodecCapability]?) async throws(MediaCoreError) -> RouterDescription {
        RouterDescription(id: .random(), rtpCapabilities: RTPCapabilities(codecs: Self.codecs))
    }

    func createPlainTransport(
        on router: RouterID, _ options: PlainTransportOptions
    ) async throws(MediaCoreError) -> PlainTransportDescription {
        try await pass(.transport)
        let id = TransportID.random()
        transports[id] = options
        nextPort += 1
        return PlainTransportDescription(
            id: id, tuple: TransportTuple(localAddress: "0.0.0.0", localPort: nextPort), rtcpTuple: nil)
    }

    func connect(
        _ transport: TransportID, _ remote: PlainTransportRemote
    ) async throws(MediaCoreError) -> PlainTransportDescription {
        try await pass(.connect)
        remotes[transport] = remote
        return PlainTransportDescription(
            id: transport,
            tuple: TransportTuple(
                localAddress: "0.0.0.0", localPort: nextPort, remoteIP: remote.ip, remotePort: remote.port),
            rtcpTuple: nil)
    }

    func produce(
        on transport: TransportID, _ options: ProduceOptions
    ) async throws(MediaCoreError) -> ProducerDescription {
        try await pass(.produce)
        produced.append(options)
        let id = ProducerID.random()
        producers[id] = options
        return ProducerDescription(
            id: id, kind: options.kind, type: "simple", rtpParameters: options.rtpParameters, paused: options.paused)
    }

    func consume(
        on transport: TransportID, _ options: ConsumeOptions
    ) async throws(MediaCoreError) -> ConsumerDescription {
        try await pass(.consume)
        guard let producer = producers[options.producer] else {
            throw MediaCoreError(.notFound, name: "Error", message: "Producer not found")
        }
        consumed.append(options)
        var parameters = producer.rtpParameters
        parameters.encodings = [RTPEncodingParameters(ssrc: UInt32(1000 + consumed.count))]
        return ConsumerDescription(
            id: .random(), producer: options.producer, kind: producer.kind, type: "simple",
            rtpParameters: parameters, paused: options.paused, producerPaused: false)
    }

    func canConsume(_ producer: ProducerID, on router: RouterID, _ capabilities: RTPCapabilities) async -> Bool { true }
    func pause(_ producer: ProducerID) async throws(MediaCoreError) {}
    func resume(_ producer: ProducerID) async throws(MediaCoreError) {}
    func pause(_ consumer: ConsumerID) async throws(MediaCoreError) {}

    func resume(_ consumer: ConsumerID) async throws(MediaCoreError) {
        try await pass(.resume)
        resumed.append(consumer)
    }

    // Pipelines have plain transports only.
    private static let notHere = MediaCoreError(
        .unsupported, name: "UnsupportedError", message: "no pipeline asks this")

    func createWebRTCTransport(
        on router: RouterID, _ options: WebRTCTransportOptions
    ) async throws(MediaCoreError) -> WebRTCTransportDescription { throw Self.notHere }

    func connect(
        _ transport: TransportID, _ remote: DTLSParameters
    ) async throws(MediaCoreError) -> DTLSParameters.Role { throw Self.notHere }

    func restartICE(_ transport: TransportID) async throws(MediaCoreError) -> ICEParameters { throw Self.notHere }

    func setPreferredLayers(
        _ layers: WantedLayers, of consumer: ConsumerID
    ) async throws(MediaCoreError) -> ForwardedLayers? { throw Self.notHere }

    func setPriority(_ priority: Int, of consumer: ConsumerID) async throws(MediaCoreError) { throw Self.notHere }

    func setMaxIncomingBitrate(_ bitrate: Int64, of transport: TransportID) async throws(MediaCoreError) {
        throw Self.notHere
    }

    func createAudioLevelObserver(
        on router: RouterID, _ options: AudioLevelObserverOptions
    ) async throws(MediaCoreError) -> RTPObserverID { .random() }

    func createActiveSpeakerObserver(
        on router: RouterID, interval: Duration
    ) async throws(MediaCoreError) -> RTPObserverID { .random() }

    func addProducer(_ producer: ProducerID, to observer: RTPObserverID) async throws(MediaCoreError) {}
    func removeProducer(_ producer: ProducerID, from observer: RTPObserverID) async throws(MediaCoreError) {}
    func close(_ observer: RTPObserverID) async {}
    func enableTraceEvent(_ types: Set<TraceType>, of transport: TransportID) async throws(MediaCoreError) {}
    func enableTraceEvent(_ types: Set<TraceType>, of producer: ProducerID) async throws(MediaCoreError) {}
    func enableTraceEvent(_ types: Set<TraceType>, of consumer: ConsumerID) async throws(MediaCoreError) {}

    func requestKeyFrame(_ consumer: ConsumerID) async throws(MediaCoreError) {}
    func stats(_ transport: TransportID) async throws(MediaCoreError) -> JSONValue { [] }
    func stats(_ producer: ProducerID) async throws(MediaCoreError) -> JSONValue { [] }
    func stats(_ consumer: ConsumerID) async throws(MediaCoreError) -> JSONValue { [] }
    func close(_ router: RouterID) async { closed = Array(transports.keys) }

    func close(_ transport: TransportID) async {
        if !closed.contains(transport) { closed.append(transport) }
    }

    func close(_ producer: ProducerID) async {}
    func close(_ consumer: ConsumerID) async {}
}
