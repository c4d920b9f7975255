import Base
import MediaCore

/// Which room each object of the core belongs to.
///
/// The core may speak of an object before the room that asked for it has heard its id: such events wait here until the
/// room registers the id, at most `patience` of them (those of objects that were closed in between pile up otherwise).
final class CoreObjects: Sendable {
    enum Key: Hashable, Sendable {
        case transport(TransportID)
        case producer(ProducerID)
        case consumer(ConsumerID)
        case dataProducer(DataProducerID)
        case dataConsumer(DataConsumerID)
        case observer(RTPObserverID)
    }

    private struct State {
        var rooms: [Key: Room] = [:]
        var early: [(key: Key, event: MediaCoreEvent)] = []
    }

    /// Far more than there are commands under way at once; each waits some microseconds.
    private static let patience = 256

    private let state = Locked(State())

    /// From now on `key`'s events go to `room`.
    /// - Returns: Those that came before, in order; the room applies them before it does anything else.
    func register(_ key: Key, _ room: Room) -> [MediaCoreEvent] {
        state.withLock { state in
            state.rooms[key] = room
            let early = state.early.filter { $0.key == key }.map(\.event)
            if !early.isEmpty { state.early.removeAll { $0.key == key } }
            return early
        }
    }

    func forget(_ key: Key) {
        _ = state.withLock { $0.rooms.removeValue(forKey: key) }
    }

    /// The room to tell; nil when nobody knows the object yet (the event is kept) or any more.
    func room(for event: MediaCoreEvent) -> Room? {
        guard let key = Self.key(of: event) else { return nil }
        return state.withLock { state in
            if let room = state.rooms[key] { return room }
            if state.early.count == Self.patience { state.early.removeFirst() }
            state.early.append((key, event))
            return nil
        }
    }

    private static func key(of event: MediaCoreEvent) -> Key? {
        switch event {
        case .transportConnected(let id, _), .transportRTCPConnected(let id, _), .transportClosed(let id),
            .iceSelectedTuple(let id, _), .iceState(let id, _), .dtlsState(let id, _, _), .transportTrace(let id, _):
            .transport(id)
        case .producerScore(let id, _), .producerFlowing(let id, _), .producerClosed(let id): .producer(id)
        case .consumerScore(let id, _), .consumerLayers(let id, _), .consumerProducerPaused(let id, _),
            .consumerClosed(let id, _):
            .consumer(id)
        case .sctpState(let id, _): .transport(id)
        case .dataProducerClosed(let id): .dataProducer(id)
        case .dataConsumerClosed(let id, _), .dataConsumerProducerPaused(let id, _), .dataConsumerBufferFull(let id),
            .dataConsumerBufferLow(let id, _):
            .dataConsumer(id)
        case .observerVolumes(let id, _), .observerSilence(let id), .observerDominantSpeaker(let id, _): .observer(id)
        // Observers close with their room.
        case .died, .observerClosed: nil
        // No room asks for these.
        case .producerTrace, .consumerTrace, .producerVideoOrientation: nil
        }
    }
}
