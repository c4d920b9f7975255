import Base

/// Estimates what share of a core the traffic would take if every packet left at once, and opens or shuts the
/// coalescing window.
///
/// load = forwarded packets per second × CPU time per packet. The cost is learnt only while the window is shut and
/// the rate does not depend on it, so that the window's success can't close it again: no oscillation.
public struct LoadMeter: Sendable {
    /// 20 ms: short enough to react within a few frames, long enough for 100 packets at 5,000/s.
    public static let period = Duration.milliseconds(20)
    /// Periods with fewer packets say more about waking up than about forwarding.
    private static let leastPackets = 100

    private let coalescing: SFUConfiguration.Coalescing
    private var since: Instant?
    private var cpuBefore = Duration.zero
    private var packets = 0
    /// Forwarded packets per nanosecond, mean of weight 1/4.
    private var rate = 0.0
    /// CPU nanoseconds per forwarded packet. 3 µs: the kernel's price of a datagram.
    private var cost = 3000.0
    public private(set) var isOpen = false

    public init(_ coalescing: SFUConfiguration.Coalescing) { self.coalescing = coalescing }

    /// Share of a core.
    public var load: Double { rate * cost }

    public mutating func forwarded(_ count: Int) { packets += count }

    /// Whether `learned` would do something. Only while packets are forwarded or the last rate has not faded.
    public func isDue(at now: Instant) -> Bool {
        guard coalescing.isEnabled else { return false }
        guard let since else { return true }
        return now - since >= Self.period
    }

    /// - Parameter threadCPUTime: Of the driver's thread since its start. Wall time inside a turn would miss the
    ///   price of waking up.
    public mutating func learned(threadCPUTime: Duration, now: Instant) {
        guard coalescing.isEnabled, isDue(at: now) else { return }
        defer {
            since = now
            cpuBefore = threadCPUTime
            packets = 0
        }
        guard let since else { return }
        let span = Double((now - since).nanoseconds)
        let busy = Double((threadCPUTime - cpuBefore).nanoseconds)
        if packets > 0 {
            rate += (Double(packets) / span - rate) / 4
            if !isOpen, packets >= Self.leastPackets { cost += (busy / Double(packets) - cost) / 4 }
        } else {
            rate -= rate / 4
        }
        isOpen = isOpen ? load >= coalescing.shutsAt : load > coalescing.opensAt
    }
}
