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
        if configuration.joinsFrames { streams[index].evenOut() }
        if !streams[index].candidates.isEmpty, adopt(into: index, now: now, into: &out) { return true }
        let isLiveDue = streams[index].release.live.map { $0 <= now } ?? false
        let count = streams[index].senders.count
        while streams[index].served < count {
            var place = streams[index].served + streams[index].rotation
            while place >= count { place -= count }
            let sender = streams[index].senders[place]
            prefetch(after: place, of: index)
            if serve(sender, of: index, live: isLiveDue, now: now, into: &out) { return true }
            streams[index].served += 1
        }
        streams[index].served = 0
        // Who was last this time isn't the next time.
        streams[index].rotation = count == 0 ? 0 : (streams[index].rotation + 1) % count
        if isLiveDue { streams[index].release.released() }
        // Nobody is behind: nobody has to be asked.
        if streams[index].release.catchUp != nil { streams[index].release.setCatchUp(nextTick(of: index)) }
        return false
    }

    /// Asks for what the next two senders of a stream will touch, while one is served: with a hundred of them each one's
    /// memory has left the first cache when its next packet comes.
    @inline(__always)
    private mutating func prefetch(after place: Int, of index: SlabIndex) {
        let count = streams[index].senders.count
        guard place + 2 < count else { return }
        SendStream.prefetch(streams[index].senders[place + 2], in: senders)
        let next = streams[index].senders[place + 1]
        Transport.prefetch(senders[next].transport, in: transports)
        senders[next].forwarder.prefetchRetransmission()
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
        // Nearly always.
        if live, senders[index].runsLive { return send(index, of: stream, limit: .max, now: now, into: &out) }
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
        guard transports[senders[index].transport].link.rtpPath != nil else { return false }
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
        return send(index, of: stream, limit: limit, now: now, into: &out)
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
        _ index: SlabIndex, of stream: SlabIndex, limit: Int, now: Instant, into out: inout Outbox
    ) -> Bool {
        out.beginRun(of: index)
        let pass = Self.forward(
            &senders, index, &transports, streams, stream, limit: limit, now: now, into: &out)
        meter.forwarded(pass.count)
        if pass.wantsMore { finish(pass, of: index, now: now, into: &out) }
        if configuration.pacing.bandwidthFactor != nil {
            transports[senders[index].transport].bandwidth.starts.spend(pass.bytes)
        }
        switch pass.progress {
        case .outboxFull: return true
        case .paced:
            // It goes on by its own clock.
            if let tick = senders[index].catchUp.nextTick { streams[stream].release.wake(at: tick) }
        case .reachedHead: break
        case .overtaken: resynchronise(index, now: now, into: &out)
        }
        return pass.isReportWanted ? sendWantedReport(of: index, now: now, into: &out) : false
    }

    // The slabs are parameters: two elements of two properties can't be told apart by the exclusivity checks.
    private static func forward(
        _ senders: inout Slab<SendStream>, _ index: SlabIndex, _ transports: inout Slab<Transport>,
        _ streams: borrowing Slab<ReceiveStream>, _ stream: SlabIndex, limit: Int, now: Instant, into out: inout Outbox
    ) -> SendStream.Pass {
        let transport = senders[index].transport
        return senders[index].forward(
            from: streams[stream], through: &transports[transport], limit: limit, now: now, into: &out)
    }

    /// What few senders want, or seldom.
    private mutating func finish(_ pass: SendStream.Pass, of index: SlabIndex, now: Instant, into out: inout Outbox) {
        if senders[index].forwarder.tracesPackets { tracePackets(of: index, now: now, into: &out) }
        guard pass.count > 0 else { return }
        if senders[index].forwarder.isLayered { reportLayers(of: index, now: now, into: &out) }
        if senders[index].forwarder.carriesTransportNumber,
            let deadline = transports[senders[index].transport].bandwidth.outgoing?.deadlineInPlace()
        {
            arm(deadline)
        }
    }

    /// The log ran over what the receiver would have got next: it starts anew.
    private mutating func resynchronise(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        senders[index].forwarder.forgetPlace()
        senders[index].catchUp.end()
        startSender(index, now: now, into: &out)
    }
}
