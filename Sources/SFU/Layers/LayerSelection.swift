import Base

/// What a consumer of several layers wants, aims at, and gets.
struct LayerSelection: Sendable {
    var preference: LayerPreference
    let isSVC: Bool
    let isKSVC: Bool
    /// Nil: nothing can be had, or the consumer is paused.
    var target: ConsumerLayers?
    /// What was told last to have been forwarded.
    var current: ConsumerLayers?
    /// The encoding whose timestamps go out as they came: the first that was aimed at. All others are brought onto its
    /// line.
    var reference: Int?
    /// When it last began to get anything.
    var beginning: Instant?

    init(spatialLayers: Int, temporalLayers: Int, isSVC: Bool, isKSVC: Bool) {
        preference = LayerPreference(spatialLayers: spatialLayers, temporalLayers: temporalLayers)
        self.isSVC = isSVC
        self.isKSVC = isKSVC
    }
}

/// A sender that goes on with its stream until a key frame of another one can be had.
struct LayerWish: Sendable {
    let stream: SlabIndex
    let since: Instant
}
