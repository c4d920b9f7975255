/// A moment on one monotonic clock, in nanoseconds since an origin that only that clock knows.
///
/// Time is handed in everywhere below the engines: nothing on floors 1–4 reads a clock.
public struct Instant: Sendable, Hashable, Comparable {
    public var nanoseconds: Int64

    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    @inlinable
    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    @inlinable
    public static func + (a: Instant, b: Duration) -> Instant { Instant(nanoseconds: a.nanoseconds + b.nanoseconds) }

    @inlinable
    public static func - (a: Instant, b: Duration) -> Instant { Instant(nanoseconds: a.nanoseconds - b.nanoseconds) }

    @inlinable
    public static func - (a: Instant, b: Instant) -> Duration { .nanoseconds(a.nanoseconds - b.nanoseconds) }

    public static let distantFuture = Instant(nanoseconds: .max)
}

extension Duration {
    /// The whole of it in nanoseconds; exact up to 292 years.
    @inlinable
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// In seconds, for people and for JSON.
    @inlinable
    public var seconds: Double { Double(nanoseconds) / 1e9 }
}
