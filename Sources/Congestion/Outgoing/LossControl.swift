/// The rate that losses allow: below 2 % it rises by 8 % a second, above 10 % it falls by half the loss, between it holds
/// (GCC §6; rules of time as in libwebrtc's SendSideBandwidthEstimation). Bits per second, never above `limit`.
struct LossControl: Sendable {
    static let low = 0.02
    static let high = 0.1
    static let increasePerSecond = 1.08
    /// At least one round trip and this between two decreases.
    static let decreaseInterval: Int64 = 300_000_000
    static let increaseInterval: Int64 = 1_000_000_000
    /// Losses of fewer packets are no share.
    static let minPackets = 20
    /// So many are judged at once; fewer after a second, as a receiver report would. libwebrtc judges 20 as soon as they
    /// are there, of which three are lost by chance at 2 % once in seconds, and a flow without congestion is cut.
    static let enoughPackets = 100
    static let judgeInterval: Int64 = 1_000_000_000
    /// So long it believes the delay alone while nothing is lost.
    static let startPhase: Int64 = 2_000_000_000
    /// A share this old says nothing any more.
    static let maxAge: Int64 = 6_000_000_000

    private(set) var bitrate: Double
    /// Of the packets told of last, 0…1.
    private(set) var loss = 0.0
    private var expected = 0
    private var lost = 0
    private var countedSince: Int64 = 0
    private var lastShare: Int64?
    private var lastDecrease: Int64?
    private var hasDecreased = false
    private var started: Int64?
    /// Lowest rates of the last second, ascending in time and rate.
    private var history: [(time: Int64, bitrate: Double)] = []

    init(start: Double) { bitrate = start }

    /// Packets that were told of.
    mutating func add(expected: Int, lost: Int, now: Int64) {
        if self.expected == 0 { countedSince = now }
        self.expected += expected
        self.lost += lost
        guard
            self.expected >= Self.enoughPackets
                || self.expected >= Self.minPackets && now - countedSince >= Self.judgeInterval
        else { return }
        set(loss: Double(max(0, self.lost)) / Double(self.expected), now: now)
        (self.expected, self.lost) = (0, 0)
    }

    /// A share that a receiver report gave.
    mutating func set(loss: Double, now: Int64) {
        self.loss = min(max(loss, 0), 1)
        lastShare = now
        hasDecreased = false
    }

    /// - Parameters:
    ///   - limit: what delay, receiver and configuration allow.
    ///   - roundTrip: ns.
    mutating func update(limits: ClosedRange<Double>, roundTrip: Int64, now: Int64) {
        let start = started ?? now
        started = start
        defer { bitrate = min(max(bitrate, limits.lowerBound), limits.upperBound) }
        if loss == 0, now - start <= Self.startPhase, limits.upperBound > bitrate {
            bitrate = limits.upperBound
            history = [(now, bitrate)]
            return
        }
        remember(now: now)
        guard let lastShare, now - lastShare < Self.maxAge else { return }
        if loss <= Self.low {
            bitrate = max(bitrate, (history.first?.bitrate ?? bitrate) * Self.increasePerSecond + 1000)
        } else if loss > Self.high, !hasDecreased,
            now - (lastDecrease ?? .min / 2) >= Self.decreaseInterval + roundTrip
        {
            lastDecrease = now
            hasDecreased = true
            bitrate *= 1 - loss / 2
        }
    }

    /// The path was measured, and carries more: below, losses bound it again.
    mutating func raise(to measured: Double) {
        guard loss <= Self.high, measured > bitrate else { return }
        bitrate = measured
        history = []
    }

    /// Nothing was heard for long: see `SendSideEstimator`.
    mutating func scale(by factor: Double, limits: ClosedRange<Double>) {
        bitrate = min(max(bitrate * factor, limits.lowerBound), limits.upperBound)
        history = []
    }

    private mutating func remember(now: Int64) {
        // Rising is measured against the lowest of the last second: many small raises are one of 8 %.
        while let first = history.first, now - first.time >= Self.increaseInterval { history.removeFirst() }
        while let last = history.last, last.bitrate >= bitrate { history.removeLast() }
        history.append((now, bitrate))
    }
}
