import Base
import Logging
import MediaCore
import ORTC

/// The SFU core that lives in this process: one worker, its thread and its sockets.
///
/// Several workers would need a table of routers to workers here, and pipes between them; every call already goes
/// through `worker(…)`.
public final class EmbeddedCore: MediaCore {
    /// Unbounded: these are a few facts for each thing that lives or changes, never one per packet; and a lost
    /// `consumerClosed` would leave a room with something that is not there.
    public let events: AsyncStream<MediaCoreEvent>
    public let configuration: MediaPlaneConfiguration

    private let worker: Worker
    private let logger: Logger
    private let answer: Inquiry<Int>
    private let measurement: Inquiry<WorkerMeasurements>

    /// Sockets are opened as transports are created.
    /// - Parameter loop: The worker's thread, stopped with the core; nil: a new one.
    public init(
        _ configuration: MediaPlaneConfiguration = MediaPlaneConfiguration(), loop: MediaLoop? = nil,
        logger: Logger = Logger(label: "ladle.media")
    ) throws(MediaCoreError) {
        do { try configuration.validate() } catch {
            throw MediaCoreError(.invalid, name: "TypeError", message: "\(error)")
        }
        let (events, continuation) = AsyncStream.makeStream(of: MediaCoreEvent.self)
        self.events = events
        self.configuration = configuration
        self.logger = logger
        let loop = if let loop { loop } else { try MediaLoop.start(name: "ladle-media") }
        let worker = Worker(loop: loop, configuration: configuration, events: continuation)
        self.worker = worker
        answer = Inquiry { await worker.answer() }
        measurement = Inquiry { await worker.measure() }
        worker.start()
        logger.info(
            "media core started",
            metadata: [
                "listen": "\(configuration.listenIP)",
                "ports": "\(configuration.portRange.lowerBound)-\(configuration.portRange.upperBound)",
            ])
    }

    deinit { worker.loop.stop() }

    /// Whether the end was told.
    private let hasEnded = Locked(false)

    /// Closes everything and ends the thread; `events` ends too. Returns when the thread is done. Idempotent.
    public func shutDown() async {
        await worker.shutDown()
        await worker.loop.ended()
        let isFirst = hasEnded.withLock { hasEnded in
            defer { hasEnded = true }
            return !hasEnded
        }
        if isFirst { logger.info("media core ended") }
    }

    /// What became of all datagrams so far.
    public func counters() async -> MediaPlaneCounters { await worker.counters }

    /// UDP ports that transports hold now.
    public func portsInUse() async -> Int { await worker.portsInUse }
}

// MARK: - Health

// None of these waits for a loop that is stuck.
extension EmbeddedCore {
    /// Whether every media loop runs what it is given within the limit.
    public func answers(within limit: Duration) async -> Bool { await answer.answer(within: limit) != nil }

    /// The figures of each worker; nil for one that does not answer within the limit.
    public func measurements(within limit: Duration) async -> [WorkerMeasurements?] {
        [await measurement.answer(within: limit)]
    }

    /// How late each worker's loop was.
    public var lag: [LoopLag] { [worker.loop.lag] }
}

// MARK: - MediaCore

extension EmbeddedCore {
    public func createRouter(mediaCodecs: [RTPCodecCapability]?) async throws(MediaCoreError) -> RouterDescription {
        try await worker.createRouter(mediaCodecs: mediaCodecs)
    }

    public func createPlainTransport(
        on router: RouterID, _ options: PlainTransportOptions
    ) async throws(MediaCoreError) -> PlainTransportDescription {
        try await worker.createPlainTransport(on: router, options)
    }

    public func connect(
        _ transport: TransportID, _ remote: PlainTransportRemote
    ) async throws(MediaCoreError) -> PlainTransportDescription {
        try await worker.connect(transport, remote)
    }

    public func produce(
        on transport: TransportID, _ options: ProduceOptions
    ) async throws(MediaCoreError) -> ProducerDescription {
        try await worker.produce(on: transport, options)
    }

    public func consume(
        on transport: TransportID, _ options: ConsumeOptions
    ) async throws(MediaCoreError) -> ConsumerDescription {
        try await worker.consume(on: transport, options)
    }

    public func canConsume(
        _ producer: ProducerID, on router: RouterID, _ capabilities: RTPCapabilities
    ) async -> Bool {
        await worker.canConsume(producer, on: router, capabilities)
    }

    public func pause(_ producer: ProducerID) async throws(MediaCoreError) { try await worker.pause(producer) }
    public func resume(_ producer: ProducerID) async throws(MediaCoreError) { try await worker.resume(producer) }
    public func pause(_ consumer: ConsumerID) async throws(MediaCoreError) { try await worker.pause(consumer) }
    public func resume(_ consumer: ConsumerID) async throws(MediaCoreError) { try await worker.resume(consumer) }

    public func requestKeyFrame(_ consumer: ConsumerID) async throws(MediaCoreError) {
        try await worker.requestKeyFrame(consumer)
    }

    public func stats(_ transport: TransportID) async throws(MediaCoreError) -> JSONValue {
        try await worker.stats(transport)
    }

    public func stats(_ producer: ProducerID) async throws(MediaCoreError) -> JSONValue {
        try await worker.stats(producer)
    }

    public func stats(_ consumer: ConsumerID) async throws(MediaCoreError) -> JSONValue {
        try await worker.stats(consumer)
    }

    public func close(_ router: RouterID) async { await worker.close(router) }
    public func close(_ transport: TransportID) async { await worker.close(transport) }
    public func close(_ producer: ProducerID) async { await worker.close(producer) }
    public func close(_ consumer: ConsumerID) async { await worker.close(consumer) }
}
