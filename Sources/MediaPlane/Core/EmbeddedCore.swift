import Base
import CLinux
import Glibc
import Logging
import MediaCore
import ORTC

/// The SFU core that lives in this process: workers, each with its thread, its sockets and its share of the routers.
///
/// Every call goes through one table to the worker that holds the object; an id that nobody holds goes to the first, whose
/// refusal names it. Events of one worker stay in their order.
public final class EmbeddedCore: MediaCore {
    /// Unbounded: these are a few facts for each thing that lives or changes, never one per packet; and a lost
    /// `consumerClosed` would leave a room with something that is not there.
    public let events: AsyncStream<MediaCoreEvent>
    public let configuration: MediaPlaneConfiguration

    /// One at least.
    let workers: [Worker]
    let directory: Directory
    let pipes: PipeTable
    let spans = SpanTable()
    private let ports: Locked<PortPool>
    private let eventsContinuation: AsyncStream<MediaCoreEvent>.Continuation
    private let logger: Logger
    private let answers: [Inquiry<Int>]
    private let measurements: [Inquiry<WorkerMeasurements>]

    /// Sockets are opened as transports are created.
    /// - Parameter loop: The thread of the one and only worker then, stopped with the core; nil: new ones, as many as
    ///   the configuration says.
    public convenience init(
        _ configuration: MediaPlaneConfiguration = MediaPlaneConfiguration(), loop: MediaLoop? = nil,
        logger: Logger = Logger(label: "ladle.media")
    ) throws(MediaCoreError) {
        try self.init(configuration, loops: loop.map { [$0] } ?? [], logger: logger)
    }

    /// - Parameter loops: A worker's thread each, stopped with the core; none: new ones, as many as the configuration says.
    public init(
        _ configuration: MediaPlaneConfiguration, loops: [MediaLoop], logger: Logger = Logger(label: "ladle.media")
    ) throws(MediaCoreError) {
        do { try configuration.validate() } catch {
            throw MediaCoreError(.invalid, name: "TypeError", message: "\(error)")
        }
        let identity = try configuration.identity()
        let loops = loops.isEmpty ? try Self.startLoops(configuration.workerCount) : loops
        (events, eventsContinuation) = AsyncStream.makeStream(of: MediaCoreEvent.self)
        self.configuration = configuration
        self.logger = logger
        directory = Directory(workers: loops.count)
        ports = Locked(
            PortPool(
                ip: configuration.listenIP, range: configuration.portRange, quarantine: configuration.portQuarantine,
                start: .random(in: 0 ... .max)))
        pipes = PipeTable()
        let surroundings = Worker.Surroundings(
            configuration: configuration, ports: ports, directory: directory, events: eventsContinuation,
            exchange: LinkExchange(loops), pipes: pipes, spans: spans, identity: identity)
        do {
            var workers: [Worker] = []
            for (number, loop) in loops.enumerated() {
                workers.append(try Worker(number: number, loop: loop, surroundings))
            }
            self.workers = workers
        } catch {
            for loop in loops { loop.stop() }
            throw error
        }
        answers = workers.map { worker in Inquiry { await worker.answer() } }
        measurements = workers.map { worker in Inquiry { await worker.measure() } }
        for worker in workers { worker.start() }
        logger.info(
            "media core started",
            metadata: [
                "listen": "\(configuration.listenIP)",
                "ports": "\(configuration.portRange.lowerBound)-\(configuration.portRange.upperBound)",
                "workers": "\(workers.count)",
            ])
    }

    deinit { for worker in workers { worker.loop.stop() } }

    private static func startLoops(_ count: Int) throws(MediaCoreError) -> [MediaLoop] {
        var loops: [MediaLoop] = []
        for number in 0..<count {
            do { loops.append(try MediaLoop.start(name: "ladle-media-\(number)")) } catch {
                for loop in loops { loop.stop() }
                throw error
            }
        }
        return loops
    }

    /// Whether the end was told.
    private let hasEnded = Locked(false)

    /// Closes everything and ends the threads; `events` ends too. Returns when the threads are done. Idempotent.
    public func shutDown() async {
        for worker in workers { await worker.cutSpans(of: nil) }
        for worker in workers { await worker.shutDown() }
        for worker in workers { await worker.loop.ended() }
        let isFirst = hasEnded.withLock { hasEnded in
            defer { hasEnded = true }
            return !hasEnded
        }
        guard isFirst else { return }
        eventsContinuation.finish()
        logger.info("media core ended")
    }

    /// What became of all datagrams so far.
    public func counters() async -> MediaPlaneCounters {
        var sum = MediaPlaneCounters()
        for worker in workers { sum += await worker.counters }
        return sum
    }

    /// The UDP ports of the range, at this moment.
    public var portFigures: PortFigures {
        let now = Instant(nanoseconds: ladle_monotonic_ns())
        return ports.withLock { $0.figures(now: now) }
    }

    /// How many workers there are.
    public var workerCount: Int { workers.count }

    /// The worker that a router was placed on; nil: there is no such router.
    public func worker(of router: RouterID) -> Int? { directory.holder(of: .router(router)) }

    /// Routers, transports, producers and consumers that live.
    public var objectCount: Int { directory.count }

    func worker(of object: Directory.Object) -> Worker { workers[directory.holder(of: object) ?? 0] }
}

// MARK: - Health

// None of these waits for a loop that is stuck.
extension EmbeddedCore {
    /// Whether every media loop runs what it is given within the limit.
    public func answers(within limit: Duration) async -> Bool {
        await Self.all(answers, within: limit).allSatisfy { $0 != nil }
    }

    /// The figures of each worker; nil for one that does not answer within the limit.
    public func measurements(within limit: Duration) async -> [WorkerMeasurements?] {
        await Self.all(measurements, within: limit)
    }

    /// How late each worker's loop was.
    public var lag: [LoopLag] { workers.map { $0.loop.lag } }

    /// Asks all at once, so that one that is stuck costs the limit, and several no more.
    private static func all<Answer: Sendable>(
        _ inquiries: [Inquiry<Answer>], within limit: Duration
    ) async -> [Answer?] {
        await withTaskGroup(of: (Int, Answer?).self) { group in
            for (number, inquiry) in inquiries.enumerated() {
                group.addTask { (number, await inquiry.answer(within: limit)) }
            }
            return await group.reduce(into: Array(repeating: nil, count: inquiries.count)) { $0[$1.0] = $1.1 }
        }
    }
}

// MARK: - MediaCore

extension EmbeddedCore {
    public func createRouter(mediaCodecs: [RTPCodecCapability]?) async throws(MediaCoreError) -> RouterDescription {
        try await createRouter(mediaCodecs: mediaCodecs, spans: configuration.routersSpan)
    }

    public func createPlainTransport(
        on router: RouterID, _ options: PlainTransportOptions
    ) async throws(MediaCoreError) -> PlainTransportDescription {
        try await createPlainTransport(on: router, options, worker: nil)
    }

    public func connect(
        _ transport: TransportID, _ remote: PlainTransportRemote
    ) async throws(MediaCoreError) -> PlainTransportDescription {
        try await worker(of: .transport(transport)).connect(transport, remote)
    }

    public func produce(
        on transport: TransportID, _ options: ProduceOptions
    ) async throws(MediaCoreError) -> ProducerDescription {
        try await worker(of: .transport(transport)).produce(on: transport, options)
    }

    public func consume(
        on transport: TransportID, _ options: ConsumeOptions
    ) async throws(MediaCoreError) -> ConsumerDescription {
        let number = directory.holder(of: .transport(transport)) ?? 0
        guard !spans.isEmpty else { return try await workers[number].consume(on: transport, options) }
        return try await withProducer(.producer(options.producer), on: number, of: .transport(transport)) {
            worker throws(MediaCoreError) in try await worker.consume(on: transport, options)
        }
    }

    public func canConsume(
        _ producer: ProducerID, on router: RouterID, _ capabilities: RTPCapabilities
    ) async -> Bool {
        if await worker(of: .router(router)).canConsume(producer, on: router, capabilities) { return true }
        guard let holder = directory.holder(of: .producer(producer)), spans.workers(of: router).contains(holder) else {
            return false
        }
        return await workers[holder].canConsume(producer, on: router, capabilities)
    }

    public func pause(_ producer: ProducerID) async throws(MediaCoreError) {
        try await worker(of: .producer(producer)).pause(producer)
    }

    public func resume(_ producer: ProducerID) async throws(MediaCoreError) {
        try await worker(of: .producer(producer)).resume(producer)
    }

    public func pause(_ consumer: ConsumerID) async throws(MediaCoreError) {
        try await worker(of: .consumer(consumer)).pause(consumer)
    }

    public func resume(_ consumer: ConsumerID) async throws(MediaCoreError) {
        try await worker(of: .consumer(consumer)).resume(consumer)
    }

    public func requestKeyFrame(_ consumer: ConsumerID) async throws(MediaCoreError) {
        try await worker(of: .consumer(consumer)).requestKeyFrame(consumer)
    }

    public func stats(_ transport: TransportID) async throws(MediaCoreError) -> JSONValue {
        try await worker(of: .transport(transport)).stats(transport)
    }

    public func stats(_ producer: ProducerID) async throws(MediaCoreError) -> JSONValue {
        try await worker(of: .producer(producer)).stats(producer)
    }

    public func stats(_ consumer: ConsumerID) async throws(MediaCoreError) -> JSONValue {
        try await worker(of: .consumer(consumer)).stats(consumer)
    }

    public func close(_ router: RouterID) async {
        let others = spans.remove(router)
        // What the parts say to each other while they go is nobody's news.
        for number in others { await workers[number].cutSpans(of: router) }
        let home = worker(of: .router(router))
        if !others.isEmpty { await home.cutSpans(of: router) }
        await home.close(router)
        for number in others { await workers[number].closePart(of: router) }
    }
    public func close(_ transport: TransportID) async { await worker(of: .transport(transport)).close(transport) }
    public func close(_ producer: ProducerID) async { await worker(of: .producer(producer)).close(producer) }
    public func close(_ consumer: ConsumerID) async { await worker(of: .consumer(consumer)).close(consumer) }
}
