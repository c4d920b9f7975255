import Base
import Glibc
import Logging
import ServiceLifecycle

/// Keeps the service manager informed: READY once, signs of life as long as every media loop answers, a status for
/// people.
///
/// The signs of life come out of the media loops: each is sent only after every loop has executed a job since the one
/// before. A loop that hangs therefore lets the watchdog run out, and the service manager starts anew.
public struct ServiceReports: Service {
    private let notifier: ServiceNotifier
    /// Nil: no signs of life are wanted.
    private let watchdog: Duration?
    private let answers: @Sendable (Duration) async -> Bool
    private let status: @Sendable () async -> String
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let lastStatus = Locked("")
    /// Ends when READY was sent: a sign of life before it would be one of something that does not live yet.
    private let isReady = AsyncStream.makeStream(of: Never.self)

    /// - Parameters:
    ///   - watchdog: After so long without a sign of life the service manager takes action.
    ///   - answers: Whether every media loop has executed a job within the limit.
    ///   - status: What goes on, for `systemctl status`.
    public init(
        notifier: ServiceNotifier, watchdog: Duration?, answers: @escaping @Sendable (Duration) async -> Bool,
        status: @escaping @Sendable () async -> String, clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.notifier = notifier
        self.watchdog = watchdog
        self.answers = answers
        self.status = status
        self.clock = clock
        self.logger = logger
    }

    /// Requests are accepted. Returns when the service manager knows, or does not want to.
    public func ready() async {
        defer { isReady.continuation.finish() }
        let text = await status()
        lastStatus.withLock { $0 = text }
        // Without it the start would count as failed, so a full socket is tried again: 5 s in all.
        for _ in 0..<50 {
            if notifier.send(["READY=1", "MAINPID=\(getpid())", ServiceNotifier.status(text)]) { return }
            guard (try? await clock.sleep(for: .milliseconds(100))) != nil else { return }
        }
        logger.warning("the service manager did not take READY=1", metadata: ["socket": "NOTIFY_SOCKET"])
    }

    public func stopping() {
        notifier.send(["STOPPING=1", ServiceNotifier.status("finishing ingests and recordings")])
    }

    public func run() async throws {
        // A third: two signs may be late or lost before the watchdog runs out.
        let pause = watchdog.map { $0 / 3 } ?? Self.statusPause
        await cancelWhenGracefulShutdown {
            for await _ in isReady.stream {}
            var sinceStatus: Duration = .zero
            while !Task.isCancelled {
                if watchdog != nil {
                    if await answers(pause) {
                        notifier.send(["WATCHDOG=1"])
                    } else {
                        logger.error("a media loop hangs; the service manager is told nothing, and will start anew")
                    }
                }
                guard (try? await clock.sleep(for: pause)) != nil else { return }
                sinceStatus += pause
                if sinceStatus >= Self.statusPause {
                    sinceStatus = .zero
                    await sendStatus()
                }
            }
        }
    }

    /// People look rarely, and journald keeps each.
    private static let statusPause: Duration = .seconds(10)

    private func sendStatus() async {
        let text = await status()
        let isNew = lastStatus.withLock { last in
            defer { last = text }
            return last != text
        }
        if isNew { notifier.send([ServiceNotifier.status(text)]) }
    }

    private func cancelWhenGracefulShutdown(_ body: @escaping @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await body() }
            group.addTask { try? await gracefulShutdown() }
            await group.next()
            group.cancelAll()
        }
    }
}
