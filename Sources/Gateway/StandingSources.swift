import Base
import Control
import Logging
import ServiceLifecycle

/// What the settings want in the rooms for as long as the gateway runs.
///
/// A pipeline tries its source again by itself; this is for pipelines that end failed all the same, because a decoder
/// crashed or no port was free. One that comes to its end (a file that was played) is not started again.
public struct StandingSources: Service {
    /// Starts an ingest; its statuses, which end after the final one.
    public typealias Start = @Sendable (IngestRequest) async throws(ControlError) -> AsyncStream<IngestStatus>

    private let sources: [IngestRequest]
    private let start: Start
    private let started: AsyncStream<Void>
    private let clock: any Clock<Duration>
    private let jitter: @Sendable () -> Double
    private let logger: Logger

    /// - Parameters:
    ///   - started: Nothing is started before its first element.
    ///   - jitter: From 0 to 1; how far a delay is shortened.
    public init(
        _ sources: [IngestRequest], after started: AsyncStream<Void>, start: @escaping Start,
        clock: any Clock<Duration> = ContinuousClock(),
        jitter: @escaping @Sendable () -> Double = { .random(in: 0...1) }, logger: Logger
    ) {
        self.sources = sources
        self.start = start
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

    /// 1 s, doubled up to a minute; a source that ran for a minute begins anew.
    static let firstDelay: Duration = .seconds(1)
    static let longestDelay: Duration = .seconds(60)

    private func keep(_ source: IngestRequest) async {
        let ids: Logger.Metadata = ["room": "\(source.room)", "source": "\(source.source.text)"]
        var delay = Self.firstDelay
        while !Task.isCancelled {
            var outcome = Outcome.finished
            let lasted = await clock.measure { outcome = await play(source) }
            guard !Task.isCancelled else { return }
            switch outcome {
            case .finished:
                logger.info("a source came to its end", metadata: ids)
                return
            case .failed(let reason):
                if lasted >= Self.longestDelay { delay = Self.firstDelay }
                // At least half of it: several that failed together shall not come back together.
                let pause = delay * (1 - jitter() / 2)
                delay = min(delay * 2, Self.longestDelay)
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

    /// One life of a source.
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

extension Duration {
    /// "1.5", for people.
    fileprivate var roundedSeconds: String {
        let tenths = Int((self / .milliseconds(100)).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
