import Base
import Events
import MediaCore
import ORTC

extension Room {
    @discardableResult
    public func consumeData(
        on id: TransportID, of member: String, _ options: ConsumeDataOptions
    ) async throws(ControlError) -> RoomDataConsumer {
        _ = try transport(id, of: member)
        try checkThere(options.producer)
        let made: DataConsumerDescription
        do { made = try await core.consumeData(on: id, options) } catch { throw ControlError(error) }

        // The transport or the data producer may have gone meanwhile; the core has closed the data consumer with it.
        _ = try transport(id, of: member)
        try checkThere(options.producer)
        let consumer = RoomDataConsumer(
            id: made.id, producer: made.producer, transport: id, broadcaster: member, type: made.type,
            stream: made.stream, label: made.label, subprotocol: made.subprotocol, paused: made.paused,
            producerPaused: made.producerPaused)
        dataConsumers[made.id] = keep(consumer)
        events.publish(
            .dataConsumerCreated(subject(of: consumer), paused: made.paused, producerPaused: made.producerPaused))
        apply(objects.register(.dataConsumer(made.id), self))
        return consumer
    }

    public func pause(_ id: DataConsumerID, of member: String) async throws(ControlError) {
        _ = try dataConsumer(id, of: member)
        do { try await core.pause(id) } catch { throw ControlError(error) }
        setPaused(id, true)
    }

    public func resume(_ id: DataConsumerID, of member: String) async throws(ControlError) {
        _ = try dataConsumer(id, of: member)
        do { try await core.resume(id) } catch { throw ControlError(error) }
        setPaused(id, false)
    }

    public func closeDataConsumer(_ id: DataConsumerID, of member: String) async throws(ControlError) {
        forgetDataConsumer(try dataConsumer(id, of: member), reason: ClosingReason.requested)
        await core.close(id)
    }

    /// mediasoup's `getStats()`.
    public func stats(_ id: DataConsumerID, of member: String) async throws(ControlError) -> JSONValue {
        _ = try dataConsumer(id, of: member)
        do { return try await core.stats(id) } catch { throw ControlError(error) }
    }

    // MARK: - What the core says

    func applyData(_ event: MediaCoreEvent) {
        switch event {
        case .sctpState(let id, let state):
            guard let transport = transports[id]?.value, transport.sctpState != state else { return }
            transports[id]?.value.sctpState = state
            events.publish(.transportSCTPState(subject(of: transport), state: state.rawValue))
        case .dataProducerClosed(let id):
            if let producer = dataProducers[id]?.value {
                forgetDataProducer(producer, reason: ClosingReason.transportClosed)
            }
        case .dataConsumerClosed(let id, let reason):
            if let consumer = dataConsumers[id]?.value { forgetDataConsumer(consumer, reason: reason.rawValue) }
        case .dataConsumerProducerPaused(let id, let paused):
            guard let consumer = dataConsumers[id]?.value, consumer.producerPaused != paused else { return }
            dataConsumers[id]?.value.producerPaused = paused
            let subject = subject(of: consumer)
            events.publish(
                paused
                    ? .dataConsumerPaused(subject, byProducer: true) : .dataConsumerResumed(subject, byProducer: true))
        // Of single messages, as it were: no facts of the room's.
        default: break
        }
    }

    // MARK: - Helpers

    func dataConsumer(_ id: DataConsumerID, of member: String) throws(ControlError) -> RoomDataConsumer {
        _ = try broadcaster(member)
        guard let consumer = dataConsumers[id]?.value, consumer.broadcaster == member else {
            throw .notFound("dataConsumer with id \"\(id)\" does not exist")
        }
        return consumer
    }

    func forgetDataConsumer(_ consumer: RoomDataConsumer, reason: String) {
        dataConsumers[consumer.id] = nil
        objects.forget(.dataConsumer(consumer.id))
        events.publish(.dataConsumerClosed(subject(of: consumer), reason: reason))
        tell(consumer.broadcaster, .dataConsumerClosed(consumer.id))
    }

    func subject(of consumer: RoomDataConsumer) -> DataConsumerSubject {
        DataConsumerSubject(
            transport: subject(of: transportOrTrace(consumer.transport, consumer.broadcaster)),
            id: consumer.id.rawValue, dataProducerID: consumer.producer.rawValue, label: consumer.label.shortened,
            subprotocol: consumer.subprotocol.shortened)
    }

    private func checkThere(_ producer: DataProducerID) throws(ControlError) {
        guard dataProducers[producer] != nil || bot?.producer.id == producer else {
            throw .notFound("DataProducer with id \"\(producer)\" not found")
        }
    }

    private func setPaused(_ id: DataConsumerID, _ paused: Bool) {
        guard let consumer = dataConsumers[id]?.value, consumer.paused != paused else { return }
        dataConsumers[id]?.value.paused = paused
        let subject = subject(of: consumer)
        events.publish(
            paused ? .dataConsumerPaused(subject, byProducer: false) : .dataConsumerResumed(subject, byProducer: false))
    }
}
