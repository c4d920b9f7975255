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
        /// What each temporal layer needs with all below it, in bits per second; 0 for those that don't come.
        public var bitrates: [Int64]

        public init(
            exists: Bool = true, score: UInt8 = 10, isAligned: Bool = true, activity: Duration = .seconds(3600),
            bitrates: [Int64] = []
        ) {
            self.exists = exists
            self.score = score
            self.isAligned = isAligned
            self.activity = activity
            self.bitrates = bitrates
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

/// The steps by which a consumer's layers can be raised, and what each costs: what divides a path's bandwidth among
/// several consumers climbs these.
public struct LayerLadder: Sendable {
    /// After the bandwidth has forced a consumer down it is not raised again for this long
    /// (mediasoup's BweDowngradeConservativeMs): else it would go up and down once a second.
    public static let conservativeTime = Duration.milliseconds(10_000)
    /// A descent within the first seconds of a stream doesn't count as one: estimates begin too low
    /// (mediasoup's BweDowngradeMinActiveMs).
    public static let leastActivityForDescent = Duration.milliseconds(8000)

    public struct Step: Sendable, Hashable {
        public var layers: ConsumerLayers
        /// What it needs beyond the step below, in bits per second; above 0.
        public var bitsPerSecond: Int64
    }

    public var preference: LayerPreference
    public var layers: [LayerChoice.Layer]
    /// What is being forwarded now; nil: nothing.
    public var current: UInt8?
    /// Within `conservativeTime` after a descent.
    public var isConservative: Bool
    /// SVC: a spatial layer's bit rate contains those below it and only comes on top. Simulcast: it takes their place.
    public var isSVC: Bool

    public init(
        _ preference: LayerPreference, layers: [LayerChoice.Layer], current: UInt8? = nil,
        isConservative: Bool = false, isSVC: Bool = false
    ) {
        self.preference = preference
        self.layers = layers
        self.current = current
        self.isConservative = isConservative
        self.isSVC = isSVC
    }

    /// The next step above what is provided for so far (nil: nothing yet); nil: the top is reached.
    public func step(above provided: ConsumerLayers?) -> Step? {
        if provided == preference.preferred { return nil }
        for (index, layer) in layers.enumerated() {
            let spatial = UInt8(index)
            if isConservative, let current, provided != nil, spatial > current { return nil }
            if let provided, spatial < provided.spatialLayer { continue }
            if let provided, spatial != provided.spatialLayer, layer.activity < LayerChoice.leastActivity { continue }
            guard layer.isUsable else { continue }
            if let step = step(in: layer, spatial, above: provided) { return step }
            if spatial >= preference.preferred.spatialLayer { break }
        }
        return nil
    }

    private func step(in layer: LayerChoice.Layer, _ spatial: UInt8, above provided: ConsumerLayers?) -> Step? {
        let isSame = provided?.spatialLayer == spatial
        let temporal = isSame ? (provided?.temporalLayer ?? 0) + 1 : 0
        let highest = spatial == preference.preferred.spatialLayer ? preference.preferred.temporalLayer : UInt8.max
        guard temporal <= highest, temporal < preference.temporalLayers, Int(temporal) < layer.bitrates.count,
            layer.bitrates[Int(temporal)] > 0
        else { return nil }
        let below = provided.map { bitrate(of: $0) } ?? 0
        return Step(
            layers: ConsumerLayers(spatialLayer: spatial, temporalLayer: temporal),
            bitsPerSecond: max(1, layer.bitrates[Int(temporal)] - below))
    }

    private func bitrate(of given: ConsumerLayers) -> Int64 {
        guard Int(given.spatialLayer) < layers.count else { return 0 }
        let bitrates = layers[Int(given.spatialLayer)].bitrates
        return Int(given.temporalLayer) < bitrates.count ? bitrates[Int(given.temporalLayer)] : 0
    }
}
