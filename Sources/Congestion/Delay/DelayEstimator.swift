/// From when packets left and came to what the path is doing: groups, their trend, and the detector.
struct DelayEstimator: Sendable {
    /// After 2 s of silence the queue is another one: everything begins anew (libwebrtc: kStreamTimeOut).
    static let timeout: Int64 = 2_000_000_000

    private var groups = PacketGroups()
    private var trend = Trendline()
    private var detector = OveruseDetector()
    private var lastSeen: Int64?

    init() {}

    var usage: BandwidthUsage { detector.usage }

    /// The queue was changed by something that is known: the trend begins anew, its threshold stays.
    mutating func restart() {
        guard lastSeen != nil else { return }
        groups = PacketGroups()
        trend = Trendline()
        detector.restart()
        lastSeen = nil
    }

    /// Times in ns: of the sender's clock, of the receiver's, and of ours.
    mutating func add(sent: Int64, arrived: Int64, now: Int64) {
        if let lastSeen, now - lastSeen > Self.timeout { self = DelayEstimator() }
        lastSeen = now
        guard let deltas = groups.add(sent: sent, arrived: arrived, now: now) else { return }
        trend.add(deltas, arrival: arrived)
        detector.update(trend, sentLater: Double(deltas.sent) / 1e6, now: arrived)
    }
}
