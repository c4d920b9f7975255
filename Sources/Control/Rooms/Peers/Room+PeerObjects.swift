import Base
import MediaCore
import ORTC

/// A protoo client's transports, producers and consumers: each is looked up among its own only.
extension Room {
    /// A consumer of the producer for a client that joined, on the first of its transports that is for receiving; paused
    /// until the client has accepted.
    /// - Returns: Nil when it can't or won't receive that.
    public func offer(_ producer: ProducerID, to seat: PeerSeat) async -> PeerOffer? {
        guard let peer = try? peer(seat), peer.isJoined, let capabilities = peer.rtpCapabilities,
            let transport = inOrder(transports).first(where: { $0.broadcaster == peer.id && $0.isForReceiving }),
            let source = producers[producer]?.value,
            await core.canConsume(producer, on: router, capabilities)
        else { return nil }
        let request = ConsumeRequest(producer: producer, paused: true, enableRTX: true, ignoresDTX: true)
        guard let made = try? await consume(on: transport.id, of: peer.id, request),
            let consumer = consumers[made.id]?.value
        else { return nil }
        // A new connection took the place meanwhile: this consumer is not for it.
        guard (try? self.peer(seat)) != nil else {
            try? await closeConsumer(made.id, of: peer.id)
            return nil
        }
        return PeerOffer(consumer: consumer, sender: source.broadcaster, appData: source.appData)
    }

    /// The client has its half: packets may come.
    /// - Returns: What is known of its quality; nil when it has closed meanwhile.
    public func accept(_ id: ConsumerID, by seat: PeerSeat) async -> ConsumerScore? {
        guard (try? ownConsumer(id, of: seat)) != nil, (try? await resume(id, of: seat.id)) != nil,
            let consumer = consumers[id]?.value
        else { return nil }
        if let score = consumer.score { return score }
        // Nothing came yet: mediasoup says 10 for the consumer, and what the producer's streams have.
        guard let producer = producers[consumer.producer]?.value else { return nil }
        let scores = producer.rtpParameters.encodings.indices.map { index in
            producer.scores.first { $0.encodingIndex == index }?.score ?? 0
        }
        return ConsumerScore(score: 10, producerScore: scores.max() ?? 0, producerScores: scores)
    }

    // MARK: - Its own

    public func ownTransport(_ id: TransportID, of seat: PeerSeat) throws(ControlError) {
        _ = try peer(seat)
        guard transports[id]?.value.broadcaster == seat.id else {
            throw .notFound("transport with id \"\(id)\" not found")
        }
    }

    public func ownProducer(_ id: ProducerID, of seat: PeerSeat) throws(ControlError) {
        _ = try peer(seat)
        guard producers[id]?.value.broadcaster == seat.id else {
            throw .notFound("producer with id \"\(id)\" not found")
        }
    }

    public func ownConsumer(_ id: ConsumerID, of seat: PeerSeat) throws(ControlError) {
        _ = try peer(seat)
        guard consumers[id]?.value.broadcaster == seat.id else {
            throw .notFound("consumer with id \"\(id)\" not found")
        }
    }
}

extension RoomTransport {
    var isForReceiving: Bool { webRTC?.consuming == true }
}
