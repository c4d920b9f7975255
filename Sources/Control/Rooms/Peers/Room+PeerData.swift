import Base
import MediaCore
import ORTC

/// A data consumer that was made for a client. Messages come at once, whether the client has its own half or not.
public struct PeerDataOffer: Sendable {
    public var consumer: RoomDataConsumer
    /// The id of who sends; nil: the room's bot.
    public var sender: String?
    public var channel: String
    public var appData: JSONValue
}

/// Protoo clients' data channels: each is looked up among its own only.
extension Room {
    /// A data consumer for a client that joined and can have some, on the first of its transports that is for receiving.
    /// - Returns: Nil when it can't or won't receive that.
    public func offerData(_ id: DataProducerID, to seat: PeerSeat) async -> PeerDataOffer? {
        guard let peer = try? peer(seat), peer.isJoined, peer.hasDataChannels,
            let transport = inOrder(transports).first(where: { $0.broadcaster == peer.id && $0.isForReceiving }),
            let source = dataProducers[id]?.value ?? bot.flatMap({ $0.producer.id == id ? $0.producer : nil }),
            let consumer = try? await consumeData(on: transport.id, of: peer.id, ConsumeDataOptions(producer: id))
        else { return nil }
        // A new connection took the place meanwhile: this one is not for it.
        guard (try? self.peer(seat)) != nil else {
            try? await closeDataConsumer(consumer.id, of: peer.id)
            return nil
        }
        return PeerDataOffer(
            consumer: consumer, sender: source.broadcaster, channel: source.channel, appData: source.appData)
    }

    public func ownDataProducer(_ id: DataProducerID, of seat: PeerSeat) throws(ControlError) {
        _ = try peer(seat)
        guard dataProducers[id]?.value.broadcaster == seat.id else {
            throw .notFound("dataProducer with id \"\(id)\" not found")
        }
    }

    public func ownDataConsumer(_ id: DataConsumerID, of seat: PeerSeat) throws(ControlError) {
        _ = try peer(seat)
        guard dataConsumers[id]?.value.broadcaster == seat.id else {
            throw .notFound("dataConsumer with id \"\(id)\" not found")
        }
    }

    /// What somebody who has just joined is offered of another member's.
    func dataProducersToOffer(of member: String) -> [RoomDataProducer] {
        inOrder(dataProducers).filter { $0.broadcaster == member && $0.channel != DataChannelUse.bot }
    }

    /// Takes a new data producer where it belongs: a chat to everybody who is there, what is for the bot to that, and others
    /// to nobody but those who come later. What is no client's is for those, too. The demo's rules.
    func announce(_ producer: RoomDataProducer) {
        guard let owner = producer.broadcaster, broadcasters[owner]?.value.role == .peer else { return }
        switch producer.channel {
        case DataChannelUse.chat:
            for (id, reader) in peers where reader.hearsRoom && id != owner {
                reader.continuation.yield(.dataProducerAdded(producer))
            }
        case DataChannelUse.bot: Task { await listenAsBot(to: producer.id) }
        default: break
        }
    }
}
