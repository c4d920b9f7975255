import Glibc

/// The two times an event bears, read together. Tests hand in their own.
public struct EventClock: Sendable {
    public struct Reading: Sendable, Hashable {
        /// Milliseconds since 1970-01-01T00:00:00Z; jumps when somebody sets the clock.
        public var unixMilliseconds: Int64
        /// Milliseconds of a clock that never goes back, since the machine's start.
        public var monotonicMilliseconds: Int64

        public init(unixMilliseconds: Int64, monotonicMilliseconds: Int64) {
            self.unixMilliseconds = unixMilliseconds
            self.monotonicMilliseconds = monotonicMilliseconds
        }
    }

    public let now: @Sendable () -> Reading

    public init(now: @escaping @Sendable () -> Reading) { self.now = now }

    public static let system = EventClock {
        Reading(unixMilliseconds: read(CLOCK_REALTIME), monotonicMilliseconds: read(CLOCK_MONOTONIC))
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
