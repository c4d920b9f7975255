import Base

/// Raises the rate while the path takes it, lowers it below what came through when a queue grows: additive near the
/// known capacity, 8 % a second away from it (GCC §5.5; constants as in libwebrtc's AimdRateControl). Bits per second.
struct RateControl: Sendable {
    private enum State { case hold, increase }

    /// What of the throughput is kept at over-use.
    static let beta = 0.85
    static let increasePerSecond = 1.08
    /// Taken off at over-use besides, so that small rates drain, too.
    static let drain = 5000.0
    /// The rate never leaves the throughput behind by more, or it would be a guess.
    static let maxAhead = 1.5
    static let maxAheadOffset = 10_000.0
    /// The receiver has no start value: it believes its throughput after 5 s.
    static let initialization: Int64 = 5_000_000_000

    private(set) var bitrate: Double
    var limits: ClosedRange<Double> {
        didSet { bitrate = clamp(bitrate) }
    }
    /// A receiver knows nothing until an over-use or 5 s of packets.
    private(set) var isInitialized: Bool
    var roundTrip: Int64 = 200_000_000
    private var state = State.hold
    private var capacity = LinkCapacity()
    private var lastChange: Int64?
    private var firstThroughput: Int64?
    private var lastThroughput: Double

    /// - Parameter start: nil for a receiver, which takes over its throughput when it knows it.
    init(start: Double?, limits: ClosedRange<Double>) {
        bitrate = start ?? 30_000_000
        lastThroughput = bitrate
        isInitialized = start != nil
        self.limits = limits
    }

    /// - Parameters:
    ///   - throughput: what comes through, nil while that is not known.
    ///   - isUnfilled: the sender has less to send than the rate allows, so throughput says nothing of the path.
    mutating func update(_ usage: BandwidthUsage, throughput: Double?, isUnfilled: Bool = false, now: Int64) {
        if !isInitialized, let throughput {
            let first = firstThroughput ?? now
            firstThroughput = first
            if now - first > Self.initialization {
                bitrate = clamp(throughput)
                isInitialized = true
            }
        }
        if let throughput { lastThroughput = throughput }
        guard isInitialized || usage == .overusing else { return }
        switch usage {
        case .overusing: decrease(now: now)
        case .underusing: state = .hold
        case .normal:
            if state == .hold {
                lastChange = now
                state = .increase
            }
            increase(isUnfilled: isUnfilled, now: now)
        }
    }

    /// Whether an over-use may lower the rate once more: after a round trip, or when less than half comes through.
    func mayDecrease(throughput: Double, now: Int64) -> Bool {
        guard let lastChange else { return true }
        let interval = min(max(roundTrip, 10_000_000), 200_000_000)
        return now - lastChange >= interval || isInitialized && throughput < bitrate / 2
    }

    /// Over-use before anything came through: half, as nothing better is known.
    mutating func halve(now: Int64) { set(bitrate / 2, now: now) }

    mutating func set(_ value: Double, now: Int64) {
        bitrate = clamp(value)
        isInitialized = true
        lastChange = now
    }

    private mutating func increase(isUnfilled: Bool, now: Int64) {
        if let upper = capacity.upperBound, lastThroughput > upper { capacity.forget() }
        let elapsed = Double(max(0, now - (lastChange ?? now))) / 1e9
        let limit = isUnfilled ? .infinity : Self.maxAhead * lastThroughput + Self.maxAheadOffset
        if bitrate < limit {
            let raised =
                capacity.estimate == nil
                ? max(bitrate * power(Self.increasePerSecond, min(elapsed, 1)), bitrate + 1000 * min(elapsed, 1))
                : bitrate + additiveIncrease * elapsed
            bitrate = clamp(min(raised, limit))
        }
        lastChange = now
    }

    /// One packet more per response time (GCC §5.5), in bits per second each second.
    private var additiveIncrease: Double {
        let frame = bitrate / 30
        let packets = max(1, (frame / (1200 * 8)).rounded(.up))
        // The detector needs about 100 ms; a rate is judged after it was held as long again.
        let response = 2 * (Double(roundTrip) / 1e9 + 0.1)
        return max(4000, frame / packets / response)
    }

    private mutating func decrease(now: Int64) {
        var lowered = lastThroughput * Self.beta
        if lowered > Self.drain { lowered -= Self.drain }
        if lowered > bitrate, let estimate = capacity.estimate { lowered = Self.beta * estimate }
        if let lower = capacity.lowerBound, lastThroughput < lower { capacity.forget() }
        set(min(lowered, bitrate), now: now)
        capacity.overused(at: lastThroughput)
        state = .hold
    }

    private func clamp(_ value: Double) -> Double { min(max(value, limits.lowerBound), limits.upperBound) }
}

/// `base` to a power of 0…1 by the series of the exponential: no math library on these floors.
func power(_ base: Double, _ exponent: Double) -> Double {
    // ln 1.08 and its like: |x| < 0.1, where four terms leave less than 1e-7.
    let x = base - 1
    let logarithm = x - x * x / 2 + x * x * x / 3 - x * x * x * x / 4
    let y = exponent * logarithm
    return 1 + y + y * y / 2 + y * y * y / 6 + y * y * y * y / 24
}
