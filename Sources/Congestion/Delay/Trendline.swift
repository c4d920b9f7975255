/// The slope of the queueing delay over the last 20 groups: above 0 a queue grows, below it drains.
///
/// The delay variation of GCC §5.3, added up, smoothed, and laid through by least squares, which has taken the place of
/// the draft's Kalman filter (§5.3) in libwebrtc (TrendlineEstimator; constants are its public defaults).
struct Trendline: Sendable {
    static let window = 20
    /// Weight of what was before in the smoothed delay.
    static let smoothing = 0.9
    /// Slopes are small: gain and number of groups make them milliseconds that a threshold can be held against.
    static let gain = 4.0
    static let maxGroups = 60

    private struct Point: Sendable {
        var arrival = 0.0
        var delay = 0.0
    }

    private var points = InlineArray<20, Point>(repeating: Point())
    private var groups = 0
    private var firstArrival: Int64?
    private var accumulated = 0.0
    private var smoothed = 0.0
    private var slope = 0.0

    init() {}

    /// Adds a group that came at `arrival` (ns, the receiver's clock).
    mutating func add(_ deltas: PacketGroups.Deltas, arrival: Int64) {
        let first = firstArrival ?? arrival
        firstArrival = first
        accumulated += Double(deltas.arrived - deltas.sent) / 1e6
        smoothed = Self.smoothing * smoothed + (1 - Self.smoothing) * accumulated
        points[groups % Self.window] = Point(arrival: Double(arrival - first) / 1e6, delay: smoothed)
        groups += 1
        if groups >= Self.window { slope = leastSquares() ?? slope }
    }

    /// The slope as milliseconds that the detector's threshold is held against.
    var modified: Double { Double(min(groups, Self.maxGroups)) * slope * Self.gain }
    var groupCount: Int { groups }
    /// ms of delay per ms of time.
    var rawSlope: Double { slope }

    /// nil when all came at one moment.
    private func leastSquares() -> Double? {
        var (arrivals, delays) = (0.0, 0.0)
        for position in points.indices {
            arrivals += points[position].arrival
            delays += points[position].delay
        }
        let (meanArrival, meanDelay) = (arrivals / Double(Self.window), delays / Double(Self.window))
        var (above, below) = (0.0, 0.0)
        for position in points.indices {
            let distance = points[position].arrival - meanArrival
            above += distance * (points[position].delay - meanDelay)
            below += distance * distance
        }
        return below == 0 ? nil : above / below
    }
}
