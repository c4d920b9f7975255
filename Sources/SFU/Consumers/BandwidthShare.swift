import Base

/// What a consumer gets of its transport's bandwidth, and what that was made of.
struct BandwidthShare: Sendable {
    /// 1…255: how many layers it takes in its turn.
    var priority: UInt8 = 1
    /// What its layers are bounded by.
    var limit = LayerLimit.unmanaged
    /// When bandwidth forced it down last.
    var lowered: Instant?
}
