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

    /// A consumer has come: its transport may be managed from now on.
    mutating func consumedBandwidth(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        let transport = consumers[index].transport
        _ = transports[transport].bandwidth.consumed(consumers[index].rtpParameters, consumers[index].kind)
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
        _ = transports[transport].bandwidth.outgoing?.setDesiredBitrate(desired, now: now)
        transports[transport].bandwidth.outgoing?.rescheduleEvent(now: now)

        let isREMB = transports[transport].bandwidth.outgoing?.mechanism == .remb
        let available = transports[transport].bandwidth.outgoing?.availableBitrate ?? 0
        let demands = members.map { demand(of: $0, countsLosses: isREMB, now: now) }
        let (shares, _) = LayerAllocation.distribute(available, among: demands)
        for (consumer, share) in zip(members, shares) {
            apply(share, to: consumer, now: now, into: &out)
        }
    }

    /// The highest rate of its streams, or what its encoding promises if that is more; 0 while it is paused.
    private func desiredBitrate(of consumer: SlabIndex, now: Instant) -> Int64 {
        guard consumers[consumer].kind == .video, consumers[consumer].isActive else { return 0 }
        var highest: Int64 = 0
        for stream in producers[consumers[consumer].producer].streams {
            highest = max(highest, streams[stream].reception?.rate.bitsPerSecond(now: now) ?? 0)
        }
        let promised = consumers[consumer].rtpParameters.encodings.first?.maxBitrate ?? 0
        return max(highest, Int64(promised))
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
        demand.form = .replacing
        for stream in producers[consumers[consumer].producer].streams {
            let rate = streams[stream].reception?.rate.bitsPerSecond(now: now) ?? 0
            demand.layers.append(
                LayerDemand.SpatialLayer(bitrates: [rate], isUsable: streams[stream].score > 0))
        }
        demand.preferred = LayerShare(spatial: demand.layers.count - 1, temporal: 0)
        if let sender = consumers[consumer].senders.first {
            demand.currentSpatial = streams[senders[sender].stream].encodingIndex
        }
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
        if case .upTo(let new) = limit, case .upTo(let old) = consumers[consumer].share.limit,
            new.spatialLayer < old.spatialLayer
        {
            consumers[consumer].share.lowered = now
        }
        consumers[consumer].share.limit = limit
    }
}
