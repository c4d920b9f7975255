import Base

/// What a consumer of several layers wants, aims at, and gets.
struct LayerSelection: Sendable {
    var preference: LayerPreference
    let isSVC: Bool
    var limit = LayerLimit.unmanaged
    /// Of the receiver's path, when somebody estimates it.
    var availableBitsPerSecond: Int64?
    /// Nil: nothing can be had, or the consumer is paused.
    var target: ConsumerLayers?
    /// What was told last to have been forwarded.
    var current: ConsumerLayers?
    /// The encoding whose timestamps go out as they came: the first that was aimed at. All others are brought onto its
    /// line.
    var reference: Int?
    /// When the bandwidth last forced it to a lower spatial layer.
    var lastDescent: Instant?
    /// When it last began to get anything.
    var beginning: Instant?

    init(spatialLayers: Int, temporalLayers: Int, isSVC: Bool) {
        preference = LayerPreference(spatialLayers: spatialLayers, temporalLayers: temporalLayers)
        self.isSVC = isSVC
    }

    /// Whether the ladder ends at the current layer for now.
    func isConservative(at now: Instant) -> Bool {
        lastDescent.map { now - $0 < LayerLadder.conservativeTime } ?? false
    }
}

/// A sender that goes on with its stream until a key frame of another one can be had.
struct LayerWish: Sendable {
    let stream: SlabIndex
    let since: Instant
}
