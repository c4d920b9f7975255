/// The share of lost packets over the last 24 reports, the newest counting most, as mediasoup weighs its histogram.
struct PacketLoss: Sendable {
    static let length = 24

    private var shares = InlineArray<24, Double>(repeating: 0)
    private var count = 0

    init() {}

    mutating func add(_ share: Double) {
        shares[count % Self.length] = share
        count += 1
    }

    /// 0…1.
    var share: Double {
        let held = min(count, Self.length)
        guard held > 0 else { return 0 }
        var (sum, weights) = (0.0, 0.0)
        for age in 0..<held {
            let weight = Double(held - age)
            sum += weight * shares[(count - 1 - age) % Self.length]
            weights += weight
        }
        return sum / weights
    }
}
