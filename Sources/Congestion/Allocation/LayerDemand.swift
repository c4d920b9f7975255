/// One consumer's wish, as values: what each of its layers costs, and which it may have. Bits per second.
public struct LayerDemand: Sendable, Hashable {
    /// How the layers of a stream cost.
    public enum Form: Sendable, Hashable {
        /// One stream that takes what it takes and is never stopped: its bitrate is only set aside.
        case simple(bitrate: Int64)
        /// A higher spatial layer replaces the lower one (simulcast, K-SVC).
        case replacing
        /// A higher spatial layer comes on top of the lower one (full SVC).
        case adding
    }

    public struct SpatialLayer: Sendable, Hashable {
        /// Of each temporal layer by itself, from the lowest; 0: silent.
        public var bitrates: [Int64]
        /// It may be switched to: there is a stream, it is no dead one, and its time can be aligned.
        public var isUsable: Bool
        /// Active for 2 s (StreamMinActiveMs): before, it is only taken when there is nothing else.
        public var isSettled: Bool

        public init(bitrates: [Int64], isUsable: Bool = true, isSettled: Bool = true) {
            self.bitrates = bitrates
            self.isUsable = isUsable
            self.isSettled = isSettled
        }
    }

    /// 1…255; 0: it takes no part (paused, not active).
    public var priority: UInt8
    public var form: Form
    public var layers: [SpatialLayer]
    public var preferred: LayerShare
    /// The spatial layer that is sent now; -1: none.
    public var currentSpatial: Int
    /// Less than 10 s ago it came down for want of bandwidth (BweDowngradeConservativeMs): it does not go up now.
    public var holdsBack: Bool
    /// Where the mechanism is REMB: its stream's loss in percent. Below 2 it may take 8 % more than there is, above 10 half of
    /// the loss less.
    public var lossPercent: Double?

    public init(
        priority: UInt8 = 1, form: Form, layers: [SpatialLayer] = [], preferred: LayerShare = LayerShare(),
        currentSpatial: Int = -1, holdsBack: Bool = false, lossPercent: Double? = nil
    ) {
        (self.priority, self.form, self.layers, self.preferred) = (priority, form, layers, preferred)
        (self.currentSpatial, self.holdsBack, self.lossPercent) = (currentSpatial, holdsBack, lossPercent)
    }

    /// Takes the next layer if there is room for it.
    /// - Returns: what it uses of `available`; nil when nothing changes.
    func increase(_ share: inout LayerShare, within available: Int64) -> Int64? {
        guard available > 0 else { return nil }
        if case .simple(let bitrate) = form {
            guard share.spatial < 0 else { return nil }
            share = LayerShare(spatial: 0, temporal: 0)
            return bitrate > 0 ? min(bitrate, available) : nil
        }
        guard share != preferred, let (next, required) = layer(above: share) else { return nil }
        guard required <= usable(of: available) else { return nil }
        share = next
        return min(required, available)
    }

    private func usable(of available: Int64) -> Int64 {
        guard let lossPercent else { return available }
        if lossPercent < 2 { return Int64(Double(available) * 1.08) }
        if lossPercent > 10 { return Int64(Double(available) * (1 - lossPercent / 200)) }
        return available
    }

    /// The next layer that sends something, and what it costs more than the share has already.
    private func layer(above share: LayerShare) -> (LayerShare, Int64)? {
        for spatial in layers.indices where spatial >= share.spatial {
            if holdsBack, share.spatial >= 0, spatial > currentSpatial { return nil }
            let layer = layers[spatial]
            let isSkipped = !layer.isUsable || share.spatial >= 0 && spatial > share.spatial && !layer.isSettled
            if !isSkipped, let found = temporalLayer(of: spatial, above: share) { return found }
            // The preferred layer, or the first above it where that one is silent, is the last.
            if spatial >= preferred.spatial { return nil }
        }
        return nil
    }

    private func temporalLayer(of spatial: Int, above share: LayerShare) -> (LayerShare, Int64)? {
        let next = spatial == share.spatial ? share.temporal + 1 : 0
        guard next < layers[spatial].bitrates.count else { return nil }
        var required = layers[spatial].bitrates[next]
        // A silent layer is no step: whatever lies above it belongs to the next spatial layer.
        guard required > 0 else { return nil }
        if case .replacing = form, next == 0, share.spatial >= 0, spatial > share.spatial {
            let freed = layers[share.spatial].bitrates[...share.temporal].reduce(0, +)
            // 1 at least: a step that costs nothing would not be seen as one.
            required = max(1, required - freed)
        }
        return (LayerShare(spatial: spatial, temporal: next), required)
    }
}
