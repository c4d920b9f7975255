/// How the two ends of a transport agree on its bandwidth; decided once, by what the first parameters offer.
public enum BandwidthMechanism: String, Sendable, Hashable {
    /// The receiver reports arrivals, the sender estimates.
    case transportWide = "transport-cc"
    /// The receiver estimates from abs-send-time and tells the result.
    case remb
}
