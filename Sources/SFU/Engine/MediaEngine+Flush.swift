import Base

extension MediaEngine {
    /// Second half of a turn: media out. True: the outbox is full; send it and call again.
    public mutating func flush(now: Instant, into out: inout Outbox) -> Bool {
        while flushed < listed.count {
            let producer = listed[flushed]
            guard let due = producers[producer].release.due, due <= now else {
                // Nothing at all is left: off the list. Otherwise it waits there.
                if producers[producer].release.due == nil {
                    producers[producer].release.isListed = false
                    listed.swapAt(flushed, listed.count - 1)
                    listed.removeLast()
                } else {
                    flushed += 1
                }
                continue
            }
            if release(producer, now: now, into: &out) { return true }
        }
        flushed = 0
        return false
    }

    /// Walks a producer's consumers. True: the outbox is full; those who were served are remembered.
    private mutating func release(_ index: SlabIndex, now: Instant, into out: inout Outbox) -> Bool {
        let isLiveDue = producers[index].release.live.map { $0 <= now } ?? false
        let count = producers[index].consumers.count
        while producers[index].served < count {
            let place = (producers[index].served + producers[index].rotation) % count
            let consumer = producers[index].consumers[place]
            if serve(consumer, of: index, live: isLiveDue, now: now, into: &out) { return true }
            producers[index].served += 1
        }
        producers[index].served = 0
        // Who was last this time isn't the next time.
        producers[index].rotation = count == 0 ? 0 : (producers[index].rotation + 1) % count
        if isLiveDue { producers[index].release.released() }
        producers[index].release.setCatchUp(nextTick(of: index))
        return false
    }

    private func nextTick(of index: SlabIndex) -> Instant? {
        var soonest: Instant?
        for place in 0..<producers[index].consumers.count {
            guard let tick = consumers[producers[index].consumers[place]].catchUp.nextTick else { continue }
            soonest = min(soonest ?? tick, tick)
        }
        return soonest
    }

    /// True: the outbox is full.
    private mutating func serve(
        _ index: SlabIndex, of producer: SlabIndex, live: Bool, now: Instant, into out: inout Outbox
    ) -> Bool {
        switch consumers[index].forwarder.flow {
        case .stopped: return false
        case .waiting:
            guard startAtKeyFrame(index, producer, now: now) else { return false }
        case .running: break
        }
        guard let path = transports[consumers[index].transport].rtpPath else { return false }
        var limit = Int.max
        if let tick = consumers[index].catchUp.nextTick {
            if tick <= now {
                consumers[index].catchUp.tick(
                    received: producers[producer].stream?.packetCount ?? 0, configuration.pacing, now: now)
            }
            limit = consumers[index].catchUp.allowance
        } else if !live {
            return sendWantedReport(of: index, now: now, into: &out)
        }
        return send(index, of: producer, limit: limit, to: path, now: now, into: &out)
    }

    private mutating func send(
        _ index: SlabIndex, of producer: SlabIndex, limit: Int, to path: PlainTransport.Path, now: Instant,
        into out: inout Outbox
    ) -> Bool {
        let (packets, bytes) = (consumers[index].forwarder.packetCount, consumers[index].forwarder.byteCount)
        out.endRun()
        let progress = Self.forward(
            &consumers, index, producers, producer, limit: limit, to: path, into: &out)
        let sent = Int(consumers[index].forwarder.packetCount - packets)
        if sent > 0 {
            let size = Int(consumers[index].forwarder.byteCount - bytes)
            consumers[index].rate.add(size, now: now)
            consumers[index].catchUp.sent(sent)
            transports[consumers[index].transport].sent.count(size, now: now)
            transports[consumers[index].transport].sent.countRTP(size, now: now)
            meter.forwarded(sent)
        }
        switch progress {
        case .outboxFull: return true
        case .paced: break
        case .reachedHead: consumers[index].catchUp.end()
        case .overtaken: resynchronise(index, producer, now: now, into: &out)
        }
        return sendWantedReport(of: index, now: now, into: &out)
    }

    // Both slabs are parameters: two elements of two properties can't be told apart by the exclusivity checks.
    private static func forward(
        _ consumers: inout Slab<Consumer>, _ index: SlabIndex, _ producers: borrowing Slab<Producer>,
        _ producer: SlabIndex, limit: Int, to path: PlainTransport.Path, into out: inout Outbox
    ) -> PacketForwarder.Progress {
        consumers[index].forwarder.forward(producers[producer].log, limit: limit, to: path, into: &out)
    }

    /// The log ran over what the consumer would have got next: it starts anew.
    private mutating func resynchronise(
        _ index: SlabIndex, _ producer: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        consumers[index].forwarder.forgetPlace()
        consumers[index].catchUp.end()
        start(index, now: now, into: &out)
    }
}
