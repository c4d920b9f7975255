import Base
import Glibc
import Logging

/// Ends the process when the end in order does not come to its end: a media loop that hangs can't be waited for.
final class StopDeadline: Sendable {
    /// Pipelines have 10 s, clients 3 s, the last events 2 s. The unit's TimeoutStopSec is longer.
    static let limit: Duration = .seconds(20)

    private let alarm = Locked<Task<Void, Never>?>(nil)
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    func start() {
        alarm.withLock { alarm in
            guard alarm == nil else { return }
            alarm = Task.detached { [logger] in
                guard (try? await Task.sleep(for: Self.limit)) != nil else { return }
                logger.critical("the gateway did not end within \(Self.limit.components.seconds) s; it ends at once")
                _exit(1)
            }
        }
    }

    func cancel() { alarm.withLock { $0?.cancel() } }
}
