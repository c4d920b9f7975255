import Base
import MediaCore
import ORTC

/// Data channels without channels: what goes into a direct transport comes out of the data consumers on direct ones.
extension ScriptedCore {
    struct DataProducer {
        let transport: TransportID
        var description: DataProducerDescription
    }

    struct DataConsumer {
        let transport: TransportID
        var description: DataConsumerDescription
        let messages: AsyncStream<DataMessage>
        let ear: AsyncStream<DataMessage>.Continuation
    }

    public func createDirectTransport(
        on router: RouterID, maximumMessageSize: Int
    ) async throws(MediaCoreError) -> TransportID {
        try await pass("createDirectTransport \(maximumMessageSize)")
        let id = TransportID(rawValue: newID("direct"))
        transports[id] = Transport(
            router: router, options: PlainTransportOptions(),
            description: PlainTransportDescription(
                id: id, tuple: TransportTuple(localAddress: "", localPort: 0), rtcpTuple: nil))
        return id
    }

    public func produceData(
        on id: TransportID, _ options: ProduceDataOptions
    ) async throws(MediaCoreError) -> DataProducerDescription {
        try await pass("produceData")
        let type = try dataType(
            of: id,
            MediaCoreError(
                .failed, name: "Error",
                message: "SCTP not enabled and not a direct Transport [method:transport.produceData]"))
        let made = DataProducerDescription(
            id: options.id ?? DataProducerID(rawValue: newID("dataProducer")), type: type,
            stream: type == .sctp ? options.stream : nil, label: options.label, subprotocol: options.subprotocol,
            paused: options.paused)
        dataProducers[made.id] = DataProducer(transport: id, description: made)
        await waitIfHeld()
        return made
    }

    public func consumeData(
        on id: TransportID, _ options: ConsumeDataOptions
    ) async throws(MediaCoreError) -> DataConsumerDescription {
        try await pass("consumeData")
        let type = try dataType(
            of: id, MediaCoreError(.invalid, name: "TypeError", message: "missing sctpParameters.MIS"))
        guard let source = dataProducers[options.producer]?.description else {
            throw notFound("DataProducer", options.producer.rawValue)
        }
        let taken = dataConsumers.values.filter { $0.transport == id }.count
        var stream: SCTPStreamParameters?
        do {
            if type == .sctp {
                stream = try SCTPStreamParameters(
                    streamID: taken, ordered: source.stream?.ordered ?? false,
                    maxPacketLifeTime: source.stream?.maxPacketLifeTime, maxRetransmits: source.stream?.maxRetransmits)
            }
        } catch { throw MediaCoreError(error) }
        let made = DataConsumerDescription(
            id: DataConsumerID(rawValue: newID("dataConsumer")), producer: options.producer, type: type, stream: stream,
            label: source.label, subprotocol: source.subprotocol, paused: options.paused, producerPaused: source.paused)
        let (messages, ear) = AsyncStream.makeStream(of: DataMessage.self)
        dataConsumers[made.id] = DataConsumer(transport: id, description: made, messages: messages, ear: ear)
        await waitIfHeld()
        return made
    }

    private func dataType(of id: TransportID, _ without: MediaCoreError) throws(MediaCoreError) -> DataType {
        guard let transport = transports[id] else { throw notFound("Transport", id.rawValue) }
        if id.rawValue.hasPrefix("direct") { return .direct }
        guard transport.sctp != nil else { throw without }
        return .sctp
    }

    public func pause(_ id: DataProducerID) async throws(MediaCoreError) { try await setPaused(id, true) }
    public func resume(_ id: DataProducerID) async throws(MediaCoreError) { try await setPaused(id, false) }

    private func setPaused(_ id: DataProducerID, _ paused: Bool) async throws(MediaCoreError) {
        try await pass("\(paused ? "pause" : "resume") \(id)")
        guard let producer = dataProducers[id] else { throw notFound("DataProducer", id.rawValue) }
        guard producer.description.paused != paused else { return }
        dataProducers[id]?.description.paused = paused
        for (consumer, _) in consumers(of: id) { speaker.yield(.dataConsumerProducerPaused(consumer, paused)) }
    }

    public func pause(_ id: DataConsumerID) async throws(MediaCoreError) {
        try await pass("pause \(id)")
        guard dataConsumers[id] != nil else { throw notFound("DataConsumer", id.rawValue) }
    }

    public func resume(_ id: DataConsumerID) async throws(MediaCoreError) {
        try await pass("resume \(id)")
        guard dataConsumers[id] != nil else { throw notFound("DataConsumer", id.rawValue) }
    }

    public func stats(_ id: DataProducerID) async throws(MediaCoreError) -> JSONValue {
        try await pass("stats \(id)")
        return [["type": "data-producer"]]
    }

    public func stats(_ id: DataConsumerID) async throws(MediaCoreError) -> JSONValue {
        try await pass("stats \(id)")
        return [["type": "data-consumer"]]
    }

    public func close(_ id: DataProducerID) async {
        noteCall("close \(id)")
        forget(id)
    }

    public func close(_ id: DataConsumerID) async {
        noteCall("close \(id)")
        dataConsumers.removeValue(forKey: id)?.ear.finish()
    }

    public func send(
        _ message: DataMessage, on id: DataProducerID, subchannels: [UInt16], required: UInt16?
    ) async throws(MediaCoreError) {
        let text = String(decoding: message.payload, as: UTF8.self)
        try await pass("send \(id) \(message.ppid) \(text)")
        for (_, consumer) in consumers(of: id) { consumer.ear.yield(message) }
    }

    public func messages(of id: DataConsumerID) async throws(MediaCoreError) -> AsyncStream<DataMessage> {
        guard let consumer = dataConsumers[id] else { throw notFound("DataConsumer", id.rawValue) }
        return consumer.messages
    }

    // MARK: - The script

    /// As if a client had sent it: whoever consumes the data producer in this process gets it.
    public func hear(_ message: DataMessage, on id: DataProducerID) {
        for (_, consumer) in consumers(of: id) { consumer.ear.yield(message) }
    }

    /// Who consumes it.
    public func consumerCount(of id: DataProducerID) -> Int { consumers(of: id).count }

    private func consumers(of id: DataProducerID) -> [DataConsumerID: DataConsumer] {
        dataConsumers.filter { $0.value.description.producer == id }
    }

    func forgetData(of transport: TransportID) {
        for (producer, _) in dataProducers.filter({ $0.value.transport == transport }) { forget(producer) }
        for (consumer, _) in dataConsumers.filter({ $0.value.transport == transport }) {
            dataConsumers.removeValue(forKey: consumer)?.ear.finish()
        }
    }

    /// Late, as with consumers.
    private func forget(_ id: DataProducerID) {
        dataProducers[id] = nil
        for (consumer, _) in consumers(of: id) {
            dataConsumers.removeValue(forKey: consumer)?.ear.finish()
            speaker.yield(.dataConsumerClosed(consumer, .dataProducerClosed))
        }
    }
}
