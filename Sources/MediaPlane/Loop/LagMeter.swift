import Base
import Synchronization

/// The longest delay of the last ten to twenty seconds. One thread writes, any thread reads, and nobody waits.
///
/// Two windows of ten seconds, this one and the one before: so the answer does not depend on who asks how often, and a
/// thread that sleeps has nothing to do for it.
public struct LagMeter: ~Copyable, Sendable {
    public static let window = Duration.seconds(10)

    private static let windowNanoseconds: Int64 = 10_000_000_000
    /// Each: the number of its window above, the longest delay in microseconds (up to 71 minutes) below.
    private let current = Atomic<UInt64>(0)
    private let previous = Atomic<UInt64>(0)

    public init() {}

    /// - Parameter delay: Below a microsecond counts as nothing.
    @inline(__always)
    public borrowing func record(_ delay: Duration, now: Instant) { record(nanoseconds: delay.nanoseconds, now: now) }

    @inline(__always)
    borrowing func record(nanoseconds: Int64, now: Instant) {
        let microseconds = UInt64(min(max(0, nanoseconds) / 1000, Int64(UInt32.max)))
        let window = Self.number(of: now)
        let stored = current.load(ordering: .relaxed)
        if stored >> 32 != window {
            previous.store(stored, ordering: .relaxed)
            current.store(window << 32 | microseconds, ordering: .relaxed)
        } else if microseconds > stored & 0xFFFF_FFFF {
            current.store(window << 32 | microseconds, ordering: .relaxed)
        }
    }

    /// Zero when nothing was late, or nothing happened.
    public borrowing func worst(now: Instant) -> Duration {
        let window = Self.number(of: now)
        let recent = [current.load(ordering: .relaxed), previous.load(ordering: .relaxed)].filter {
            // A writer that is a moment ahead of the reader counts as well.
            $0 >> 32 + 1 >= window
        }
        return .microseconds(recent.map { Int64($0 & 0xFFFF_FFFF) }.max() ?? 0)
    }

    @inline(__always)
    private static func number(of now: Instant) -> UInt64 {
        UInt64(truncatingIfNeeded: now.nanoseconds / windowNanoseconds) & 0xFFFF_FFFF
    }
}

/// How late a media loop was, at worst, in the last ten to twenty seconds.
public struct LoopLag: Sendable, Hashable {
    /// From when a timer was due to the turn that served it.
    public var timers: Duration
    /// From when a command came to when it ran; a command that waits now counts with its waiting so far, so that a loop
    /// that is stuck shows.
    public var commands: Duration

    public init(timers: Duration = .zero, commands: Duration = .zero) {
        self.timers = timers
        self.commands = commands
    }
}
