import Base
import Events
import MediaCore

extension Room {
    public func createPlainTransport(
        for broadcaster: String, options request: TransportRequest = TransportRequest()
    ) async throws(ControlError) -> PlainTransportDescription {
        try checkOpen()
        let options = PlainTransportOptions(
            rtcpMux: request.rtcpMux, comedia: request.comedia, cname: try self.broadcaster(broadcaster).cname,
            enableSRTP: request.enableSRTP, srtpCryptoSuite: request.srtpCryptoSuite, sctp: request.sctp)
        let made: PlainTransportDescription
        do { made = try await core.createPlainTransport(on: router, options) } catch { throw ControlError(error) }

        guard isOpen, broadcasters[broadcaster] != nil else {
            // It left while its transport was being made.
            await core.close(made.id)
            throw .notFound("broadcaster with id \"\(broadcaster)\" does not exist")
        }
        let transport = RoomTransport(
            id: made.id, broadcaster: broadcaster, comedia: request.comedia, tuple: made.tuple,
            rtcpTuple: made.rtcpTuple, sctp: made.sctpParameters)
        transports[made.id] = keep(transport)
        events.publish(
            .transportCreated(
                subject(of: transport), ip: made.tuple.localAddress, port: made.tuple.localPort,
                rtcpPort: made.rtcpTuple?.localPort, comedia: request.comedia))
        apply(objects.register(.transport(made.id), self))
        return made
    }

    /// Fixes the remote side of a transport that does not wait for it. Once only.
    @discardableResult
    public func connect(
        _ id: TransportID, of broadcaster: String, _ remote: PlainTransportRemote
    ) async throws(ControlError) -> PlainTransportDescription {
        _ = try transport(id, of: broadcaster)
        let connected: PlainTransportDescription
        do { connected = try await core.connect(id, remote) } catch { throw ControlError(error) }

        transports[id]?.value.tuple = connected.tuple
        transports[id]?.value.rtcpTuple = connected.rtcpTuple
        if let transport = transports[id]?.value {
            publishConnected(transport, connected.tuple, rtcp: false)
            if let rtcp = connected.rtcpTuple { publishConnected(transport, rtcp, rtcp: true) }
        }
        return connected
    }

    public func closeTransport(_ id: TransportID, of broadcaster: String) async throws(ControlError) {
        forgetTransport(try transport(id, of: broadcaster), reason: ClosingReason.requested)
        await core.close(id)
    }

    /// mediasoup's `getStats()`.
    public func stats(_ id: TransportID, of broadcaster: String) async throws(ControlError) -> JSONValue {
        _ = try transport(id, of: broadcaster)
        do { return try await core.stats(id) } catch { throw ControlError(error) }
    }

    // MARK: - Helpers

    public func transport(_ id: TransportID, of broadcaster: String) throws(ControlError) -> RoomTransport {
        _ = try self.broadcaster(broadcaster)
        guard let transport = transports[id]?.value, transport.broadcaster == broadcaster else {
            throw .notFound("transport with id \"\(id)\" does not exist")
        }
        return transport
    }

    /// Takes a transport and all it carries out of the state, and tells everybody: first its producers (with their
    /// consumers everywhere), then its consumers, then its data channels likewise, then itself. mediasoup's order.
    func forgetTransport(_ transport: RoomTransport, reason: String) {
        for producer in inOrder(producers) where producer.transport == transport.id {
            forgetProducer(producer, reason: ClosingReason.transportClosed)
        }
        for consumer in inOrder(consumers) where consumer.transport == transport.id {
            forgetConsumer(consumer, reason: ClosingReason.transportClosed)
        }
        for producer in inOrder(dataProducers) where producer.transport == transport.id {
            forgetDataProducer(producer, reason: ClosingReason.transportClosed)
        }
        for consumer in inOrder(dataConsumers) where consumer.transport == transport.id {
            forgetDataConsumer(consumer, reason: ClosingReason.transportClosed)
        }
        transports[transport.id] = nil
        objects.forget(.transport(transport.id))
        events.publish(.transportClosed(subject(of: transport), reason: reason))
        tell(transport.broadcaster, .transportClosed(transport.id))
    }

    func publishConnected(_ transport: RoomTransport, _ tuple: TransportTuple, rtcp: Bool) {
        guard let ip = tuple.remoteIP, let port = tuple.remotePort else { return }
        events.publish(.transportConnected(subject(of: transport), remoteIP: ip, remotePort: port, rtcp: rtcp))
    }

    func subject(of transport: RoomTransport) -> TransportSubject {
        let owner =
            broadcasters[transport.broadcaster].map { subject(of: $0.value) }
            ?? BroadcasterSubject(room: name, id: transport.broadcaster, displayName: transport.broadcaster)
        return TransportSubject(broadcaster: owner, id: transport.id.rawValue)
    }
}
