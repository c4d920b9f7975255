/// What consumers want, followed at once upwards and by 5 % a second downwards, so that a picture that is simple for a
/// moment does not lower the ceiling of the estimate (mediasoup's TrendCalculator). Bits per second.
struct DesiredBitrate: Sendable {
    static let decreasePerSecond = 0.05

    private(set) var latest: Int64 = 0
    private(set) var effective: Int64 = 0
    private var highest: Int64 = 0
    private var highestAt: Int64 = 0

    init() {}

    mutating func set(_ bitrate: Int64, isForced: Bool, now: Int64) {
        latest = bitrate
        if isForced || bitrate >= effective {
            (effective, highest, highestAt) = (bitrate, bitrate, now)
            return
        }
        let elapsed = Double(now - highestAt) / 1e9
        let decayed = Double(highest) * (1 - Self.decreasePerSecond * elapsed)
        effective = max(bitrate, Int64(max(0, decayed)))
        // Arrived: the next fall starts from here.
        if effective == bitrate { (highest, highestAt) = (bitrate, now) }
    }
}
