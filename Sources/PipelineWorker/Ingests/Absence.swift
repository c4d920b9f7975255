import Base
import PipelineControl

/// A source that brings nothing at the moment, and when it is tried again. Belongs to the feeding thread.
struct Absence {
    /// Since it brings nothing; nil while it does.
    private(set) var since: Instant?
    private var attempts = 0
    private var random = SystemRandomNumberGenerator()

    mutating func begin() {
        if since == nil { since = MonotonicClock.now }
    }

    /// Tells of the failure and waits until the next try. False: nobody wants the source any more.
    mutating func wait(after failure: PipelineFailure, _ exchange: IngestExchange) -> Bool {
        begin()
        if attempts == 0 { log("\(failure.message); it is tried again") }
        let now = MonotonicClock.now
        let delay = RetrySchedule().delay(away: now - (since ?? now), using: &random)
        let interruption = SourceInterruption(reason: failure.message, attempts: attempts)
        exchange.tell(.interrupted(interruption, retry: now + delay))
        attempts += 1
        return exchange.pause(until: now + delay)
    }

    /// It is there again.
    /// - Returns: How long it was not; nil: it never ceased to be.
    @discardableResult
    mutating func end() -> Duration? {
        defer { (since, attempts) = (nil, 0) }
        return since.map { MonotonicClock.now - $0 }
    }
}

extension RetryPolicy {
    /// Whether a source that failed is opened again.
    func allowsRetry(hasOpened: Bool) -> Bool {
        switch self {
        case .never: false
        case .onceOpened: hasOpened
        case .always: true
        }
    }
}
