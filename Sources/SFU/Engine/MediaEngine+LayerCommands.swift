import Base
import ORTC

extension MediaEngine {
    /// Which layers a receiver would like to have.
    /// - Returns: What became of it, within what there is; nil for consumers without layers.
    public mutating func setPreferredLayers(
        _ wanted: PreferredLayers, of id: ConsumerID, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> ConsumerLayers? {
        let index = try index(id, "consumer.setPreferredLayers")
        guard consumers[index].layers != nil else { return nil }
        _ = consumers[index].layers?.preference.prefer(
            spatialLayer: wanted.spatialLayer, temporalLayer: wanted.temporalLayer)
        reconsider(index, now: now, into: &out)
        return consumers[index].layers?.preference.preferred
    }

    /// What is being forwarded; nil: nothing, or the consumer has no layers.
    public func currentLayers(of id: ConsumerID) throws(SFUError) -> ConsumerLayers? {
        consumers[try index(id, "consumer.dump")].layers?.current
    }

    /// How much a consumer counts when its transport's bandwidth is divided.
    /// - Parameter priority: 1…255. mediasoup takes larger numbers modulo 256; they are refused here.
    public mutating func setPriority(_ priority: Int, of id: ConsumerID) throws(SFUError) {
        let index = try index(id, "consumer.setPriority")
        guard priority >= 0 else { throw .invalid("priority must be a positive number") }
        guard let valid = UInt8(exactly: priority), valid > 0 else {
            throw .invalid("wrong priority (must be higher than 0) [method:consumer.setPriority]")
        }
        consumers[index].priority = valid
    }

    public mutating func unsetPriority(of id: ConsumerID) throws(SFUError) { try setPriority(1, of: id) }

    public func priority(of id: ConsumerID) throws(SFUError) -> Int {
        Int(consumers[try index(id, "consumer.dump")].priority)
    }

    // MARK: - For whoever divides a path's bandwidth

    /// Bounds what a consumer gets.
    /// - Parameter availableBitsPerSecond: Of the whole path; decides whether a cached group may be sent in a burst.
    public mutating func setLayerLimit(
        _ limit: LayerLimit, availableBitsPerSecond: Int64?, of id: ConsumerID, now: Instant, into out: inout Outbox
    ) throws(SFUError) {
        let index = try index(id, "consumer.setLayerLimit")
        setLayerLimit(limit, availableBitsPerSecond: availableBitsPerSecond, of: index, now: now, into: &out)
    }

    mutating func setLayerLimit(
        _ limit: LayerLimit, availableBitsPerSecond: Int64?, of index: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        guard let before = consumers[index].layers else { return }
        consumers[index].layers?.limit = limit
        consumers[index].layers?.availableBitsPerSecond = availableBitsPerSecond
        reconsider(index, now: now, into: &out)
        // A descent that the bandwidth forces, and not one of the stream's first seconds.
        guard let current = before.current, let target = consumers[index].layers?.target,
            target.spatialLayer < current.spatialLayer,
            current.spatialLayer <= before.preference.preferred.spatialLayer, let beginning = before.beginning,
            now - beginning > LayerLadder.leastActivityForDescent
        else { return }
        consumers[index].layers?.lastDescent = now
    }

    /// What a consumer asks of its path; nil while it is paused, or when it has no layers.
    public func layerDemand(of id: ConsumerID, now: Instant) throws(SFUError) -> LayerDemand? {
        layerDemand(of: try index(id, "consumer.layerDemand"), now: now)
    }

    func layerDemand(of index: SlabIndex, now: Instant) -> LayerDemand? {
        guard let layers = consumers[index].layers, consumers[index].isActive else { return nil }
        var states = layerStates(of: index, now: now)
        let producer = consumers[index].producer
        var desired = Int64(consumers[index].rtpParameters.encodings.first?.maxBitrate ?? 0)
        for spatial in states.indices {
            let stream = producers[producer].streams[layers.isSVC ? 0 : spatial]
            states[spatial].bitrates = streams[stream].bitrates(spatial: layers.isSVC ? spatial : 0, now: now)
            desired = max(desired, streams[stream].reception?.rate.bitsPerSecond(now: now) ?? 0)
        }
        return LayerDemand(
            ladder: LayerLadder(
                layers.preference, layers: states, current: layers.current?.spatialLayer,
                isConservative: layers.isConservative(at: now)),
            priority: Int(consumers[index].priority), desiredBitsPerSecond: desired)
    }
}

/// What a consumer of several layers asks of its path.
public struct LayerDemand: Sendable {
    /// The steps by which it can be raised, with their bit rates.
    public var ladder: LayerLadder
    /// 1…255.
    public var priority: Int
    /// The most that it could use.
    public var desiredBitsPerSecond: Int64
}

extension ReceiveStream {
    /// Of the temporal layers of a spatial one, each with all that it builds on.
    fileprivate func bitrates(spatial: Int, now: Instant) -> [Int64] {
        guard meter.hasLayers else { return [reception?.rate.bitsPerSecond(now: now) ?? 0] }
        return (0..<meter.temporalLayers).map { meter.bitsPerSecond(spatial: spatial, temporal: $0, now: now) }
    }
}
