import Base

/// Which layers a consumer should get, by mediasoup's rules: the highest that can be had up to the preferred one, or
/// else the lowest above it.
public struct LayerChoice: Sendable {
    /// With a managed bandwidth, a stream is climbed to only after it has been there for this long: senders start and
    /// stop their upper encodings while they probe (mediasoup's StreamMinActiveMs).
    public static let leastActivity = Duration.milliseconds(2000)

    /// What is known of the stream of one encoding (simulcast), or of one spatial layer (SVC).
    public struct Layer: Sendable, Hashable {
        /// Packets of it have come.
        public var exists: Bool
        /// 0: it has died.
        public var score: UInt8
        /// Its timestamps can be told on the consumer's timeline.
        public var isAligned: Bool
        /// How long packets have been coming without a break.
        public var activity: Duration

        public init(
            exists: Bool = true, score: UInt8 = 10, isAligned: Bool = true, activity: Duration = .seconds(3600)
        ) {
            self.exists = exists
            self.score = score
            self.isAligned = isAligned
            self.activity = activity
        }

        /// It could be forwarded now.
        public var isUsable: Bool { exists && score > 0 && isAligned }
    }

    public var preference: LayerPreference
    public var limit: LayerLimit

    public init(_ preference: LayerPreference, limit: LayerLimit = .unmanaged) {
        self.preference = preference
        self.limit = limit
    }

    /// The layers to aim at; nil: there is nothing to be had, or nothing fits.
    public func target(_ layers: [Layer]) -> ConsumerLayers? {
        let wanted: ConsumerLayers
        let isManaged: Bool
        switch limit {
        case .nothing: return nil
        case .unmanaged: (wanted, isManaged) = (preference.preferred, false)
        case .upTo(let most): (wanted, isManaged) = (most, true)
        }
        var chosen: UInt8?
        for (index, layer) in layers.enumerated() where layer.isUsable {
            if isManaged, chosen != nil, layer.activity < Self.leastActivity { continue }
            chosen = UInt8(index)
            if index >= Int(wanted.spatialLayer) { break }
        }
        return chosen.map {
            ConsumerLayers(spatialLayer: $0, temporalLayer: preference.temporalLayer(at: $0, wanted: wanted))
        }
    }
}

/// When a consumer that bandwidth had forced down is raised again.
public enum LayerLadder {
    /// Not for this long (mediasoup's BweDowngradeConservativeMs): else it would go up and down once a second.
    public static let conservativeTime = Duration.milliseconds(10_000)
    /// A descent within the first seconds of a stream doesn't count as one: estimates begin too low
    /// (mediasoup's BweDowngradeMinActiveMs).
    public static let leastActivityForDescent = Duration.milliseconds(8000)
}
