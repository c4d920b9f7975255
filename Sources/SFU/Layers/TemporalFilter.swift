import Base

/// Decides which frames of a stream a consumer gets that wants fewer temporal layers (VP8, H264 with frame marking).
///
/// A frame is judged by its first packet and shares one fate: none goes out in part. Layers are left off at the next
/// frame; they come back at a frame that needs nothing of what was left out.
public struct TemporalFilter: Sendable, Hashable {
    /// What it aims at.
    public var target: UInt8
    /// Frames up to this layer pass: all that they build on was forwarded.
    private var open: UInt8 = 0
    /// The highest layer that was forwarded since the last change.
    public private(set) var current: UInt8 = 0

    private var frame: UInt32?
    private var isForwarding = false
    private var newest: UInt64 = 0

    public init(target: UInt8) { self.target = target }

    /// The stream begins with a key frame: whatever follows builds on it.
    public mutating func begin() {
        open = target
        current = 0
        frame = nil
        newest = 0
    }

    /// Whether a packet is forwarded.
    /// - Parameters:
    ///   - timestamp: Of its frame.
    ///   - index: Its place in the stream; a late packet goes the way that others of its layer go now.
    public mutating func accepts(_ layers: PacketLayers, timestamp: UInt32, index: UInt64) -> Bool {
        if timestamp == frame { return isForwarding }
        guard index >= newest else { return layers.temporal <= open }
        newest = index
        frame = timestamp
        judge(layers)
        return isForwarding
    }

    private mutating func judge(_ layers: PacketLayers) {
        if open > target { open = target }
        if current > target { current = target }
        if layers.startsKeyFrame { open = target }
        let temporal = layers.temporal
        if temporal > open, temporal <= target, layers.isSwitchPoint { open = temporal }
        isForwarding = temporal <= open || layers.startsKeyFrame
        if isForwarding, temporal > current { current = min(temporal, target) }
    }
}
