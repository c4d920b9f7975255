import Base

// Closing is idempotent; an unknown id is already closed. The order of events is mediasoup's: depth first, in order of
// creation, and what happens on other transports comes last.
extension MediaEngine {
    /// mediasoup's `worker.close()`: every router closes as if by itself, and is told so behind all that it had.
    public mutating func closeAll(now: Instant, into out: inout Outbox) {
        for slot in 0..<routers.slotCount {
            guard let index = routers.index(ofSlot: slot) else { continue }
            let id = routers[index].id
            close(id, now: now, into: &out)
            out.report(.routerClosed(id))
        }
    }

    public mutating func close(_ id: RouterID, now: Instant, into out: inout Outbox) {
        guard let index = routerByID.removeValue(forKey: id) else { return }
        muteObservers(of: index)
        let members = routers[index].transports
        var orphans: [SlabIndex] = []
        for transport in members {
            for producer in transports[transport].producers {
                abandonReaders(of: producer)
                producers[producer].consumers = []
            }
        }
        for transport in members {
            let (name, producerIndexes) = closeChildren(of: transport, into: &out)
            // Their consumers are on transports of this router and close with these.
            for producer in producerIndexes { remove(producer, now: now, into: &out) }
            orphans += closeDataChildren(of: transport, into: &out)
            removeTransport(transport, now: now, into: &out)
            out.report(.transportClosed(name))
        }
        for producer in orphans { _ = dataProducers.remove(producer) }
        closeObservers(of: index, into: &out)
        _ = routers.remove(index)
    }

    public mutating func close(_ id: TransportID, now: Instant, into out: inout Outbox) {
        guard let index = transportByID[id] else { return }
        let (_, producerIndexes) = closeChildren(of: index, into: &out)
        let dataProducerIndexes = closeDataChildren(of: index, into: &out)
        // Consumers elsewhere hear of it after the transport itself has closed.
        for producer in producerIndexes { closeConsumers(of: producer, into: &out) }
        for producer in producerIndexes { remove(producer, now: now, into: &out) }
        for producer in dataProducerIndexes {
            closeDataConsumers(of: producer, now: now, into: &out)
            removeDataProducer(producer)
        }
        let router = transports[index].router
        routers[router].transports.removeAll { $0 == index }
        removeTransport(index, now: now, into: &out)
    }

    public mutating func close(_ id: ProducerID, now: Instant, into out: inout Outbox) {
        if let index = producerByID[id] { close(index, now: now, into: &out) }
    }

    mutating func close(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        closeConsumers(of: index, into: &out)
        let transport = producers[index].transport
        transports[transport].producers.removeAll { $0 == index }
        transports[transport].listener.remove(index)
        remove(index, now: now, into: &out)
    }

    public mutating func close(_ id: ConsumerID, now: Instant, into out: inout Outbox) {
        guard let index = consumerByID[id] else { return }
        remove(index, onTransport: true, onProducer: true)
    }

    // MARK: - What came before the end

    /// The sockets of a transport: before it is closed, what lies in them is to be received. It was sent in time.
    public func sockets(of id: TransportID) -> [SocketID] {
        guard let index = transportByID[id] else { return [] }
        return transports[index].sockets
    }

    public func transport(of id: ProducerID) -> TransportID? {
        producerByID[id].map { transports[producers[$0].transport].id }
    }

    /// The producers of a transport are about to close: what was received from them is due now, also for consumers that
    /// are still catching up. `flush` sends it.
    public mutating func hurry(_ id: TransportID, now: Instant) {
        guard let index = transportByID[id] else { return }
        for producer in transports[index].producers {
            for stream in producers[producer].streams {
                for sender in streams[stream].senders { senders[sender].catchUp.end() }
                streams[stream].release.hurry(at: now)
                list(stream)
            }
        }
    }

    // MARK: - Helpers

    /// Tells a transport's producers and removes its consumers. The producers stay in the slab until their consumers
    /// elsewhere have been told.
    private mutating func closeChildren(
        of index: SlabIndex, into out: inout Outbox
    ) -> (TransportID, [SlabIndex]) {
        let producerIndexes = transports[index].producers
        for producer in producerIndexes {
            forget(producer)
            if producers[producer].link == nil { out.report(.producerClosed(producers[producer].id)) }
        }
        for consumer in transports[index].consumers {
            out.report(.consumerClosed(consumers[consumer].id, .transportClosed))
            remove(consumer, onTransport: false, onProducer: true)
        }
        transports[index].consumers = []
        return (transports[index].id, producerIndexes)
    }

    /// A producer's consumers close, wherever they are.
    private mutating func closeConsumers(of index: SlabIndex, into out: inout Outbox) {
        let closing = producers[index].consumers
        producers[index].consumers = []
        abandonReaders(of: index)
        var left: Set<SlabIndex> = []
        for consumer in closing {
            out.report(.consumerClosed(consumers[consumer].id, .producerClosed))
            left.insert(consumers[consumer].transport)
            remove(consumer, onTransport: false, onProducer: false)
        }
        for transport in left {
            let staying = transports[transport].consumers.filter { consumers.contains($0) }
            transports[transport].consumers = staying
        }
    }

    /// All that read a producer's streams are about to go. Taking them one by one out of a list of thousands would cost
    /// the square of their number.
    private mutating func abandonReaders(of producer: SlabIndex) {
        for stream in producers[producer].streams {
            streams[stream].senders = []
            streams[stream].candidates = []
            streams[stream].served = 0
        }
    }

    private mutating func remove(_ index: SlabIndex, onTransport: Bool, onProducer: Bool) {
        let (transport, producer) = (consumers[index].transport, consumers[index].producer)
        consumerByID[consumers[index].id] = nil
        if let link = consumers[index].link { endLink(link, of: index) }
        for sender in consumers[index].senders { removeSender(sender) }
        bandwidthFreed(by: index)
        if onTransport { transports[transport].consumers.removeAll { $0 == index } }
        if onProducer, producers.contains(producer) {
            producers[producer].consumers.removeAll { $0 == index }
            left(producer)
        }
        _ = consumers.remove(index)
    }

    private mutating func removeSender(_ index: SlabIndex) {
        let (transport, ssrc) = (senders[index].transport, senders[index].ssrc)
        detach(index)
        withdrawWish(of: index)
        transports[transport].senderBySSRC[ssrc] = nil
        transports[transport].security?.forgetOutgoing(ssrc)
        if let rtx = senders[index].rtxSSRC {
            transports[transport].rtxSSRCs.remove(rtx)
            transports[transport].security?.forgetOutgoing(rtx)
        }
        closedTotals.sentLost += max(0, senders[index].reports.packetsLost)
        _ = senders.remove(index)
    }

    /// Frees a producer whose consumers are gone or going.
    private mutating func remove(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        forget(index)
        leaveObservers(index, now: now, into: &out)
        routers[producers[index].router].clocks.leave(cname: producers[index].cname)
        for stream in producers[index].streams {
            listed.removeAll { $0 == stream }
            closedTotals.receivedLost += streams[stream].packetsLost
            gopBytes -= streams[stream].groupBytes
            for ssrc in [streams[stream].reception?.ssrc, streams[stream].retransmission?.ssrc].compactMap(\.self) {
                transports[producers[index].transport].security?.forget(ssrc)
            }
            _ = streams.remove(stream)
        }
        flushed = 0
        _ = producers.remove(index)
    }

    private mutating func removeTransport(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        // SCTP says goodbye through DTLS.
        if let link = transports[index].sctp { removeSCTP(link, now: now, into: &out) }
        if let link = transports[index].webRTC { removeWebRTC(link, into: &out) }
        guard let transport = transports.remove(index) else { return }
        transportByID[transport.id] = nil
        closedTotals.drops += transport.drops
        for socket in transport.sockets {
            transportBySocket[socket] = nil
            out.close(socket)
        }
    }
}
