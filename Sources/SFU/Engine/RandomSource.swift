/// Where SSRCs, sequence numbers and timer jitter come from; seeded, everything repeats.
public enum RandomSource: RandomNumberGenerator, Sendable {
    case system
    case seeded(UInt64)

    public mutating func next() -> UInt64 {
        switch self {
        case .system:
            var generator = SystemRandomNumberGenerator()
            return generator.next()
        case .seeded(var state):
            // SplitMix64 (Steele, Lea, Flood 2014): one addition and a mix, full period.
            state &+= 0x9E37_79B9_7F4A_7C15
            self = .seeded(state)
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }
}
