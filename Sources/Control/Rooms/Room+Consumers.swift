import Base
import Events
import MediaCore

extension Room {
    @discardableResult
    public func consume(
        on id: TransportID, of broadcaster: String, _ request: ConsumeRequest
    ) async throws(ControlError) -> ConsumerDescription {
        let own = try self.broadcaster(broadcaster).rtpCapabilities
        guard let capabilities = request.rtpCapabilities ?? own else {
            throw ControlError(.invalid, "broadcaster does not have rtpCapabilities")
        }
        _ = try transport(id, of: broadcaster)
        guard producers[request.producer] != nil else {
            throw .notFound("Producer with id \"\(request.producer)\" not found")
        }
        let options = ConsumeOptions(
            producer: request.producer, rtpCapabilities: capabilities, paused: request.paused,
            enableRTX: request.enableRTX, mid: request.mid, preferredLayers: request.preferredLayers,
            ignoresDTX: request.ignoresDTX, numbering: request.numbering)
        let made: ConsumerDescription
        do { made = try await core.consume(on: id, options) } catch { throw ControlError(error) }

        // The transport or the producer may have gone meanwhile; the core has closed the consumer with it.
        _ = try transport(id, of: broadcaster)
        guard producers[request.producer] != nil else {
            throw .notFound("Producer with id \"\(request.producer)\" not found")
        }
        let consumer = RoomConsumer(
            id: made.id, producer: made.producer, transport: id, broadcaster: broadcaster, kind: made.kind,
            type: made.type, rtpParameters: made.rtpParameters, paused: made.paused,
            producerPaused: made.producerPaused, score: nil)
        consumers[made.id] = keep(consumer)
        events.publish(
            .consumerCreated(
                subject(of: consumer), type: made.type, paused: made.paused, producerPaused: made.producerPaused))
        apply(objects.register(.consumer(made.id), self))
        return made
    }

    public func pause(_ id: ConsumerID, of broadcaster: String) async throws(ControlError) {
        _ = try consumer(id, of: broadcaster)
        do { try await core.pause(id) } catch { throw ControlError(error) }
        setPaused(id, true)
    }

    public func resume(_ id: ConsumerID, of broadcaster: String) async throws(ControlError) {
        _ = try consumer(id, of: broadcaster)
        do { try await core.resume(id) } catch { throw ControlError(error) }
        setPaused(id, false)
    }

    /// Asks the producer behind it for a key frame.
    public func requestKeyFrame(_ id: ConsumerID, of broadcaster: String) async throws(ControlError) {
        _ = try consumer(id, of: broadcaster)
        do { try await core.requestKeyFrame(id) } catch { throw ControlError(error) }
    }

    public func closeConsumer(_ id: ConsumerID, of broadcaster: String) async throws(ControlError) {
        forgetConsumer(try consumer(id, of: broadcaster), reason: ClosingReason.requested)
        await core.close(id)
    }

    /// mediasoup's `getStats()`.
    public func stats(_ id: ConsumerID, of broadcaster: String) async throws(ControlError) -> JSONValue {
        _ = try consumer(id, of: broadcaster)
        do { return try await core.stats(id) } catch { throw ControlError(error) }
    }

    // MARK: - Helpers

    func consumer(_ id: ConsumerID, of broadcaster: String) throws(ControlError) -> RoomConsumer {
        _ = try self.broadcaster(broadcaster)
        guard let consumer = consumers[id]?.value, consumer.broadcaster == broadcaster else {
            throw .notFound("consumer with id \"\(id)\" does not exist")
        }
        return consumer
    }

    func forgetConsumer(_ consumer: RoomConsumer, reason: String) {
        consumers[consumer.id] = nil
        objects.forget(.consumer(consumer.id))
        events.publish(.consumerClosed(subject(of: consumer), reason: reason))
        tell(consumer.broadcaster, .consumerClosed(consumer.id))
    }

    func subject(of consumer: RoomConsumer) -> ConsumerSubject {
        ConsumerSubject(
            transport: subject(of: transportOrTrace(consumer.transport, consumer.broadcaster)),
            id: consumer.id.rawValue, producerID: consumer.producer.rawValue, kind: consumer.kind.rawValue,
            codec: consumer.codec)
    }

    private func setPaused(_ id: ConsumerID, _ paused: Bool) {
        guard let consumer = consumers[id]?.value, consumer.paused != paused else { return }
        consumers[id]?.value.paused = paused
        let subject = subject(of: consumer)
        events.publish(
            paused ? .consumerPaused(subject, byProducer: false) : .consumerResumed(subject, byProducer: false))
    }
}
