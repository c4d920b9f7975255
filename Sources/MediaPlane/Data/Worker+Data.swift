import Base
import MediaCore
import ORTC
import SFU

extension Worker {
    /// Without a way for packets: whatever is sent is looked up among those.
    func createDirectTransport(
        on router: RouterID, maximumMessageSize: Int
    ) throws(MediaCoreError) -> TransportID {
        let id = TransportID.random()
        let socket = DirectPort.socket(nextDirect)
        try command { engine, outbox, now throws(SFUError) in
            try engine.createDirectTransport(
                DirectTransportSetup(router: router, id: id, socket: socket, maximumMessageSize: maximumMessageSize),
                now: now, into: &outbox)
        }
        nextDirect = DirectPort.number(after: nextDirect)
        directory.enter(.transport(id), on: number)
        return id
    }

    /// A name that was given is kept for it before anybody else can take it, on whatever worker.
    func produceData(
        on transport: TransportID, _ options: ProduceDataOptions
    ) throws(MediaCoreError) -> DataProducerDescription {
        try checkIsUp()
        let id = options.id ?? .random()
        guard directory.reserve(.dataProducer(id), on: number) else {
            throw MediaCoreError(
                .conflict, name: "TypeError", message: "a DataProducer with same id \"\(id)\" already exists")
        }
        do {
            return try command { engine, _, _ throws(SFUError) in
                DataProducerDescription(
                    try engine.produceData(
                        DataProducerSetup(
                            transport: transport, id: id, stream: options.stream, label: options.label,
                            subprotocol: options.subprotocol, paused: options.paused)))
            }
        } catch {
            directory.strike(.dataProducer(id))
            throw error
        }
    }

    /// One on a direct transport gets its queue with its creation, so that no message is missed.
    func consumeData(
        on transport: TransportID, _ options: ConsumeDataOptions
    ) throws(MediaCoreError) -> DataConsumerDescription {
        let setup = DataConsumerSetup(
            transport: transport, id: .random(), producer: options.producer, ordered: options.ordered,
            maxPacketLifeTime: options.maxPacketLifeTime, maxRetransmits: options.maxRetransmits,
            paused: options.paused, subchannels: options.subchannels)
        let description = try command { engine, outbox, now throws(SFUError) in
            DataConsumerDescription(try engine.consumeData(setup, now: now, into: &outbox))
        }
        directory.enter(.dataConsumer(description.id), on: number)
        if description.type == .direct { dataReaders[description.id] = DirectMessages() }
        return description
    }

    func setPaused(_ isPaused: Bool, _ id: DataProducerID) throws(MediaCoreError) {
        try command { engine, outbox, _ throws(SFUError) in
            if isPaused { try engine.pause(id, into: &outbox) } else { try engine.resume(id, into: &outbox) }
        }
    }

    func setPaused(_ isPaused: Bool, _ id: DataConsumerID) throws(MediaCoreError) {
        try command { engine, _, _ throws(SFUError) in
            if isPaused { try engine.pause(id) } else { try engine.resume(id) }
        }
    }

    func stats(_ id: DataProducerID) throws(MediaCoreError) -> JSONValue {
        try command { engine, _, now throws(SFUError) in try engine.stats(of: id, now: now) }
    }

    /// mediasoup's; and `messagesDropped` of one whose reader in this process was too slow for some.
    func stats(_ id: DataConsumerID) throws(MediaCoreError) -> JSONValue {
        let stats = try command { engine, _, now throws(SFUError) in try engine.stats(of: id, now: now) }
        guard let dropped = dataReaders[id]?.dropped, dropped > 0,
            case .object(var fields)? = stats.arrayValue?.first
        else { return stats }
        fields["messagesDropped"] = JSONValue(dropped)
        return [.object(fields)]
    }

    func dump(_ id: DataProducerID) throws(MediaCoreError) -> JSONValue {
        try command { engine, _, _ throws(SFUError) in try engine.dump(of: id) }
    }

    func dump(_ id: DataConsumerID) throws(MediaCoreError) -> JSONValue {
        try command { engine, _, _ throws(SFUError) in try engine.dump(of: id) }
    }

    func close(_ id: DataProducerID) {
        directory.strike(.dataProducer(id))
        closing { engine, outbox, now in engine.close(id, now: now, into: &outbox) }
    }

    func close(_ id: DataConsumerID) {
        hasClosed(.dataConsumer(id))
        closing { engine, outbox, now in engine.close(id, now: now, into: &outbox) }
    }

    // MARK: - Messages

    func send(
        _ message: DataMessage, on id: DataProducerID, subchannels: [UInt16], required: UInt16?
    ) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in
            try engine.send(
                message, on: id, subchannels: subchannels, required: required, now: now, into: &outbox)
        }
    }

    func send(_ message: DataMessage, to id: DataConsumerID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in
            try engine.send(message, to: id, now: now, into: &outbox)
        }
    }

    func messages(of id: DataConsumerID) throws(MediaCoreError) -> AsyncStream<DataMessage> {
        guard let reader = dataReaders[id] else {
            throw MediaCoreError(
                .notFound, name: "Error", message: "data consumer \(id) is not there, or not on a direct transport")
        }
        return reader.stream
    }

    // MARK: - Settings of consumers

    func setSubchannels(_ subchannels: Set<UInt16>, of id: DataConsumerID) throws(MediaCoreError) {
        try command { engine, _, _ throws(SFUError) in try engine.setSubchannels(subchannels, of: id) }
    }

    func setBufferedAmountLowThreshold(_ threshold: Int, of id: DataConsumerID) throws(MediaCoreError) {
        try command { engine, outbox, _ throws(SFUError) in
            try engine.setBufferedAmountLowThreshold(threshold, of: id, into: &outbox)
        }
    }

    func bufferedAmount(of id: DataConsumerID) throws(MediaCoreError) -> Int {
        try command { engine, _, _ throws(SFUError) in try engine.bufferedAmount(of: id) }
    }
}

extension DataProducerDescription {
    init(_ state: DataProducerState) {
        self.init(
            id: state.id, type: state.type, stream: state.stream, label: state.label, subprotocol: state.subprotocol,
            paused: state.paused)
    }
}

extension DataConsumerDescription {
    init(_ state: DataConsumerState) {
        self.init(
            id: state.id, producer: state.producer, type: state.type, stream: state.stream, label: state.label,
            subprotocol: state.subprotocol, paused: state.paused, producerPaused: state.producerPaused)
    }
}

extension SCTPTransportSetup {
    init(_ options: SCTPOptions) {
        self.init(
            streams: options.streams, maximumMessageSize: options.maximumMessageSize,
            sendBufferSize: options.sendBufferSize)
    }
}
