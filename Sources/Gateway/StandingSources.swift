import Base
import Control
import Logging
import ServiceLifecycle

/// What the settings want in the rooms for as long as the gateway runs.
///
/// A pipeline tries its source again by itself; this is for pipelines that end failed all the same, because a decoder
/// crashed or no port was free. One that comes to its end (a file that was played) is not started again.
///
/// A room that is recorded has its recording before its source, so that nothing is missed, and one file for each life of
/// the source.
public struct StandingSources: Service {
    /// Starts an ingest; its statuses, which end after the final one.
    public typealias Start = @Sendable (IngestRequest) async throws(ControlError) -> AsyncStream<IngestStatus>

    /// Starts a recording; its statuses, which end after the final one, and what ends it in order.
    public typealias Record =
        @Sendable (RecordingRequest) async throws(ControlError) -> (
            statuses: AsyncStream<RecordingStatus>, finish: @Sendable () async -> Void
        )

    private let sources: [StandingSource]
    private let start: Start
    private let record: Record
    private let started: AsyncStream<Void>
    private let clock: any Clock<Duration>
    private let jitter: @Sendable () -> Double
    private let logger: Logger

    /// - Parameters:
    ///   - started: Nothing is started before its first element.
    ///   - jitter: From 0 to 1; how far a delay is shortened.
    public init(
        _ sources: [StandingSource], after started: AsyncStream<Void>, start: @escaping Start,
        record: @escaping Record,
        clock: any Clock<Duration> = ContinuousClock(),
        jitter: @escaping @Sendable () -> Double = { .random(in: 0...1) }, logger: Logger
    ) {
        self.sources = sources
        self.start = start
        self.record = record
        self.started = started
        self.clock = clock
        self.jitter = jitter
        self.logger = logger
    }

    /// Until told to stop, or until every source has come to its end; the ingests themselves are ended by whoever ends the
    /// pipelines.
    public func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in started { break }
                await withTaskGroup(of: Void.self) { keepers in
                    for source in sources { keepers.addTask { await keep(source) } }
                }
            }
            group.addTask { try? await gracefulShutdown() }
            await group.next()
            group.cancelAll()
        }
    }

    private func keep(_ source: StandingSource) async {
        let ids: Logger.Metadata = ["room": "\(source.ingest.room)", "source": "\(source.ingest.source.text)"]
        var delay = GrowingDelay()
        while !Task.isCancelled {
            var outcome = Outcome.finished
            let lasted = await clock.measure { outcome = await play(source) }
            guard !Task.isCancelled else { return }
            switch outcome {
            case .finished:
                logger.info("a source came to its end", metadata: ids)
                return
            case .failed(let reason):
                let pause = delay.pause(after: lasted, jitter: jitter())
                logger.warning(
                    "a source failed and is started again in \(pause.roundedSeconds) s: \(reason)", metadata: ids)
                guard (try? await clock.sleep(for: pause)) != nil else { return }
            }
        }
    }

    private enum Outcome {
        case finished
        case failed(String)
    }

    /// One life of a source, with its recording around it.
    private func play(_ source: StandingSource) async -> Outcome {
        guard let request = source.recording else { return await play(source.ingest) }
        let recording = StandingRecording(
            request,
            start: { [record] request throws(ControlError) in
                let made = try await record(request)
                return StandingRecording.Life(statuses: made.statuses, finish: made.finish)
            }, clock: clock, jitter: jitter, logger: logger)
        let (tried, isTried) = AsyncStream.makeStream(of: Void.self)
        let outcome = await withTaskGroup(of: Void.self) { group in
            group.addTask { await recording.keep(tried: { isTried.yield() }) }
            for await _ in tried { break }
            let outcome = await play(source.ingest)
            group.cancelAll()
            await group.waitForAll()
            return outcome
        }
        // At the end of the gateway whoever ends the pipelines does it, sources first.
        if !Task.isCancelled { await recording.finish() }
        return outcome
    }

    /// One life of an ingest.
    private func play(_ source: IngestRequest) async -> Outcome {
        do throws(ControlError) {
            var last: IngestStatus?
            for await status in try await start(source) { last = status }
            return switch last?.state {
            case .finished: .finished
            case .failed: .failed(last?.failure?.message ?? "no reason is known")
            case .starting, .waiting, .running, .draining, nil: .failed("it is not known how it ended")
            }
        } catch {
            return .failed(error.message)
        }
    }
}
