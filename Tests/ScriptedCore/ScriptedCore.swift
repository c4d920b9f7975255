import Base
import MediaCore
import ORTC

/// A core without media: it negotiates as the real one does, hands out ids and ports in order, and can be told to
/// speak (`say`), to refuse (`refuse`) and to take its time (`hold`).
public actor ScriptedCore: MediaCore {
    struct Transport {
        let router: RouterID
        let options: PlainTransportOptions
        var sctp: SCTPOptions?
        var description: PlainTransportDescription
        var isConnected = false
        var nextMid = 0
    }

    struct Producer {
        let transport: TransportID
        let consumable: RTPParameters
        let kind: MediaKind
        let type: String
        let ssrcs: [UInt32]
        var paused: Bool
    }

    struct Consumer {
        let transport: TransportID
        let producer: ProducerID
        var paused: Bool
    }

    public nonisolated let events: AsyncStream<MediaCoreEvent>
    nonisolated let speaker: AsyncStream<MediaCoreEvent>.Continuation
    private let mediaCodecs: [RTPCodecCapability]
    private var made = 0
    private var nextPort: UInt16 = 40_000
    private var routers: [RouterID: RTPCapabilities] = [:]
    var transports: [TransportID: Transport] = [:]
    private var producers: [ProducerID: Producer] = [:]
    private var consumers: [ConsumerID: Consumer] = [:]
    var dataProducers: [DataProducerID: DataProducer] = [:]
    var dataConsumers: [DataConsumerID: DataConsumer] = [:]
    var observed: [RTPObserverID: [ProducerID]] = [:]
    /// What is traced of transports.
    public internal(set) var traced: [TransportID: Set<TraceType>] = [:]
    private var refusals: [MediaCoreError] = []
    private var isHolding = false
    private var held: [CheckedContinuation<Void, Never>] = []
    private var heldWatchers: [CheckedContinuation<Void, Never>] = []

    /// What was called and with which object, in order: "close transport-2".
    public private(set) var calls: [String] = []

    public init(mediaCodecs: [RTPCodecCapability] = RouterCodecs.standard) {
        self.mediaCodecs = mediaCodecs
        (events, speaker) = AsyncStream.makeStream()
    }

    // MARK: - The script

    public nonisolated func say(_ event: MediaCoreEvent) { speaker.yield(event) }

    /// The event stream ends.
    public nonisolated func fallSilent() { speaker.finish() }

    /// The next command that may fail does, with this error.
    public func refuse(_ error: MediaCoreError) { refusals.append(error) }

    /// Commands that make something wait, after they have made it, until `letGo`.
    public func hold() { isHolding = true }

    /// Returns when a command waits.
    public func somebodyIsHeld() async {
        if held.isEmpty { await withCheckedContinuation { heldWatchers.append($0) } }
    }

    public func letGo() {
        isHolding = false
        for continuation in held { continuation.resume() }
        held.removeAll()
    }

    public var transportIDs: [TransportID] { transports.keys.sorted { $0.rawValue < $1.rawValue } }
    public var openRouters: Int { routers.count }

    public func options(of transport: TransportID) -> PlainTransportOptions? { transports[transport]?.options }

    func pass(_ call: String) async throws(MediaCoreError) {
        calls.append(call)
        if !refusals.isEmpty { throw refusals.removeFirst() }
    }

    func noteCall(_ call: String) { calls.append(call) }

    func waitIfHeld() async {
        guard isHolding else { return }
        await withCheckedContinuation { continuation in
            held.append(continuation)
            for watcher in heldWatchers { watcher.resume() }
            heldWatchers.removeAll()
        }
    }

    func newID(_ noun: String) -> String {
        made += 1
        return "\(noun)-\(made)"
    }

    private func newPort() -> UInt16 {
        defer { nextPort += 1 }
        return nextPort
    }
}

// MARK: - MediaCore

extension ScriptedCore {
    public func createRouter(
        mediaCodecs: [RTPCodecCapability]?
    ) async throws(MediaCoreError) -> RouterDescription {
        try await pass("createRouter")
        let id = RouterID(rawValue: newID("router"))
        do {
            routers[id] = try RouterCapabilities.make(mediaCodecs: mediaCodecs ?? self.mediaCodecs)
        } catch { throw MediaCoreError(error) }
        await waitIfHeld()
        return RouterDescription(id: id, rtpCapabilities: routers[id] ?? RTPCapabilities())
    }

    public func createPlainTransport(
        on router: RouterID, _ options: PlainTransportOptions
    ) async throws(MediaCoreError) -> PlainTransportDescription {
        try await pass("createPlainTransport")
        if options.enableSRTP {
            throw MediaCoreError(.unsupported, name: "UnsupportedError", message: "this core has no SRTP yet")
        }
        let id = TransportID(rawValue: newID("transport"))
        let tuple = TransportTuple(localAddress: "127.0.0.1", localPort: newPort())
        let rtcp = options.rtcpMux ? nil : TransportTuple(localAddress: "127.0.0.1", localPort: newPort())
        let description = PlainTransportDescription(
            id: id, tuple: tuple, rtcpTuple: rtcp,
            sctpParameters: options.sctp.map { SCTPParameters($0, isDataChannel: false) })
        transports[id] = Transport(router: router, options: options, sctp: options.sctp, description: description)
        await waitIfHeld()
        return description
    }

    public func connect(
        _ id: TransportID, _ remote: PlainTransportRemote
    ) async throws(MediaCoreError) -> PlainTransportDescription {
        try await pass("connect \(id)")
        guard var transport = transports[id] else { throw notFound("Transport", id.rawValue) }
        guard !transport.options.comedia else {
            throw MediaCoreError(
                .invalid, name: "TypeError", message: "ip, port and rtcpPort can't be given to a comedia transport")
        }
        guard !transport.isConnected else {
            throw MediaCoreError(
                .conflict, name: "Error", message: "connect() already called [method:plainTransport.connect]")
        }
        guard let ip = remote.ip else { throw MediaCoreError(.invalid, name: "TypeError", message: "missing ip") }
        guard let port = remote.port else { throw MediaCoreError(.invalid, name: "TypeError", message: "missing port") }
        transport.isConnected = true
        transport.description.tuple.remoteIP = ip
        transport.description.tuple.remotePort = port
        transport.description.rtcpTuple?.remoteIP = ip
        transport.description.rtcpTuple?.remotePort = remote.rtcpPort
        transports[id] = transport
        return transport.description
    }

    public func createWebRTCTransport(
        on router: RouterID, _ options: WebRTCTransportOptions
    ) async throws(MediaCoreError) -> WebRTCTransportDescription {
        try await pass("createWebRTCTransport")
        let id = TransportID(rawValue: newID("transport"))
        let tuple = TransportTuple(localAddress: "127.0.0.1", localPort: newPort())
        transports[id] = Transport(
            router: router, options: PlainTransportOptions(), sctp: options.sctp,
            description: PlainTransportDescription(id: id, tuple: tuple, rtcpTuple: nil))
        await waitIfHeld()
        return WebRTCTransportDescription(
            id: id,
            iceParameters: ICEParameters(
                usernameFragment: String(repeating: "u", count: 32), password: String(repeating: "p", count: 32)),
            iceCandidates: [
                ICECandidate(
                    foundation: "udpcandidate", priority: 1_076_302_079, address: "127.0.0.1", port: tuple.localPort,
                    transportProtocol: .udp)
            ],
            dtlsParameters: DTLSParameters(fingerprints: [
                DTLSFingerprint(algorithm: "sha-256", value: Array(repeating: "AB", count: 32).joined(separator: ":"))
            ]),
            sctpParameters: options.sctp.map { SCTPParameters($0, isDataChannel: true) })
    }

    public func connect(
        _ id: TransportID, _ remote: DTLSParameters
    ) async throws(MediaCoreError) -> DTLSParameters.Role {
        try await pass("connect \(id)")
        guard transports[id] != nil else { throw notFound("Transport", id.rawValue) }
        guard transports[id]?.isConnected == false else {
            throw MediaCoreError(
                .conflict, name: "Error", message: "connect() already called [method:webRtcTransport.connect]")
        }
        guard !remote.fingerprints.isEmpty else {
            throw MediaCoreError(
                .invalid, name: "TypeError",
                message: "empty dtlsParameters.fingerprints array [method:webRtcTransport.connect]")
        }
        transports[id]?.isConnected = true
        return remote.role == .client ? .server : .client
    }

    public func restartICE(_ id: TransportID) async throws(MediaCoreError) -> ICEParameters {
        try await pass("restartICE \(id)")
        guard transports[id] != nil else { throw notFound("Transport", id.rawValue) }
        return ICEParameters(
            usernameFragment: String(repeating: "v", count: 32), password: String(repeating: "q", count: 32))
    }

    public func setPreferredLayers(
        _ layers: WantedLayers, of id: ConsumerID
    ) async throws(MediaCoreError) -> ForwardedLayers? {
        try await pass("setPreferredLayers \(id)")
        guard consumers[id] != nil else { throw notFound("Consumer", id.rawValue) }
        return ForwardedLayers(spatialLayer: layers.spatialLayer, temporalLayer: layers.temporalLayer ?? 0)
    }

    public func setPriority(_ priority: Int, of id: ConsumerID) async throws(MediaCoreError) {
        try await pass("setPriority \(id) \(priority)")
        guard consumers[id] != nil else { throw notFound("Consumer", id.rawValue) }
    }

    public func setMaxIncomingBitrate(_ bitrate: Int64, of id: TransportID) async throws(MediaCoreError) {
        try await pass("setMaxIncomingBitrate \(id) \(bitrate)")
        guard transports[id] != nil else { throw notFound("Transport", id.rawValue) }
    }

    public func produce(
        on id: TransportID, _ options: ProduceOptions
    ) async throws(MediaCoreError) -> ProducerDescription {
        try await pass("produce")
        guard let transport = transports[id], let router = routers[transport.router] else {
            throw notFound("Transport", id.rawValue)
        }
        var parameters = options.rtpParameters
        parameters.rtcp.cname = transport.options.cname ?? parameters.rtcp.cname
        let negotiated: ProducerNegotiation
        do {
            negotiated = try negotiateProducer(
                kind: options.kind, rtpParameters: parameters, routerCapabilities: router,
                firstMappedSSRC: 1_000_000)
        } catch { throw MediaCoreError(error) }
        let ssrcs = negotiated.rtpParameters.encodings.compactMap(\.ssrc)
        let taken = producers.values.filter { $0.transport == id }.flatMap(\.ssrcs)
        if let twice = ssrcs.first(where: taken.contains) {
            throw MediaCoreError(
                .conflict, name: "Error",
                message: "ssrc already exists in RTP listener [ssrc:\(twice)] [method:transport.produce]")
        }
        let producer = ProducerID(rawValue: newID("producer"))
        producers[producer] = Producer(
            transport: id, consumable: negotiated.consumableRTPParameters, kind: options.kind,
            type: negotiated.type.rawValue, ssrcs: ssrcs, paused: options.paused)
        await waitIfHeld()
        return ProducerDescription(
            id: producer, kind: options.kind, type: negotiated.type.rawValue,
            rtpParameters: negotiated.rtpParameters, paused: options.paused)
    }

    public func consume(
        on id: TransportID, _ options: ConsumeOptions
    ) async throws(MediaCoreError) -> ConsumerDescription {
        try await pass("consume")
        guard var transport = transports[id] else { throw notFound("Transport", id.rawValue) }
        guard let producer = producers[options.producer] else { throw notFound("Producer", options.producer.rawValue) }
        var parameters: RTPParameters
        do {
            parameters = try negotiateConsumer(
                consumable: producer.consumable, capabilities: options.rtpCapabilities,
                enableRTX: options.enableRTX ?? enablesRTXByDefault(producer.kind), ssrc: 2_000_000,
                mid: options.mid ?? "\(transport.nextMid)")
        } catch { throw MediaCoreError(error) }
        if let numbering = options.numbering { parameters = numbering.renumbered(parameters) }
        transport.nextMid += 1
        transports[id] = transport
        let consumer = ConsumerID(rawValue: newID("consumer"))
        consumers[consumer] = Consumer(transport: id, producer: options.producer, paused: options.paused)
        await waitIfHeld()
        return ConsumerDescription(
            id: consumer, producer: options.producer, kind: producer.kind, type: producer.type,
            rtpParameters: parameters, paused: options.paused, producerPaused: producer.paused)
    }

    public func canConsume(_ producer: ProducerID, on router: RouterID, _ capabilities: RTPCapabilities) async -> Bool {
        producers[producer].map { ORTC.canConsume($0.consumable, capabilities) } ?? false
    }

    public func pause(_ id: ProducerID) async throws(MediaCoreError) { try await setPaused(id, true) }
    public func resume(_ id: ProducerID) async throws(MediaCoreError) { try await setPaused(id, false) }

    public func pause(_ id: ConsumerID) async throws(MediaCoreError) {
        try await pass("pause \(id)")
        guard consumers[id] != nil else { throw notFound("Consumer", id.rawValue) }
        consumers[id]?.paused = true
    }

    public func resume(_ id: ConsumerID) async throws(MediaCoreError) {
        try await pass("resume \(id)")
        guard consumers[id] != nil else { throw notFound("Consumer", id.rawValue) }
        consumers[id]?.paused = false
    }

    public func requestKeyFrame(_ id: ConsumerID) async throws(MediaCoreError) {
        try await pass("requestKeyFrame \(id)")
        guard consumers[id] != nil else { throw notFound("Consumer", id.rawValue) }
    }

    public func stats(_ id: TransportID) async throws(MediaCoreError) -> JSONValue {
        try await pass("stats \(id)")
        return [["type": "plain-rtp-transport", "transportId": .string(id.rawValue)]]
    }

    public func stats(_ id: ProducerID) async throws(MediaCoreError) -> JSONValue {
        try await pass("stats \(id)")
        return [["type": "inbound-rtp"]]
    }

    public func stats(_ id: ConsumerID) async throws(MediaCoreError) -> JSONValue {
        try await pass("stats \(id)")
        return [["type": "outbound-rtp"]]
    }

    public func close(_ id: RouterID) async {
        calls.append("close \(id)")
        routers[id] = nil
        for (transport, _) in transports.filter({ $0.value.router == id }) { forget(transport) }
    }

    public func close(_ id: TransportID) async {
        calls.append("close \(id)")
        forget(id)
    }

    public func close(_ id: ProducerID) async {
        calls.append("close \(id)")
        forget(id)
    }

    public func close(_ id: ConsumerID) async {
        calls.append("close \(id)")
        consumers[id] = nil
    }

    // MARK: - Helpers

    private func setPaused(_ id: ProducerID, _ paused: Bool) async throws(MediaCoreError) {
        try await pass("\(paused ? "pause" : "resume") \(id)")
        guard producers[id] != nil else { throw notFound("Producer", id.rawValue) }
        guard producers[id]?.paused != paused else { return }
        producers[id]?.paused = paused
        for (consumer, _) in consumers.filter({ $0.value.producer == id }) {
            speaker.yield(.consumerProducerPaused(consumer, paused))
        }
    }

    private func forget(_ id: TransportID) {
        transports[id] = nil
        for (producer, _) in producers.filter({ $0.value.transport == id }) { forget(producer) }
        for (consumer, _) in consumers.filter({ $0.value.transport == id }) { consumers[consumer] = nil }
        forgetData(of: id)
    }

    /// Tells of the consumers that die with it, as a core does: late, when the room has long known.
    private func forget(_ id: ProducerID) {
        producers[id] = nil
        for (consumer, _) in consumers.filter({ $0.value.producer == id }) {
            consumers[consumer] = nil
            speaker.yield(.consumerClosed(consumer, .producerClosed))
        }
    }

    func notFound(_ noun: String, _ id: String) -> MediaCoreError {
        MediaCoreError(.notFound, name: "Error", message: "\(noun) with id \"\(id)\" not found")
    }
}
