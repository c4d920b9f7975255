import Base
import MediaCore
import SFU

extension Worker {
    /// The producer's end.
    /// - Parameter isHidden: Nobody is told of it, and its id is in no table.
    func openDataLink(
        _ id: LinkID, of producer: DataProducerID, on transport: TransportID, isHidden: Bool
    ) throws(MediaCoreError) -> (consumer: DataConsumerDescription, link: DataLink) {
        let setup = DataConsumerSetup(transport: transport, id: .random(), producer: producer)
        // Before anything of it can be told.
        if isHidden { hidden.insert(.dataConsumer(setup.id)) }
        do {
            let (state, link) = try command { engine, _, _ throws(SFUError) in try engine.openDataLink(id, of: setup) }
            if !isHidden { directory.enter(.dataConsumer(state.id), on: number) }
            return (DataConsumerDescription(state), link)
        } catch {
            hidden.remove(.dataConsumer(setup.id))
            throw error
        }
    }

    /// The receiving end.
    func joinDataLink(
        _ link: DataLink, as producer: DataConsumerDescription, on transport: TransportID, closesWhenUnused: Bool
    ) throws(MediaCoreError) -> DataProducerDescription {
        let setup = DataProducerSetup(
            transport: transport, id: producer.producer, label: producer.label, subprotocol: producer.subprotocol,
            paused: producer.producerPaused)
        // What was put in before anybody here knew the link is taken with it: the original may have been paused, resumed or
        // closed while this was made.
        return try command { engine, outbox, now throws(SFUError) in
            let state = try engine.joinDataLink(link, as: setup, closesWhenUnused: closesWhenUnused)
            engine.lookDown(link, now: now, into: &outbox)
            return DataProducerDescription(engine.dataProducer(over: link) ?? state)
        }
    }

    func closeLinked(_ producer: DataProducerID, on router: RouterID) {
        closing { engine, outbox, now in engine.closeLinked(producer, on: router, now: now, into: &outbox) }
    }

    /// Another worker has put something into a link, or reads it no more.
    func lookAtData(_ note: DataLinkNote, now: Instant) {
        switch note.way {
        case .down: plane.command(now) { engine, outbox, now in engine.lookDown(note.link, now: now, into: &outbox) }
        case .up:
            let closed = plane.command(now) { engine, outbox, now in
                engine.lookUp(note.link, now: now, into: &outbox)
            }
            if let closed { hasClosed(.dataConsumer(closed)) }
        }
    }
}
