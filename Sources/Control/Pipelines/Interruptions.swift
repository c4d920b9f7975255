import Base
import PipelineControl

/// What is told about the interruptions of one source: the process repeats itself every few seconds, and a log of that
/// helps nobody. Pure; times are handed in.
public struct Interruptions: Sendable {
    /// Between two facts about the same interruption.
    public static let pause: Duration = .seconds(5)

    private var began: Duration?
    private var told: (at: Duration, attempts: Int) = (.zero, 0)

    public init() {}

    /// Notes what the process said.
    /// - Parameter now: On any clock that only goes forward.
    /// - Returns: Whether it is news: the interruption begins, or more was tried and the last word is old.
    public mutating func note(_ interruption: SourceInterruption, now: Duration) -> Bool {
        let isFirst = began == nil
        guard isFirst || interruption.attempts > told.attempts && now - told.at >= Self.pause else { return false }
        if isFirst { began = now }
        told = (now, interruption.attempts)
        return true
    }

    /// The source brings media.
    /// - Returns: How long it did not; nil: it never ceased to.
    public mutating func end(now: Duration) -> Duration? {
        defer { began = nil }
        return began.map { now - $0 }
    }
}

/// A clock's time since now, for all who only compare.
func stopwatch<C: Clock>(_ clock: C) -> @Sendable () -> Duration where C.Duration == Duration {
    let start = clock.now
    return { start.duration(to: clock.now) }
}
