import Base
import ORTC

// Data producers over pipes within this process. At the producer's end a data consumer puts what comes into the link; the
// receiving end takes it from there into a data producer of the same id. Subchannels are for those who listen there.
extension MediaEngine {
    /// The producer's end of a link: a data consumer on a transport of `createInProcessPipe`.
    public mutating func openDataLink(
        _ id: LinkID, of setup: DataConsumerSetup
    ) throws(SFUError) -> (consumer: DataConsumerState, link: DataLink) {
        let transport = try index(setup.transport, "transport.consumeData")
        guard transports[transport].isInProcess else { throw .unsupported("a link on a transport with sockets") }
        guard let producer = dataProducer(setup.producer, on: transports[transport].router) else {
            throw SFUError(.notFound, "DataProducer with id \"\(setup.producer)\" not found")
        }
        let link = DataLink(id: id, stream: dataProducers[producer].inheritedStream)
        let index = insertDataConsumer(setup, of: producer, on: transport, stream: nil)
        dataConsumers[index].link = link
        dataConsumerByLink[id] = index
        return (dataConsumers[index].state, link)
    }

    /// The receiving end: a data producer of the same id as the original. What is in the link by now comes with the first
    /// `lookDown`.
    /// - Parameter closesWhenUnused: With the last of its data consumers, as `closeUnusedLinks` finds.
    public mutating func joinDataLink(
        _ link: DataLink, as setup: DataProducerSetup, closesWhenUnused: Bool = false
    ) throws(SFUError) -> DataProducerState {
        let transport = try index(setup.transport, "transport.produceData")
        guard transports[transport].isInProcess else { throw .unsupported("a link on a transport with sockets") }
        let router = transports[transport].router
        guard dataProducer(setup.id, on: router) == nil else {
            throw SFUError(.conflict, name: "TypeError", "a DataProducer with same id \"\(setup.id)\" already exists")
        }
        var producer = DataProducer(setup, on: transport, .direct)
        producer.link = link
        producer.closesWhenUnused = closesWhenUnused
        let index = dataProducers.insert(producer)
        linkedDataProducers[LinkedDataProducer(id: setup.id, router: router)] = index
        dataProducerByLink[link.id] = index
        transports[transport].dataProducers.append(index)
        return producer.state
    }

    /// Closes the receiving end that a router has of another's data producer.
    public mutating func closeLinked(
        _ id: DataProducerID, on router: RouterID, now: Instant, into out: inout Outbox
    ) {
        guard let index = linked(id, on: router) else { return }
        close(dataProducer: index, now: now, into: &out)
    }

    /// Closes one that was brought here for somebody who then did not come.
    public mutating func closeUnusedLink(
        _ id: DataProducerID, on router: RouterID, now: Instant, into out: inout Outbox
    ) {
        guard let index = linked(id, on: router), dataProducers[index].isUnused else { return }
        close(dataProducer: index, now: now, into: &out)
    }

    /// Whether a data producer can be consumed on a router: its own, or one that a link has brought there.
    public func hasDataProducer(_ id: DataProducerID, on router: RouterID) -> Bool {
        routerByID[router].flatMap { dataProducer(id, on: $0) } != nil
    }

    /// What has come over a link, as it is now; nil: it is over.
    public func dataProducer(over link: DataLink) -> DataProducerState? {
        dataProducerByLink[link.id].map { dataProducers[$0].state }
    }

    /// Who is to look at which link. The driver hands it to the worker of the other end.
    public mutating func takeDataLinkNotes() -> [DataLinkNote] {
        if dataLinkNotes.isEmpty { return [] }
        defer { dataLinkNotes = [] }
        return dataLinkNotes
    }

    // MARK: - Looking

    /// The producer's end has put something in: messages, or news of its state.
    public mutating func lookDown(_ link: DataLink, now: Instant, into out: inout Outbox) {
        // Nobody has joined yet: what is in the link waits.
        if dataProducerByLink[link.id] == nil { return }
        for item in link.take() {
            guard let producer = dataProducerByLink[link.id] else { return }
            switch item {
            case .message(let message, let subchannels, let required):
                take(message, of: producer, subchannels: subchannels, required: required, now: now, into: &out)
            case .paused(let isPaused): setPaused(isPaused, dataProducer: producer, into: &out)
            case .ended: close(dataProducer: producer, now: now, into: &out)
            }
        }
    }

    /// The receiving end has something to say: nobody is there any more.
    /// - Returns: The data consumer that has closed by it.
    public mutating func lookUp(_ link: DataLink, now: Instant, into out: inout Outbox) -> DataConsumerID? {
        guard link.isClosed, let consumer = dataConsumerByLink[link.id] else { return nil }
        let id = dataConsumers[consumer].id
        close(id, now: now, into: &out)
        return id
    }

    // MARK: - The producer's end

    mutating func pass(
        _ message: DataMessage, subchannels: [UInt16], required: UInt16?, over link: DataLink, _ consumer: SlabIndex,
        into out: inout Outbox
    ) {
        guard add(.message(message, subchannels: subchannels, required: required), to: link) else {
            out.report(.dataConsumerBufferFull(dataConsumers[consumer].id))
            return
        }
        count(message, consumer)
    }

    /// One of a data consumer's pause flags has changed.
    mutating func tellDataLink(of consumer: SlabIndex) {
        guard let link = dataConsumers[consumer].link else { return }
        _ = add(.paused(!dataConsumers[consumer].isActive), to: link)
    }

    /// A data consumer is about to go. What has come until now is still taken.
    mutating func endDataLink(of consumer: SlabIndex) {
        guard let link = dataConsumers[consumer].link else { return }
        dataConsumerByLink[link.id] = nil
        _ = add(.ended, to: link)
    }

    /// False: a message was lost.
    private mutating func add(_ item: DataLink.Item, to link: DataLink) -> Bool {
        switch link.add(item) {
        case .isFirst: dataLinkNotes.append(DataLinkNote(link: link, way: .down))
        case .isKept: break
        case .isLost: return false
        }
        return true
    }

    // MARK: - Names and ends

    /// A data producer as a router knows it: its own, or one that a link brings there.
    func dataProducer(_ id: DataProducerID, on router: SlabIndex) -> SlabIndex? {
        if let own = dataProducerByID[id], transports[dataProducers[own].transport].router == router { return own }
        return linkedDataProducers[LinkedDataProducer(id: id, router: router)]
    }

    private func linked(_ id: DataProducerID, on router: RouterID) -> SlabIndex? {
        routerByID[router].flatMap { linkedDataProducers[LinkedDataProducer(id: id, router: $0)] }
    }

    /// Takes a data producer out of the tables of ids.
    mutating func forget(dataProducer index: SlabIndex) {
        let id = dataProducers[index].id
        guard let link = dataProducers[index].link else {
            // Another may have taken the name while this one's consumers were being told.
            if dataProducerByID[id] == index { dataProducerByID[id] = nil }
            return
        }
        let name = LinkedDataProducer(id: id, router: transports[dataProducers[index].transport].router)
        if linkedDataProducers[name] == index { linkedDataProducers[name] = nil }
        guard dataProducerByLink.removeValue(forKey: link.id) != nil, link.close() else { return }
        dataLinkNotes.append(DataLinkNote(link: link, way: .up))
    }

    /// A data consumer of a data producer has gone.
    mutating func left(dataProducer index: SlabIndex) {
        if dataProducers[index].isUnused { leftDataLinks.append(index) }
    }

    /// See `closeUnusedLinks`.
    mutating func closeUnusedDataLinks(now: Instant, into out: inout Outbox) {
        if leftDataLinks.isEmpty { return }
        let left = leftDataLinks
        leftDataLinks.removeAll(keepingCapacity: true)
        for producer in left where dataProducers.contains(producer) && dataProducers[producer].isUnused {
            close(dataProducer: producer, now: now, into: &out)
        }
    }

    /// See `cutLinks`.
    mutating func cutDataLinks(of router: RouterID?) {
        for slot in 0..<dataProducers.slotCount {
            guard let index = dataProducers.index(ofSlot: slot), dataProducers[index].closesWhenUnused,
                let link = dataProducers[index].link,
                router == nil || routers[transports[dataProducers[index].transport].router].id == router
            else { continue }
            dataProducerByLink[link.id] = nil
            _ = link.close()
        }
    }
}

extension DataProducer {
    /// It was brought for those who are gone.
    fileprivate var isUnused: Bool { closesWhenUnused && consumers.isEmpty }
}
