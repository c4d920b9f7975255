import Base
import MediaCore
import ORTC
import SFU

extension Worker {
    /// - Parameter isHidden: Nobody is told of it, and its id is in no table.
    func createInProcessPipe(on router: RouterID, isHidden: Bool) throws(MediaCoreError) -> TransportID {
        let id = TransportID.random()
        try command { engine, _, _ throws(SFUError) in try engine.createInProcessPipe(router: router, transport: id) }
        if isHidden { hidden.insert(.transport(id)) } else { directory.enter(.transport(id), on: number) }
        return id
    }

    /// The producer's end.
    func openLink(
        _ id: LinkID, of producer: ProducerID, on transport: TransportID, isHidden: Bool
    ) throws(MediaCoreError) -> (consumer: ConsumerDescription, link: MediaLink) {
        let setup = ConsumerSetup(
            transport: transport, id: .random(), producer: producer, rtpCapabilities: RTPCapabilities(codecs: []))
        // Before anything of it can be told.
        if isHidden { hidden.insert(.consumer(setup.id)) }
        do {
            let (state, link) = try command { engine, outbox, now throws(SFUError) in
                try engine.openLink(id, of: setup, now: now, into: &outbox)
            }
            if !isHidden { directory.enter(.consumer(state.id), on: number) }
            return (ConsumerDescription(state), link)
        } catch {
            hidden.remove(.consumer(setup.id))
            throw error
        }
    }

    /// The receiving end.
    func joinLink(
        _ link: MediaLink, as producer: ConsumerDescription, on transport: TransportID, closesWhenUnused: Bool
    ) throws(MediaCoreError) -> ProducerDescription {
        let setup = ProducerSetup(
            transport: transport, id: producer.producer, kind: producer.kind, rtpParameters: producer.rtpParameters,
            paused: producer.producerPaused)
        let description = try command { engine, outbox, now throws(SFUError) in
            ProducerDescription(
                try engine.joinLink(link, as: setup, closesWhenUnused: closesWhenUnused, now: now, into: &outbox))
        }
        // What was shown before nobody here knew the link.
        let now = Self.now()
        _ = plane.lookDown(link, now: now)
        settle(now: now)
        // The original may have been paused or resumed while this was made.
        return plane.engine.producer(over: link).map(ProducerDescription.init) ?? description
    }

    func closeLinked(_ producer: ProducerID, on router: RouterID) {
        closing { engine, outbox, now in engine.closeLinked(producer, on: router, now: now, into: &outbox) }
    }
}
