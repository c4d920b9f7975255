import Base

extension MediaEngine {
    /// Second half of a turn: media out. True: the outbox is full; send it and call again.
    public mutating func flush(now: Instant, into out: inout Outbox) -> Bool {
        while flushed < listed.count {
            let stream = listed[flushed]
            guard let due = streams[stream].release.due, due <= now else {
                // Nothing at all is left: off the list. Otherwise it waits there.
                if streams[stream].release.due == nil {
                    streams[stream].release.isListed = false
                    listed.swapAt(flushed, listed.count - 1)
                    listed.removeLast()
                } else {
                    flushed += 1
                }
                continue
            }
            if release(stream, now: now, into: &out) { return true }
        }
        flushed = 0
        return false
    }

    /// Walks a stream's senders. True: the outbox is full; those who were served are remembered.
    private mutating func release(_ index: SlabIndex, now: Instant, into out: inout Outbox) -> Bool {
        if !streams[index].candidates.isEmpty, adopt(into: index, now: now, into: &out) { return true }
        let isLiveDue = streams[index].release.live.map { $0 <= now } ?? false
        let count = streams[index].senders.count
        while streams[index].served < count {
            let place = (streams[index].served + streams[index].rotation) % count
            let sender = streams[index].senders[place]
            if serve(sender, of: index, live: isLiveDue, now: now, into: &out) { return true }
            streams[index].served += 1
        }
        streams[index].served = 0
        // Who was last this time isn't the next time.
        streams[index].rotation = count == 0 ? 0 : (streams[index].rotation + 1) % count
        if isLiveDue { streams[index].release.released() }
        streams[index].release.setCatchUp(nextTick(of: index))
        return false
    }

    private func nextTick(of index: SlabIndex) -> Instant? {
        var soonest: Instant?
        for place in 0..<streams[index].senders.count {
            guard let tick = senders[streams[index].senders[place]].catchUp.nextTick else { continue }
            soonest = min(soonest ?? tick, tick)
        }
        return soonest
    }

    /// True: the outbox is full.
    mutating func serve(
        _ index: SlabIndex, of stream: SlabIndex, live: Bool, now: Instant, into out: inout Outbox
    ) -> Bool {
        if senders[index].outlet != nil {
            publish(index, of: stream, now: now)
            return false
        }
        switch senders[index].forwarder.flow {
        case .stopped: return false
        case .waiting:
            guard startAtKeyFrame(index, stream, now: now) else { return false }
        case .running: break
        }
        guard let path = transports[senders[index].transport].link.rtpPath else { return false }
        var limit = Int.max
        if let tick = senders[index].catchUp.nextTick {
            if tick <= now {
                let bound = startBound(of: index, reading: stream, now: now)
                senders[index].catchUp.tick(
                    received: streams[stream].receivedCount, configuration.pacing, bound: bound, now: now)
            }
            limit = senders[index].catchUp.allowance
        } else if !live {
            return sendWantedReport(of: index, now: now, into: &out)
        }
        return send(index, of: stream, limit: limit, to: path, now: now, into: &out)
    }

    /// How many packets a sender that is behind may send now on a path whose bandwidth is known; nil: nobody knows it.
    private mutating func startBound(of index: SlabIndex, reading stream: SlabIndex, now: Instant) -> Int? {
        let transport = senders[index].transport
        guard let available = transports[transport].bandwidth.outgoing?.availableBitrate else { return nil }
        guard let factor = configuration.pacing.bandwidthFactor, let reception = streams[stream].reception else {
            transports[transport].bandwidth.outgoing?.sendsStart(now: now)
            return nil
        }
        transports[transport].bandwidth.starts.fill(
            bytesPerSecond: Double(available) * factor / 8, interval: configuration.pacing.interval, now: now)
        return transports[transport].bandwidth.starts.packets(
            of: Double(reception.byteCount) / Double(max(1, reception.packetCount)))
    }

    private mutating func send(
        _ index: SlabIndex, of stream: SlabIndex, limit: Int, to path: TransportPath, now: Instant,
        into out: inout Outbox
    ) -> Bool {
        let (packets, bytes) = (senders[index].forwarder.packetCount, senders[index].forwarder.byteCount)
        out.beginRun(of: index)
        let failures = senders[index].forwarder.failureCount
        let transport = senders[index].transport
        let progress = Self.forward(
            &senders, index, streams, stream, &transports[transport], limit: limit, to: path, now: now, into: &out)
        let sent = Int(senders[index].forwarder.packetCount - packets)
        let unprotected = senders[index].forwarder.failureCount - failures
        if unprotected > 0 { transports[transport].drops.unprotected += unprotected }
        if senders[index].forwarder.tracesPackets { tracePackets(of: index, now: now, into: &out) }
        if sent > 0 {
            if senders[index].forwarder.layers != nil { reportLayers(of: index, now: now, into: &out) }
            let size = Int(senders[index].forwarder.byteCount - bytes)
            senders[index].rate.add(size, now: now)
            senders[index].catchUp.sent(sent)
            if configuration.pacing.bandwidthFactor != nil { transports[transport].bandwidth.starts.spend(size) }
            let overhead = sent * (transports[transport].security?.overhead ?? 0)
            transports[transport].sent.count(size + overhead, now: now)
            transports[transport].sent.countRTP(size, now: now)
            meter.forwarded(sent)
            if senders[index].forwarder.carriesTransportNumber { armBandwidth(of: transport) }
        }
        switch progress {
        case .outboxFull: return true
        case .paced: break
        case .reachedHead: senders[index].catchUp.end()
        case .overtaken: resynchronise(index, now: now, into: &out)
        }
        return sendWantedReport(of: index, now: now, into: &out)
    }

    // Both slabs are parameters: two elements of two properties can't be told apart by the exclusivity checks.
    private static func forward(
        _ senders: inout Slab<SendStream>, _ index: SlabIndex, _ streams: borrowing Slab<ReceiveStream>,
        _ stream: SlabIndex, _ transport: inout Transport, limit: Int, to path: TransportPath, now: Instant,
        into out: inout Outbox
    ) -> PacketForwarder.Progress {
        senders[index].forwarder.forward(
            streams[stream].log, of: streams[stream].encodingIndex, limit: limit, to: path,
            under: &transport.security, counting: &transport.bandwidth, now: now, into: &out)
    }

    /// The log ran over what the receiver would have got next: it starts anew.
    private mutating func resynchronise(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        senders[index].forwarder.forgetPlace()
        senders[index].catchUp.end()
        startSender(index, now: now, into: &out)
    }
}
