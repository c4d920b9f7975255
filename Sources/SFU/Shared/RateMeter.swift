import Base

/// Bits per second over a sliding window, in 32 steps, without allocation.
public struct RateMeter: Sendable {
    /// mediasoup's windows: a second for whole transports, 2.5 s for RTP.
    static let transportWindow = Duration.milliseconds(1000)
    static let streamWindow = Duration.milliseconds(2500)

    private static let stepCount: Int64 = 32
    // Whom a packet touches stands last, next to what follows in memory.
    private var steps = InlineArray<32, UInt32>(repeating: 0)
    private let stepNanoseconds: Int64
    private var sum: UInt64 = 0
    /// Number of the step to which `pending` belongs.
    private var current: Int64 = 0
    /// Until then all that is added is only pending: for most packets nothing is divided and the steps aren't touched.
    private var stepEnd = Instant(nanoseconds: 0)
    private var pending: UInt64 = 0

    public init(window: Duration) { stepNanoseconds = window.nanoseconds / Self.stepCount }

    @inline(__always)
    public mutating func add(_ bytes: Int, now: Instant) {
        if now >= stepEnd { settle(now: now) }
        pending += UInt64(bytes)
    }

    /// Reading does not change it: statistics are asked for at any time.
    public func bitsPerSecond(now: Instant) -> Int64 {
        var copy = self
        copy.settle(now: now)
        // In microseconds: a product with nanoseconds would overflow at 3.7 Gbit/s.
        return Int64(clamping: copy.sum &* 8_000_000 / UInt64(stepNanoseconds * Self.stepCount / 1000))
    }

    /// Writes what is pending into its step, and goes on to the step of now.
    private mutating func settle(now: Instant) {
        let step = now.nanoseconds / stepNanoseconds
        steps[Int(current & (Self.stepCount - 1))] &+= UInt32(truncatingIfNeeded: pending)
        sum += pending
        pending = 0
        move(to: step)
        stepEnd = Instant(nanoseconds: (current + 1) * stepNanoseconds)
    }

    private mutating func move(to step: Int64) {
        guard step > current else { return }
        if step - current >= Self.stepCount {
            steps = InlineArray(repeating: 0)
            sum = 0
        } else {
            for passed in current + 1...step {
                let slot = Int(passed & (Self.stepCount - 1))
                sum -= UInt64(steps[slot])
                steps[slot] = 0
            }
        }
        current = step
    }
}
