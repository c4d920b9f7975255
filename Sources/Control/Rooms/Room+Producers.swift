import Base
import Events
import MediaCore

extension Room {
    @discardableResult
    public func produce(
        on id: TransportID, of broadcaster: String, _ options: ProduceOptions, appData: JSONValue = [:]
    ) async throws(ControlError) -> ProducerDescription {
        _ = try transport(id, of: broadcaster)
        let made: ProducerDescription
        do { made = try await core.produce(on: id, options) } catch { throw ControlError(error) }

        // Gone with its transport while it was being made; the core has closed it with that.
        let transport = try self.transport(id, of: broadcaster)
        let owner = try self.broadcaster(broadcaster)
        let producer = RoomProducer(
            id: made.id, transport: transport.id, broadcaster: owner.id, broadcasterName: owner.displayName,
            role: owner.role, kind: made.kind, type: made.type, rtpParameters: made.rtpParameters, paused: made.paused,
            flowing: false, scores: [], cname: owner.cname, appData: appData)
        producers[made.id] = keep(producer)
        events.publish(.producerCreated(subject(of: producer), type: made.type, paused: made.paused))
        tellReaders(.producerAdded(producer))
        apply(objects.register(.producer(made.id), self))
        await hear(producer)
        return made
    }

    public func pause(_ id: ProducerID, of broadcaster: String) async throws(ControlError) {
        _ = try producer(id, of: broadcaster)
        do { try await core.pause(id) } catch { throw ControlError(error) }
        setPaused(id, true)
    }

    public func resume(_ id: ProducerID, of broadcaster: String) async throws(ControlError) {
        _ = try producer(id, of: broadcaster)
        do { try await core.resume(id) } catch { throw ControlError(error) }
        setPaused(id, false)
    }

    public func closeProducer(_ id: ProducerID, of broadcaster: String) async throws(ControlError) {
        forgetProducer(try producer(id, of: broadcaster), reason: ClosingReason.requested)
        await core.close(id)
    }

    /// mediasoup's `getStats()`.
    public func stats(_ id: ProducerID, of broadcaster: String) async throws(ControlError) -> JSONValue {
        _ = try producer(id, of: broadcaster)
        do { return try await core.stats(id) } catch { throw ControlError(error) }
    }

    // MARK: - Helpers

    func producer(_ id: ProducerID, of broadcaster: String) throws(ControlError) -> RoomProducer {
        _ = try self.broadcaster(broadcaster)
        guard let producer = producers[id]?.value, producer.broadcaster == broadcaster else {
            throw .notFound("producer with id \"\(id)\" does not exist")
        }
        return producer
    }

    /// Also its consumers, wherever they are.
    func forgetProducer(_ producer: RoomProducer, reason: String) {
        producers[producer.id] = nil
        if speakers.dominant == producer.id { speakers.dominant = nil }
        if speakers.loudest == producer.id { speakers.loudest = nil }
        objects.forget(.producer(producer.id))
        events.publish(.producerClosed(subject(of: producer), reason: reason))
        tell(producer.broadcaster, .producerClosed(producer.id))
        for consumer in inOrder(consumers) where consumer.producer == producer.id {
            forgetConsumer(consumer, reason: ClosingReason.producerClosed)
        }
        tellReaders(.producerClosed(producer.id, reason: reason))
    }

    func subject(of producer: RoomProducer) -> ProducerSubject {
        ProducerSubject(
            transport: subject(of: transportOrTrace(producer.transport, producer.broadcaster)),
            id: producer.id.rawValue, kind: producer.kind.rawValue, codec: producer.codec)
    }

    /// The transport, or what is known of one that has gone.
    func transportOrTrace(_ id: TransportID, _ broadcaster: String) -> RoomTransport {
        transports[id]?.value
            ?? RoomTransport(
                id: id, broadcaster: broadcaster, comedia: false,
                tuple: TransportTuple(localAddress: "", localPort: 0), rtcpTuple: nil)
    }

    /// Says it only when it changes something: pausing twice is no second fact.
    private func setPaused(_ id: ProducerID, _ paused: Bool) {
        guard let producer = producers[id]?.value, producer.paused != paused else { return }
        producers[id]?.value.paused = paused
        events.publish(paused ? .producerPaused(subject(of: producer)) : .producerResumed(subject(of: producer)))
    }
}
