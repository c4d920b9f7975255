import Base
import CLinux

/// A value that is made anew at most once in a while, however many ask for it.
public actor Remembered<Value: Sendable> {
    private let lifetime: Duration
    private let now: @Sendable () -> Instant
    private let make: @Sendable () async -> Value
    private var kept: (value: Value, at: Instant)?
    /// Everybody who asks while it is being made gets the same one.
    private var coming: Task<Value, Never>?

    /// - Parameter now: The monotonic clock by default.
    public init(
        for lifetime: Duration, now: @escaping @Sendable () -> Instant = { Instant(nanoseconds: ladle_monotonic_ns()) },
        _ make: @escaping @Sendable () async -> Value
    ) {
        self.lifetime = lifetime
        self.now = now
        self.make = make
    }

    public func value() async -> Value {
        if let kept, now() - kept.at < lifetime { return kept.value }
        if let coming { return await coming.value }
        let task = Task { await make() }
        coming = task
        let value = await task.value
        kept = (value, now())
        coming = nil
        return value
    }
}
