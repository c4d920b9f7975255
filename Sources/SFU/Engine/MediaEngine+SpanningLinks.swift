import Base

// Links between the parts of one router: they bring a producer to where somebody wants it, and go when nobody does.
extension MediaEngine {
    /// The router that a transport belongs to.
    public func router(of id: TransportID) -> RouterID? {
        transportByID[id].map { routers[transports[$0].router].id }
    }

    public func router(of id: RTPObserverID) -> RouterID? {
        observerByID[id].map { routers[observers[$0].router].id }
    }

    /// Producers and data producers that come over links.
    public var linkedProducerCount: Int { linkedProducers.count + linkedDataProducers.count }

    /// What has come over a link, as it is now; nil: it is over.
    public func producer(over link: MediaLink) -> ProducerState? { producerByLink[link.id].map { producers[$0].state } }

    /// A consumer or an observer of a producer has gone.
    mutating func left(_ producer: SlabIndex) {
        guard producers[producer].closesWhenUnused, producers[producer].isUnused else { return }
        leftLinks.append(producer)
    }

    /// Closes what was brought here and is wanted no more. After each command and turn, so that who comes within the
    /// same one finds it still there.
    public mutating func closeUnusedLinks(now: Instant, into out: inout Outbox) {
        closeUnusedDataLinks(now: now, into: &out)
        if leftLinks.isEmpty { return }
        let left = leftLinks
        leftLinks.removeAll(keepingCapacity: true)
        for producer in left where producers.contains(producer) && producers[producer].isUnused {
            close(producer, now: now, into: &out)
        }
    }

    /// Closes one that was brought here for somebody who then did not come.
    public mutating func closeUnusedLink(
        _ id: ProducerID, on router: RouterID, now: Instant, into out: inout Outbox
    ) {
        guard let router = routerByID[router],
            let index = linkedProducers[LinkedProducer(id: id, router: router)],
            producers[index].closesWhenUnused, producers[index].isUnused
        else { return }
        close(index, now: now, into: &out)
    }

    /// The whole router is about to close, here and elsewhere: what the other parts say of their ends is not listened to
    /// any more, so that consumers hear of their own transport's end, as those of a router in one piece do.
    /// - Parameter router: Nil: all of them.
    public mutating func cutLinks(of router: RouterID?) {
        cutDataLinks(of: router)
        for slot in 0..<producers.slotCount {
            guard let index = producers.index(ofSlot: slot), producers[index].closesWhenUnused,
                let link = producers[index].link, router == nil || routers[producers[index].router].id == router
            else { continue }
            producerByLink[link.id] = nil
            _ = link.close()
        }
    }
}

extension Producer {
    fileprivate var isUnused: Bool { consumers.isEmpty && observers.isEmpty }
}
