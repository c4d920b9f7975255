import Base
import MediaCore

/// What happened to one member's own objects without its having asked.
public enum MemberChange: Sendable {
    case transportState(TransportID, WebRTCStates)
    /// Of a transport that is watched (`Room.watchDownlink`).
    case downlink(TransportID, DownlinkEstimate)
    case transportClosed(TransportID)
    case producerScore(ProducerID, [ProducerScore])
    case producerClosed(ProducerID)
    case consumerScore(ConsumerID, ConsumerScore)
    /// What it gets of its layers; nil: nothing.
    case consumerLayers(ConsumerID, ForwardedLayers?)
    /// Its producer was paused or resumed.
    case consumerProducerPaused(ConsumerID, Bool)
    case consumerClosed(ConsumerID)
    case dataProducerClosed(DataProducerID)
    case dataConsumerClosed(DataConsumerID)
    /// The member itself is gone; the last one.
    case removed(reason: String)
}

extension Room {
    /// What happens to a member's objects from now on, in order, `removed` last.
    ///
    /// Unbounded, as `changes()` is: these are facts about objects that the member itself asked for, some a second at
    /// most, and a reader that has stopped reading is a connection that is about to be closed.
    public func changes(of member: String) throws(ControlError) -> AsyncStream<MemberChange> {
        _ = try broadcaster(member)
        let (stream, continuation) = AsyncStream.makeStream(of: MemberChange.self)
        memberReaders[member]?.finish()
        memberReaders[member] = continuation
        return stream
    }

    func tell(_ member: String, _ change: MemberChange) {
        memberReaders[member]?.yield(change)
        tellPeer(member, change)
        guard case .removed = change else { return }
        memberReaders.removeValue(forKey: member)?.finish()
    }
}
