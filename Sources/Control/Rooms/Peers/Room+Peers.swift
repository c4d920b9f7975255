import Base
import Events
import MediaCore
import ORTC

/// Protoo clients. One has its place from the moment it connects, so that its transports have an owner; the others hear of it
/// when it joins.
extension Room {
    /// More than anybody tests with; each costs every client a consumer of each producer.
    private static let mostReplicas = 16

    /// Takes a place. Whoever has it under the same id has to leave first, with all it had.
    /// - Parameter replicas: Heeded when there are no protoo clients yet.
    /// - Throws: `conflict` when the id belongs to a member of another kind.
    public func seatPeer(_ id: String, replicas: Int = 0) async throws(ControlError) -> PeerSeat {
        try checkOpen()
        var closed: [TransportID] = []
        if let old = broadcasters[id]?.value {
            guard old.role == .peer else {
                throw .conflict("the id \"\(id)\" belongs to a \(old.role.rawValue) of this room")
            }
            closed = forgetBroadcaster(
                old, reason: ClosingReason.replaced, transportReason: ClosingReason.broadcasterClosed)
        }
        if peers.isEmpty { peerReplicas = min(max(replicas, 0), Self.mostReplicas) }
        let peer = Broadcaster(
            id: id, displayName: id, device: .init(name: "protoo"), role: .peer, card: PeerCard(), isJoined: false)
        let (changes, continuation) = AsyncStream.makeStream(of: PeerChange.self)
        let kept = keep(peer)
        broadcasters[id] = kept
        peers[id] = PeerReader(number: kept.order, continuation: continuation)
        events.publish(.broadcasterCreated(subject(of: peer)))
        watchIdleness()
        for transport in closed { await core.close(transport) }
        return PeerSeat(id: id, number: kept.order, replicas: peerReplicas, changes: changes)
    }

    /// From now on it is shown to the others, and they and what they send to it.
    ///
    /// The answer comes as `PeerChange.joined`, so that it stands in order with what happens in the room.
    /// - Parameters:
    ///   - capabilities: Nil: it gets no consumers.
    ///   - dataChannels: False: it gets no data consumers.
    public func join(
        _ seat: PeerSeat, _ card: PeerCard, capabilities: RTPCapabilities?, dataChannels: Bool = false
    ) async throws(ControlError) {
        if dataChannels, try !peer(seat).isJoined { await wakeBot() }
        guard try !peer(seat).isJoined else { throw ControlError(.conflict, "Peer already joined") }
        try card.check()
        broadcasters[seat.id]?.value.isJoined = true
        broadcasters[seat.id]?.value.card = card
        broadcasters[seat.id]?.value.displayName = card.name(else: seat.id)
        broadcasters[seat.id]?.value.rtpCapabilities = capabilities
        broadcasters[seat.id]?.value.hasDataChannels = dataChannels
        let peer = try self.peer(seat)
        let all = inOrder(broadcasters).filter { $0.isShown && $0.id != seat.id }
        let others = all.filter { $0.role == .peer } + all.filter { $0.role != .peer }
        tellReaders(.memberAdded(peer))
        let continuation = peers[seat.id]?.continuation
        continuation?.yield(.joined(others: others))
        for other in others {
            for producer in inOrder(producers) where producer.broadcaster == other.id {
                continuation?.yield(.room(.producerAdded(producer)))
            }
            guard dataChannels else { continue }
            for producer in dataProducersToOffer(of: other.id) { continuation?.yield(.dataProducerAdded(producer)) }
        }
        if dataChannels, let bot { continuation?.yield(.dataProducerAdded(bot.producer)) }
        peers[seat.id]?.hearsRoom = true
    }

    public func rename(_ seat: PeerSeat, to name: JSONValue?) throws(ControlError) {
        try checkJoined(seat)
        guard var card = try peer(seat).card else { return }
        let old = card.displayName
        card.displayName = name
        try card.check()
        broadcasters[seat.id]?.value.card = card
        broadcasters[seat.id]?.value.displayName = card.name(else: seat.id)
        for (id, reader) in peers where reader.hearsRoom && id != seat.id {
            reader.continuation.yield(.renamed(seat.id, from: old, to: name))
        }
    }

    /// Idempotent; a later connection with the same id stays.
    public func leave(_ seat: PeerSeat, reason: String) async {
        guard let peer = try? peer(seat) else { return }
        let closed = forgetBroadcaster(peer, reason: reason, transportReason: ClosingReason.broadcasterClosed)
        watchIdleness()
        for transport in closed { await core.close(transport) }
    }

    /// What a client may do only once it has joined.
    public func checkJoined(_ seat: PeerSeat) throws(ControlError) {
        guard try peer(seat).isJoined else { throw ControlError(.conflict, "Peer not yet joined") }
    }

    /// The clients who have joined, each with those of its producers that somebody with these capabilities can consume.
    public func joinedPeers(
        for capabilities: RTPCapabilities
    ) async -> [(peer: Broadcaster, producers: [RoomProducer])] {
        var list: [(peer: Broadcaster, producers: [RoomProducer])] = []
        for peer in inOrder(broadcasters) where peer.role == .peer && peer.isJoined {
            var consumable: [RoomProducer] = []
            for producer in inOrder(producers) where producer.broadcaster == peer.id {
                if await core.canConsume(producer.id, on: router, capabilities) { consumable.append(producer) }
            }
            list.append((peer, consumable))
        }
        return list
    }

    func peer(_ seat: PeerSeat) throws(ControlError) -> Broadcaster {
        guard peers[seat.id]?.number == seat.number, let peer = broadcasters[seat.id]?.value else {
            throw .notFound("peer with id \"\(seat.id)\" has left")
        }
        return peer
    }

    // MARK: - Telling

    func tellPeers(_ change: RoomChange) {
        for (id, reader) in peers where reader.hearsRoom {
            switch change {
            case .memberAdded(let member), .memberClosed(let member):
                guard member.isShown, member.id != id else { continue }
            case .producerAdded(let producer):
                guard producer.broadcaster != id else { continue }
            case .producerClosed, .closed: continue
            }
            reader.continuation.yield(.room(change))
        }
    }

    func tellPeer(_ id: String, _ change: MemberChange) {
        peers[id]?.continuation.yield(.own(change))
        guard case .removed = change else { return }
        peers.removeValue(forKey: id)?.continuation.finish()
    }
}

/// Who listens for one protoo client.
struct PeerReader {
    let number: Int
    let continuation: AsyncStream<PeerChange>.Continuation
    /// It has joined.
    var hearsRoom = false
}
