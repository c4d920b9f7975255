import Base
import ORTC
import SCTP

// Commands of data producers and data consumers. Order and words are mediasoup's.
extension MediaEngine {
    public mutating func produceData(_ setup: DataProducerSetup) throws(SFUError) -> DataProducerState {
        let method = "[method:transport.produceData]"
        let transport = try index(setup.transport, "transport.produceData")
        let name = LinkedDataProducer(id: setup.id, router: transports[transport].router)
        guard dataProducerByID[setup.id] == nil, linkedDataProducers[name] == nil else {
            throw .invalid("a DataProducer with same id \"\(setup.id)\" already exists")
        }
        let type = try dataType(of: transport, method)
        var stream: UInt16?
        if type == .sctp {
            guard let parameters = setup.stream else { throw .invalid("missing sctpStreamParameters \(method)") }
            guard let number = UInt16(exactly: parameters.streamID), number < UInt16.max else {
                throw .invalid("streamId must not be greater than 65534 \(method)")
            }
            if let link = transports[transport].sctp, sctpLinks[link].producers[number] != nil {
                throw SFUError(
                    .conflict, "streamId already exists in SCTP listener [streamId:\(number)] \(method)")
            }
            stream = number
        }
        let index = dataProducers.insert(DataProducer(setup, on: transport, type))
        dataProducerByID[setup.id] = index
        transports[transport].dataProducers.append(index)
        if let stream, let link = transports[transport].sctp { sctpLinks[link].producers[stream] = index }
        return dataProducers[index].state
    }

    public mutating func consumeData(
        _ setup: DataConsumerSetup, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> DataConsumerState {
        let method = "transport.consumeData"
        let transport = try index(setup.transport, method)
        guard dataConsumerByID[setup.id] == nil else {
            throw SFUError(.conflict, "Channel request handler with ID \(setup.id) already exists [method:\(method)]")
        }
        guard let producer = dataProducer(setup.producer, on: transports[transport].router) else {
            throw SFUError(.notFound, "DataProducer with id \"\(setup.producer)\" not found")
        }
        var stream: SCTPStreamParameters?
        if transports[transport].kind != .direct {
            guard let link = transports[transport].sctp else { throw .invalid("missing sctpParameters.MIS") }
            var parameters = try streamParameters(for: setup, of: producer)
            guard let number = sctpLinks[link].takeStream() else {
                throw SFUError(.failed, "no sctpStreamId available")
            }
            parameters.streamID = number
            stream = parameters
            extendStreams(of: link, to: UInt16(clamping: number), now: now, into: &out)
        }
        return dataConsumers[insertDataConsumer(setup, of: producer, on: transport, stream: stream)].state
    }

    /// - Parameter stream: Nil: to code of this process, or over a link.
    mutating func insertDataConsumer(
        _ setup: DataConsumerSetup, of producer: SlabIndex, on transport: SlabIndex, stream: SCTPStreamParameters?
    ) -> SlabIndex {
        let consumer = DataConsumer(
            id: setup.id, producerID: setup.producer, producer: producer, transport: transport,
            type: stream == nil ? .direct : .sctp, stream: stream, label: dataProducers[producer].label,
            subprotocol: dataProducers[producer].subprotocol, paused: setup.paused,
            producerPaused: dataProducers[producer].paused, subchannels: setup.subchannels)
        let index = dataConsumers.insert(consumer)
        dataConsumerByID[setup.id] = index
        transports[transport].dataConsumers.append(index)
        dataProducers[producer].consumers.append(index)
        return index
    }

    private func dataType(of transport: SlabIndex, _ method: String) throws(SFUError) -> DataType {
        if transports[transport].kind == .direct { return .direct }
        guard transports[transport].sctp != nil else {
            throw SFUError(.failed, "SCTP not enabled and not a direct Transport \(method)")
        }
        return .sctp
    }

    /// The producer's, each of them singly overridden, and the whole of it checked.
    private func streamParameters(
        for setup: DataConsumerSetup, of producer: SlabIndex
    ) throws(SFUError) -> SCTPStreamParameters {
        let inherited = dataProducers[producer].inheritedStream
        do {
            return try SCTPStreamParameters(
                // mediasoup takes what comes from code for unordered, unless it is told.
                streamID: 0, ordered: setup.ordered ?? inherited?.ordered ?? false,
                maxPacketLifeTime: setup.maxPacketLifeTime ?? inherited?.maxPacketLifeTime,
                maxRetransmits: setup.maxRetransmits ?? inherited?.maxRetransmits)
        } catch { throw SFUError(error) }
    }

    // MARK: - Pausing

    public mutating func pause(_ id: DataProducerID, into out: inout Outbox) throws(SFUError) {
        try setPaused(true, id, "dataProducer.pause", into: &out)
    }

    public mutating func resume(_ id: DataProducerID, into out: inout Outbox) throws(SFUError) {
        try setPaused(false, id, "dataProducer.resume", into: &out)
    }

    private mutating func setPaused(
        _ isPaused: Bool, _ id: DataProducerID, _ method: String, into out: inout Outbox
    ) throws(SFUError) {
        setPaused(isPaused, dataProducer: try index(id, method), into: &out)
    }

    mutating func setPaused(_ isPaused: Bool, dataProducer index: SlabIndex, into out: inout Outbox) {
        guard dataProducers[index].paused != isPaused else { return }
        dataProducers[index].paused = isPaused
        for consumer in dataProducers[index].consumers {
            dataConsumers[consumer].producerPaused = isPaused
            out.report(.dataConsumerProducerPaused(dataConsumers[consumer].id, isPaused))
            tellDataLink(of: consumer)
        }
    }

    public mutating func pause(_ id: DataConsumerID) throws(SFUError) {
        setPaused(true, dataConsumer: try index(id, "dataConsumer.pause"))
    }

    public mutating func resume(_ id: DataConsumerID) throws(SFUError) {
        setPaused(false, dataConsumer: try index(id, "dataConsumer.resume"))
    }

    private mutating func setPaused(_ isPaused: Bool, dataConsumer index: SlabIndex) {
        dataConsumers[index].paused = isPaused
        tellDataLink(of: index)
    }

    // MARK: - Settings of consumers

    public mutating func setSubchannels(_ subchannels: Set<UInt16>, of id: DataConsumerID) throws(SFUError) {
        dataConsumers[try index(id, "dataConsumer.setSubchannels")].subchannels = subchannels
    }

    /// When as little or less waits for acknowledgement, it is told; when that is so already, at once.
    public mutating func setBufferedAmountLowThreshold(
        _ threshold: Int, of id: DataConsumerID, into out: inout Outbox
    ) throws(SFUError) {
        let index = try index(id, "dataConsumer.setBufferedAmountLowThreshold")
        let before = dataConsumers[index].lowThreshold
        dataConsumers[index].lowThreshold = threshold
        let amount = dataConsumers[index].bufferedAmount
        if amount > before, amount <= threshold { out.report(.dataConsumerBufferLow(id, amount)) }
    }

    /// Bytes that wait for acknowledgement, of the whole association.
    public func bufferedAmount(of id: DataConsumerID) throws(SFUError) -> Int {
        dataConsumers[try index(id, "dataConsumer.getBufferedAmount")].bufferedAmount
    }

    public func state(of id: DataProducerID) -> DataProducerState? {
        dataProducerByID[id].map { dataProducers[$0].state }
    }

    public func state(of id: DataConsumerID) -> DataConsumerState? {
        dataConsumerByID[id].map { dataConsumers[$0].state }
    }

    /// The router that a data producer belongs to.
    public func router(of id: DataProducerID) -> RouterID? {
        dataProducerByID[id].map { routers[transports[dataProducers[$0].transport].router].id }
    }

    // MARK: - Looking up

    func index(_ id: DataProducerID, _ method: String) throws(SFUError) -> SlabIndex {
        guard let index = dataProducerByID[id] else { throw .noSuchObject(id.rawValue, method) }
        return index
    }

    func index(_ id: DataConsumerID, _ method: String) throws(SFUError) -> SlabIndex {
        guard let index = dataConsumerByID[id] else { throw .noSuchObject(id.rawValue, method) }
        return index
    }
}
