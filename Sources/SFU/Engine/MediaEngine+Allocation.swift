import Base
import Congestion
import ORTC

// Who gets how much of a transport's bandwidth: the layers of its video consumers.
extension MediaEngine {
    /// Wishes change without anyone saying so; mediasoup looks at each event of the available bitrate, about as often.
    private static var distributionInterval: Duration { .milliseconds(1000) }

    // MARK: - Priority

    /// How many layers a consumer takes in its turn, when there is not enough for all: 1…255.
    /// - Throws: mediasoup's error for 0; the same above 255, which mediasoup 3.14 cuts off.
    public mutating func setPriority(
        _ id: ConsumerID, _ priority: Int, now: Instant, into out: inout Outbox
    ) throws(SFUError) {
        let index = try index(id, "consumer.setPriority")
        guard priority >= 0 else { throw .invalid("priority must be a positive number") }
        guard let value = UInt8(exactly: priority), value > 0 else {
            throw .invalid("wrong priority (must be higher than 0) [method:consumer.setPriority]")
        }
        consumers[index].share.priority = value
        distributeBandwidth(of: consumers[index].transport, now: now, into: &out)
    }

    // MARK: - Distribution

    /// A consumer was paused, by either flag, or closes.
    mutating func bandwidthFreed(by consumer: SlabIndex) {
        let transport = consumers[consumer].transport
        guard transports.contains(transport) else { return }
        transports[transport].bandwidth.wishGone()
        armBandwidth(of: transport)
    }

    /// A consumer goes on, if nothing stands against it.
    mutating func bandwidthWanted(by consumer: SlabIndex, now: Instant, into out: inout Outbox) {
        guard consumers[consumer].isActive else { return }
        distributeBandwidth(of: consumers[consumer].transport, now: now, into: &out)
    }

    /// A consumer has come: its transport may be managed from now on.
    mutating func consumedBandwidth(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        let transport = consumers[index].transport
        transports[transport].bandwidth.consumed(
            consumers[index].rtpParameters, consumers[index].kind, probes: configuration.probesBandwidth,
            random: &random)
        distributeBandwidth(of: transport, now: now, into: &out)
    }

    /// Divides what is available among the transport's consumers. Call it whenever a consumer's wish has changed: its
    /// preferred layers, a pause, a stream that came or died.
    mutating func distributeBandwidth(of transport: SlabIndex, now: Instant, into out: inout Outbox) {
        guard transports[transport].bandwidth.outgoing != nil else { return }
        transports[transport].bandwidth.nextDistribution = now + Self.distributionInterval
        arm(now + Self.distributionInterval)
        let members = transports[transport].consumers
        var desired: Int64 = 0
        for consumer in members { desired += desiredBitrate(of: consumer, now: now) }
        transports[transport].bandwidth.desired(desired, now: now)
        transports[transport].bandwidth.outgoing?.rescheduleEvent(now: now)

        let isREMB = transports[transport].bandwidth.outgoing?.mechanism == .remb
        let available = transports[transport].bandwidth.outgoing?.availableBitrate ?? 0
        let demands = members.map { demand(of: $0, countsLosses: isREMB, now: now) }
        let (shares, _) = LayerAllocation.distribute(available, among: demands)
        for (consumer, share) in zip(members, shares) {
            apply(share, to: consumer, now: now, into: &out)
        }
        armBandwidth(of: transport)
    }

    /// The highest rate of its streams, or what its encoding promises if that is more; 0 while it is paused.
    private func desiredBitrate(of consumer: SlabIndex, now: Instant) -> Int64 {
        guard consumers[consumer].kind == .video, consumers[consumer].isActive else { return 0 }
        var highest: Int64 = 0
        for stream in producers[consumers[consumer].producer].streams {
            highest = max(highest, streams[stream].reception?.rate.bitsPerSecond(now: now) ?? 0)
        }
        let promised = consumers[consumer].rtpParameters.encodings.first?.maxBitrate ?? 0
        // What a producer promises is a stranger's number.
        return max(highest, min(Int64(promised), OutgoingBandwidth.highestBitrate))
    }

    private func demand(of consumer: SlabIndex, countsLosses: Bool, now: Instant) -> LayerDemand {
        let isManaged = consumers[consumer].kind == .video && consumers[consumer].isActive
        var demand = LayerDemand(
            priority: isManaged ? consumers[consumer].share.priority : 0,
            form: .simple(bitrate: desiredBitrate(of: consumer, now: now)))
        switch consumers[consumer].type {
        case .simple: break
        // Several encodings at once, none of which bandwidth stops.
        case .pipe: demand.priority = 0
        case .simulcast, .svc: addLayers(to: &demand, of: consumer, now: now)
        }
        if countsLosses, let sender = consumers[consumer].senders.first {
            demand.lossPercent = Double(senders[sender].reports.fractionLost) / 2.56
        }
        return demand
    }

    private func addLayers(to demand: inout LayerDemand, of consumer: SlabIndex, now: Instant) {
        guard let layers = consumers[consumer].layers else { return }
        demand.form = layers.isSVC && !layers.isKSVC ? .adding : .replacing
        for (spatial, state) in layerStates(of: consumer, now: now).enumerated() {
            let stream = producers[consumers[consumer].producer].streams[layers.isSVC ? 0 : spatial]
            demand.layers.append(
                LayerDemand.SpatialLayer(
                    bitrates: streams[stream].bitrates(spatial: layers.isSVC ? spatial : 0, now: now),
                    isUsable: state.isUsable, isSettled: state.activity >= LayerChoice.leastActivity))
        }
        demand.preferred = LayerShare(
            spatial: Int(layers.preference.preferred.spatialLayer),
            temporal: Int(layers.preference.preferred.temporalLayer))
        if let current = layers.current { demand.currentSpatial = Int(current.spatialLayer) }
        if let lowered = consumers[consumer].share.lowered {
            demand.holdsBack = now - lowered < LayerLadder.conservativeTime
        }
    }

    /// Where the result goes: the consumer's limit, which its layer choice is made within.
    private mutating func apply(
        _ share: LayerShare, to consumer: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        guard consumers[consumer].kind == .video, consumers[consumer].isActive else { return }
        switch consumers[consumer].type {
        case .simple, .pipe: return
        case .simulcast, .svc: break
        }
        let limit: LayerLimit =
            share.spatial < 0
            ? .nothing
            : .upTo(
                ConsumerLayers(spatialLayer: UInt8(share.spatial), temporalLayer: UInt8(max(0, share.temporal))))
        setBandwidthLimitedLayers(consumer, limit, now: now, into: &out)
    }

    /// The layers that bandwidth allows a simulcast or SVC consumer.
    mutating func setBandwidthLimitedLayers(
        _ consumer: SlabIndex, _ limit: LayerLimit, now: Instant, into out: inout Outbox
    ) {
        consumers[consumer].share.limit = limit
        let before = consumers[consumer].layers
        settle(consumer, now: now, into: &out)
        // A descent that bandwidth forces, and not one of the first seconds.
        guard let before, let current = before.current, let target = consumers[consumer].layers?.target,
            target.spatialLayer < current.spatialLayer,
            current.spatialLayer <= before.preference.preferred.spatialLayer, let beginning = before.beginning,
            now - beginning > LayerLadder.leastActivityForDescent
        else { return }
        consumers[consumer].share.lowered = now
    }
}

extension ReceiveStream {
    /// Of each temporal layer of a spatial one by itself.
    fileprivate func bitrates(spatial: Int, now: Instant) -> [Int64] {
        guard meter.hasLayers else { return [reception?.rate.bitsPerSecond(now: now) ?? 0] }
        return (0..<meter.temporalLayers).map { meter.ownBitsPerSecond(spatial: spatial, temporal: $0, now: now) }
    }
}
