import Base
import Events
import MediaCore
import ORTC

extension Room {
    /// Of label and protocol together, in bytes: they go to everybody in the room.
    private static let longestNames = 8 * 1024

    /// - Parameter channel: What it is for; nil: what its label says.
    @discardableResult
    public func produceData(
        on id: TransportID, of member: String, _ options: ProduceDataOptions, channel: String? = nil,
        appData: JSONValue = [:]
    ) async throws(ControlError) -> DataProducerDescription {
        _ = try transport(id, of: member)
        let size = options.label.utf8.count + options.subprotocol.utf8.count
        guard size <= Self.longestNames else {
            throw .type("label and protocol have \(size) bytes together; \(Self.longestNames) are possible")
        }
        let made: DataProducerDescription
        do { made = try await core.produceData(on: id, options) } catch { throw ControlError(error) }

        // Gone with its transport while it was being made; the core has closed it with that.
        _ = try transport(id, of: member)
        let producer = RoomDataProducer(
            id: made.id, transport: id, broadcaster: member, type: made.type, stream: made.stream, label: made.label,
            subprotocol: made.subprotocol, paused: made.paused, channel: channel ?? made.label, appData: appData)
        dataProducers[made.id] = keep(producer)
        events.publish(.dataProducerCreated(subject(of: producer), paused: made.paused))
        announce(producer)
        apply(objects.register(.dataProducer(made.id), self))
        return made
    }

    public func pause(_ id: DataProducerID, of member: String) async throws(ControlError) {
        _ = try dataProducer(id, of: member)
        do { try await core.pause(id) } catch { throw ControlError(error) }
        setPaused(id, true)
    }

    public func resume(_ id: DataProducerID, of member: String) async throws(ControlError) {
        _ = try dataProducer(id, of: member)
        do { try await core.resume(id) } catch { throw ControlError(error) }
        setPaused(id, false)
    }

    public func closeDataProducer(_ id: DataProducerID, of member: String) async throws(ControlError) {
        forgetDataProducer(try dataProducer(id, of: member), reason: ClosingReason.requested)
        await core.close(id)
    }

    /// mediasoup's `getStats()`.
    public func stats(_ id: DataProducerID, of member: String) async throws(ControlError) -> JSONValue {
        _ = try dataProducer(id, of: member)
        do { return try await core.stats(id) } catch { throw ControlError(error) }
    }

    // MARK: - Helpers

    func dataProducer(_ id: DataProducerID, of member: String) throws(ControlError) -> RoomDataProducer {
        _ = try broadcaster(member)
        guard let producer = dataProducers[id]?.value, producer.broadcaster == member else {
            throw .notFound("dataProducer with id \"\(id)\" does not exist")
        }
        return producer
    }

    /// Also its data consumers, wherever they are.
    func forgetDataProducer(_ producer: RoomDataProducer, reason: String) {
        dataProducers[producer.id] = nil
        objects.forget(.dataProducer(producer.id))
        events.publish(.dataProducerClosed(subject(of: producer), reason: reason))
        if let owner = producer.broadcaster { tell(owner, .dataProducerClosed(producer.id)) }
        for consumer in inOrder(dataConsumers) where consumer.producer == producer.id {
            forgetDataConsumer(consumer, reason: ClosingReason.dataProducerClosed)
        }
    }

    func subject(of producer: RoomDataProducer) -> DataProducerSubject {
        DataProducerSubject(
            transport: subject(of: transportOrTrace(producer.transport, producer.broadcaster ?? "")),
            id: producer.id.rawValue, label: producer.label.shortened, subprotocol: producer.subprotocol.shortened)
    }

    /// Says it only when it changes something: pausing twice is no second fact.
    private func setPaused(_ id: DataProducerID, _ paused: Bool) {
        guard let producer = dataProducers[id]?.value, producer.paused != paused else { return }
        dataProducers[id]?.value.paused = paused
        let subject = subject(of: producer)
        events.publish(paused ? .dataProducerPaused(subject) : .dataProducerResumed(subject))
    }
}

extension String {
    /// For events, of which many are kept.
    var shortened: String { String(prefix(128)) }
}
