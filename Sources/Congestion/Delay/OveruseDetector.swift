/// What the delay says of the path.
public enum BandwidthUsage: Sendable, Hashable {
    case normal
    /// The queue grows.
    case overusing
    /// The queue drains.
    case underusing
}

/// Holds the trend against a threshold that follows it, so that a flow neither starves beside a loss-based one nor
/// takes every jitter for a queue (GCC §5.4; gains and limits are libwebrtc's public defaults).
struct OveruseDetector: Sendable {
    /// A queue must grow this long.
    static let overuseTime = 10.0
    /// How fast the threshold follows a trend above and below it, per ms. The draft says 0.01 and 0.00018; libwebrtc's adapt
    /// faster downwards.
    static let gainUp = 0.0087
    static let gainDown = 0.039
    /// Spikes this far above the threshold don't move it.
    static let maxAdaptDistance = 15.0
    static let thresholdLimits = 6.0...600.0

    private(set) var usage = BandwidthUsage.normal
    private(set) var threshold = 12.5
    private var timeOverUsing: Double?
    private var overuses = 0
    private var previousSlope = 0.0
    private var lastUpdate: Int64?

    init() {}

    /// Another trend begins; the threshold was learnt from the path and stays.
    mutating func restart() {
        (usage, timeOverUsing, overuses, previousSlope, lastUpdate) = (.normal, nil, 0, 0, nil)
    }

    /// - Parameters:
    ///   - sentLater: ms between the last two groups.
    ///   - now: arrival of the last group, ns.
    mutating func update(_ trend: Trendline, sentLater: Double, now: Int64) {
        let modified = trend.modified
        // One delta is no trend.
        guard trend.groupCount >= 2 else { return usage = .normal }
        if modified > threshold {
            let time = timeOverUsing.map { $0 + sentLater } ?? sentLater / 2
            timeOverUsing = time
            overuses += 1
            if time > Self.overuseTime, overuses > 1, trend.rawSlope >= previousSlope {
                (timeOverUsing, overuses) = (0, 0)
                usage = .overusing
            }
        } else {
            (timeOverUsing, overuses) = (nil, 0)
            usage = modified < -threshold ? .underusing : .normal
        }
        previousSlope = trend.rawSlope
        adapt(to: abs(modified), now: now)
    }

    private mutating func adapt(to trend: Double, now: Int64) {
        let last = lastUpdate ?? now
        lastUpdate = now
        guard trend <= threshold + Self.maxAdaptDistance else { return }
        let gain = trend < threshold ? Self.gainDown : Self.gainUp
        let milliseconds = min(Double(now - last) / 1e6, 100)
        threshold += gain * (trend - threshold) * milliseconds
        threshold = min(max(threshold, Self.thresholdLimits.lowerBound), Self.thresholdLimits.upperBound)
    }
}
