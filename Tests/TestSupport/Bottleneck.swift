import Base

/// One direction of a network with a narrowest place: a queue that drains at a rate, and what happens behind it.
///
/// The same for the same seed. It says when a packet will arrive, so a test keeps what is on its way itself.
public struct Bottleneck: Sendable {
    /// Bits per second; may change while it runs.
    public var rate: Int64
    /// Bytes that wait at most; those beyond are dropped.
    public var queueLimit: Int
    public var delay: Duration
    /// Up to this much is added to each packet's delay, without changing their order.
    public var jitter: Duration
    /// Share of packets lost behind the queue, 0…1.
    public var loss: Double

    private var random: SeededGenerator
    /// Bits that wait.
    private var backlog = 0.0
    private var last = Instant(nanoseconds: 0)
    private var lastArrival = Instant(nanoseconds: 0)

    public init(
        seed: UInt64, rate: Int64, queueLimit: Int = 125_000, delay: Duration = .milliseconds(25),
        jitter: Duration = .zero, loss: Double = 0
    ) {
        (self.rate, self.queueLimit, self.delay, self.jitter, self.loss) = (rate, queueLimit, delay, jitter, loss)
        random = SeededGenerator(seed: seed)
    }

    /// How long a packet that came now would wait.
    public func queueDelay(at now: Instant) -> Duration {
        .nanoseconds(Int64(waiting(at: now) / Double(rate) * 1e9))
    }

    /// - Returns: when it arrives; nil when it was dropped or lost.
    public mutating func send(_ bytes: Int, at now: Instant) -> Instant? {
        backlog = waiting(at: now)
        last = max(last, now)
        guard Int(backlog) / 8 + bytes <= queueLimit else { return nil }
        backlog += Double(bytes * 8)
        let isLost = loss > 0 && Double.random(in: 0..<1, using: &random) < loss
        var arrival = now + .nanoseconds(Int64(backlog / Double(rate) * 1e9)) + delay
        if jitter > .zero {
            arrival = arrival + .nanoseconds(Int64.random(in: 0...jitter.nanoseconds, using: &random))
        }
        lastArrival = max(lastArrival, arrival)
        return isLost ? nil : lastArrival
    }

    private func waiting(at now: Instant) -> Double {
        max(0, backlog - Double(rate) * max(.zero, now - last).seconds)
    }
}
