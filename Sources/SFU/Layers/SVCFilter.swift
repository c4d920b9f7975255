import Base

/// Decides which packets of a stream with spatial layers (VP9, AV1) a consumer gets.
///
/// Full SVC: a spatial layer needs those below it, and all up to the current one go out; one may be left off after any
/// picture. K-SVC: layers need each other in key pictures only, so of all other pictures the current layer alone goes
/// out, and it changes at key pictures only. Climbing needs a key picture in both.
public struct SVCFilter: Sendable, Hashable {
    public enum Fate: Sendable, Hashable {
        case drop
        /// `marker`: the last packet of the picture as this consumer gets it.
        case forward(marker: Bool)
    }

    public let isKSVC: Bool
    /// What it aims at.
    public private(set) var target: ConsumerLayers
    /// What goes out now; nil before the first picture.
    public private(set) var current: ConsumerLayers?
    /// Frames up to this temporal layer pass: all that they build on was forwarded.
    private var open: UInt8 = 0

    /// Its picture: all its layers have one timestamp.
    private var picture: UInt32?
    private var isKeyPicture = false
    /// Packets of it were left out for their temporal layer: nobody climbs to the rest.
    private var isTorn = false
    /// Packets of it were left out that a higher target wants: its key frame's first packet has not come yet.
    private var isTornAbove = false
    /// A key picture could not be climbed with, since it came in disorder: another one is needed.
    private var hasMissedClimb = false
    private var newest: UInt64 = 0

    public init(target: ConsumerLayers, isKSVC: Bool) {
        self.target = target
        self.isKSVC = isKSVC
    }

    /// Aims at other layers.
    /// - Returns: Whether the source has to be asked for a key frame to get there.
    public mutating func aim(at target: ConsumerLayers) -> Bool {
        self.target = target
        guard let current, current.spatialLayer != target.spatialLayer else { return false }
        return isKSVC || target.spatialLayer > current.spatialLayer
    }

    /// The stream begins anew.
    /// - Parameter timestamp: Of the key picture that it begins with.
    public mutating func begin(_ timestamp: UInt32) {
        current = nil
        picture = timestamp
        newest = 0
        (isTorn, isTornAbove) = (false, false)
        beginKeyPicture()
    }

    /// - Parameters:
    ///   - isMarked: The packet's own marker bit: the end of the picture with all layers.
    ///   - timestamp: Of its picture.
    ///   - index: Its place in the stream.
    public mutating func judge(
        _ layers: PacketLayers, isMarked: Bool, timestamp: UInt32, index: UInt64
    ) -> Fate {
        if timestamp != picture {
            guard index >= newest else { return lateFate(layers, isMarked) }
            newest = index
            picture = timestamp
            (isKeyPicture, isTorn, isTornAbove) = (false, false, false)
            current.map { settle($0) }
        }
        if layers.startsKeyFrame { beginKeyPicture() }
        guard let current else { return .drop }
        guard passes(layers, current.spatialLayer) else {
            if layers.spatial > current.spatialLayer, layers.spatial <= target.spatialLayer { isTornAbove = true }
            return .drop
        }
        if layers.temporal > open, !isTorn, layers.temporal <= target.temporalLayer, layers.isSwitchPoint,
            layers.startsFrame
        {
            open = layers.temporal
        }
        guard layers.temporal <= open || layers.startsKeyFrame else {
            isTorn = true
            return .drop
        }
        self.current?.temporalLayer = max(current.temporalLayer, min(layers.temporal, target.temporalLayer))
        return fate(layers, isMarked, current.spatialLayer)
    }

    /// Between two pictures layers can be left off.
    private mutating func settle(_ current: ConsumerLayers) {
        var next = current
        if !isKSVC { next.spatialLayer = min(next.spatialLayer, target.spatialLayer) }
        next.temporalLayer = min(next.temporalLayer, target.temporalLayer)
        open = min(open, target.temporalLayer)
        self.current = next
    }

    /// Everything that follows builds on this one.
    private mutating func beginKeyPicture() {
        isKeyPicture = true
        open = target.temporalLayer
        var spatial = target.spatialLayer
        if isTornAbove, let current, current.spatialLayer < spatial {
            spatial = current.spatialLayer
            hasMissedClimb = true
        }
        // What is reported climbs anew when the spatial layer changes.
        let isSame = current?.spatialLayer == spatial
        let temporal = isSame ? min(current?.temporalLayer ?? 0, target.temporalLayer) : 0
        current = ConsumerLayers(spatialLayer: spatial, temporalLayer: temporal)
    }

    /// Whether the source has to be asked for a key picture once more. Told once.
    public mutating func takeMissedClimb() -> Bool {
        defer { hasMissedClimb = false }
        return hasMissedClimb
    }

    private func passes(_ layers: PacketLayers, _ spatial: UInt8) -> Bool {
        guard layers.spatial <= spatial else { return false }
        // A lower layer of a picture that follows another one is needed by its own kind alone. What is not a reference
        // for upper layers is of no use to them in any picture.
        return !isKSVC || layers.spatial == spatial || (isKeyPicture || !layers.isInterPicturePredicted)
    }

    /// A packet of a picture that is over goes the way that others of its layers go now.
    private func lateFate(_ layers: PacketLayers, _ isMarked: Bool) -> Fate {
        guard let current, passes(layers, current.spatialLayer), layers.temporal <= open else { return .drop }
        return fate(layers, isMarked, current.spatialLayer)
    }

    private func fate(_ layers: PacketLayers, _ isMarked: Bool, _ spatial: UInt8) -> Fate {
        .forward(marker: isMarked || (layers.endsFrame && layers.spatial == spatial))
    }
}
