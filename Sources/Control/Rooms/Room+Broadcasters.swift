import Base
import Events
import MediaCore

extension Room {
    public func addBroadcaster(_ broadcaster: Broadcaster) throws(ControlError) {
        try checkOpen()
        guard broadcasters[broadcaster.id] == nil else {
            throw .conflict("broadcaster with id \"\(broadcaster.id)\" already exists")
        }
        broadcasters[broadcaster.id] = keep(broadcaster)
        events.publish(.broadcasterCreated(subject(of: broadcaster)))
        tellReaders(.memberAdded(broadcaster))
        watchIdleness()
    }

    /// Closes its transports with all they carry, then the broadcaster itself.
    /// - Parameter reason: Of the broadcaster's own closing, for the event.
    public func removeBroadcaster(_ id: String, reason: String = ClosingReason.requested) async throws(ControlError) {
        let closed = forgetBroadcaster(
            try broadcaster(id), reason: reason, transportReason: ClosingReason.broadcasterClosed)
        watchIdleness()
        for transport in closed { await core.close(transport) }
    }

    public func broadcaster(_ id: String) throws(ControlError) -> Broadcaster {
        guard let kept = broadcasters[id] else { throw .notFound("broadcaster with id \"\(id)\" does not exist") }
        return kept.value
    }

    /// Takes a broadcaster out of the state and tells everybody; the core still has its transports.
    func forgetBroadcaster(_ broadcaster: Broadcaster, reason: String, transportReason: String) -> [TransportID] {
        // A client that has to go hears nothing more: what follows closes because of that.
        tellPeer(broadcaster.id, .removed(reason: reason))
        if broadcaster.isJoined { tellReaders(.memberClosed(broadcaster)) }
        let own = inOrder(transports).filter { $0.broadcaster == broadcaster.id }
        for transport in own { forgetTransport(transport, reason: transportReason) }
        broadcasters[broadcaster.id] = nil
        events.publish(.broadcasterClosed(subject(of: broadcaster), reason: reason))
        tell(broadcaster.id, .removed(reason: reason))
        return own.map(\.id)
    }

    func subject(of broadcaster: Broadcaster) -> BroadcasterSubject {
        BroadcasterSubject(
            room: name, id: broadcaster.id, displayName: broadcaster.displayName, role: broadcaster.role.rawValue)
    }
}
