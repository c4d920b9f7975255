import Base
import MediaCore
import ORTC

/// What a player asks for.
public struct PlayWish: Sendable, Hashable {
    /// These, in this order; empty: whatever suits.
    public var producers: [ProducerID]
    /// Only of this one.
    public var broadcaster: String?

    public init(producers: [ProducerID] = [], broadcaster: String? = nil) {
        self.producers = producers
        self.broadcaster = broadcaster
    }
}

extension RoomSnapshot {
    /// What a player may get, the first choice first.
    ///
    /// All of one broadcaster: the one asked for, else the one that has been sending longest, else the one that has been
    /// there longest. Its own order is that of its making: the camera before the screen that was shared later.
    /// - Returns: Empty: nobody sends (yet).
    public func producers(for wish: PlayWish) throws(ControlError) -> [RoomProducer] {
        guard wish.producers.isEmpty else {
            var chosen: [RoomProducer] = []
            for id in wish.producers {
                guard let producer = producers.first(where: { $0.id == id }) else {
                    throw .notFound("producer with id \"\(id)\" does not exist")
                }
                if let broadcaster = wish.broadcaster, producer.broadcaster != broadcaster {
                    throw .notFound("producer with id \"\(id)\" is not of broadcaster \"\(broadcaster)\"")
                }
                if !chosen.contains(where: { $0.id == id }) { chosen.append(producer) }
            }
            return chosen
        }
        if let broadcaster = wish.broadcaster { return producers.filter { $0.broadcaster == broadcaster } }
        let senders = broadcasters.filter { broadcaster in producers.contains { $0.broadcaster == broadcaster.id } }
        let flowing = senders.first { sender in producers.contains { $0.broadcaster == sender.id && $0.flowing } }
        guard let sender = flowing ?? senders.first else { return [] }
        return producers.filter { $0.broadcaster == sender.id }
    }
}

extension Room {
    /// Whether a client with these capabilities could receive the producer.
    public func canConsume(_ producer: ProducerID, _ capabilities: RTPCapabilities) async -> Bool {
        await core.canConsume(producer, on: router, capabilities)
    }
}
