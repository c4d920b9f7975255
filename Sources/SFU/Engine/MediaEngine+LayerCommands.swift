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
        reconsider(index, isForced: true, now: now, into: &out)
        return consumers[index].layers?.preference.preferred
    }

    /// What is being forwarded; nil: nothing, or the consumer has no layers.
    public func currentLayers(of id: ConsumerID) throws(SFUError) -> ConsumerLayers? {
        consumers[try index(id, "consumer.dump")].layers?.current
    }

    public mutating func unsetPriority(
        _ id: ConsumerID, now: Instant, into out: inout Outbox
    ) throws(SFUError) {
        try setPriority(id, 1, now: now, into: &out)
    }

    public func priority(of id: ConsumerID) throws(SFUError) -> Int {
        Int(consumers[try index(id, "consumer.dump")].share.priority)
    }
}
