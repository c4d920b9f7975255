/// What comes through, by the sizes and arrivals of acknowledged packets: windows of 150 ms (the first 500 ms), each taken
/// for as sure as it is near the estimate (libwebrtc's BitrateEstimator, public defaults). Bits per second.
struct Throughput: Sendable {
    static let firstWindow: Int64 = 500_000_000
    static let window: Int64 = 150_000_000
    /// How little a sample counts that is far from the estimate.
    static let uncertainty = 10.0

    private(set) var bitsPerSecond: Double?
    private var variance = 50.0
    private var bytes = 0
    private var elapsed: Int64 = 0
    private var last: Int64?

    init() {}

    /// A packet of `size` bytes that came at `arrival` (ns, the receiver's clock).
    mutating func add(_ size: Int, arrival: Int64) {
        if let last, arrival < last {
            // Late by order; time does not go back.
            bytes += size
            return
        }
        let length = bitsPerSecond == nil ? Self.firstWindow : Self.window
        if let last {
            let gap = arrival - last
            elapsed += gap
            if gap > length {
                // A silence: the packets before it say nothing of now.
                bytes = 0
                elapsed %= length
            }
        }
        last = arrival
        if elapsed >= length {
            take(sample: Double(bytes) * 8e9 / Double(length))
            elapsed -= length
            bytes = 0
        }
        bytes += size
    }

    private mutating func take(sample: Double) {
        guard let estimate = bitsPerSecond else {
            bitsPerSecond = sample
            return
        }
        // In kbit/s: the constants are.
        let (old, new) = (estimate / 1000, sample / 1000)
        guard old > 0 else { return bitsPerSecond = sample }
        let doubt = Self.uncertainty * abs(old - new) / old
        let sampleVariance = doubt * doubt
        let predicted = variance + 5
        let mixed = (sampleVariance * old + predicted * new) / (sampleVariance + predicted)
        variance = sampleVariance * predicted / (sampleVariance + predicted)
        bitsPerSecond = max(0, mixed) * 1000
    }
}
