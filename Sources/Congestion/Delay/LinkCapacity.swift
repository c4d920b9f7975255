/// What the path carried when it was last full: mean and deviation of the throughput at over-use.
///
/// Near it the rate is raised in small steps; a throughput beyond three deviations says that the path is another one (GCC
/// §5.5; libwebrtc's LinkCapacityEstimator). Bits per second.
struct LinkCapacity: Sendable {
    static let weight = 0.05
    private static let deviationLimits = 0.4...2.5

    /// kbit/s.
    private var mean: Double?
    /// Normalised variance in kbit/s: of the error's square by the mean.
    private var deviation = 0.4

    init() {}

    var estimate: Double? { mean.map { $0 * 1000 } }
    var lowerBound: Double? { mean.map { max(0, $0 - 3 * (deviation * $0).squareRoot()) * 1000 } }
    var upperBound: Double? { mean.map { ($0 + 3 * (deviation * $0).squareRoot()) * 1000 } }

    mutating func overused(at throughput: Double) {
        let sample = throughput / 1000
        let updated = mean.map { (1 - Self.weight) * $0 + Self.weight * sample } ?? sample
        mean = updated
        let error = updated - sample
        deviation = (1 - Self.weight) * deviation + Self.weight * error * error / max(updated, 1)
        deviation = min(max(deviation, Self.deviationLimits.lowerBound), Self.deviationLimits.upperBound)
    }

    mutating func forget() { mean = nil }
}
