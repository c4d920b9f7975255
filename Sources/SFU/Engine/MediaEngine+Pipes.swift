import Base
import ORTC

extension MediaEngine {
    /// A pipe consumer: one outgoing stream for each encoding, as they are. No layers are chosen, no MID is written, and what
    /// the other router's receivers can take is not asked.
    mutating func pipe(
        _ producer: SlabIndex, _ setup: ConsumerSetup, on transport: SlabIndex, now: Instant, into out: inout Outbox
    ) -> ConsumerState {
        let index = insertPipeConsumer(of: producer, setup, on: transport)
        start(index, now: now, into: &out)
        return consumers[index].state(score(of: index))
    }

    mutating func insertPipeConsumer(
        of producer: SlabIndex, _ setup: ConsumerSetup, on transport: SlabIndex
    ) -> SlabIndex {
        let count = producers[producer].streams.count
        let hasRTX = transports[transport].kind == .pipe(enableRTX: true)
        let ssrc = makeFreeSSRCs(count, on: transport)
        var rtxSSRC = hasRTX ? makeFreeSSRCs(count, on: transport) : nil
        while let drawn = rtxSSRC, abs(Int(drawn) - Int(ssrc)) < count {
            rtxSSRC = makeFreeSSRCs(count, on: transport)
        }
        let parameters = negotiatePipeConsumer(
            consumable: producers[producer].consumableRTPParameters, enableRTX: hasRTX, ssrc: ssrc, rtxSSRC: rtxSSRC)
        var setup = setup
        // Only its producer pauses it.
        setup.paused = false
        let index = consumers.insert(
            Consumer(
                setup, parameters: parameters, kind: producers[producer].kind,
                type: ConsumerType(of: producers[producer].type, pipe: true), transport: transport,
                producer: producer, producerPaused: producers[producer].paused))
        consumerByID[setup.id] = index
        transports[transport].consumers.append(index)
        producers[producer].consumers.append(index)
        for (encoding, stream) in producers[producer].streams.enumerated() {
            addSender(of: index, encoding: encoding, reading: stream)
        }
        return index
    }

    /// The first of several numbers in a row that are free.
    /// A producer as a router knows it: its own, or one that a link brings there.
    func producer(_ id: ProducerID, on router: SlabIndex) -> SlabIndex? {
        if let own = producerByID[id], producers[own].router == router { return own }
        return linkedProducers[LinkedProducer(id: id, router: router)]
    }

    /// Takes a producer out of the tables of ids.
    mutating func forget(_ index: SlabIndex) {
        guard let link = producers[index].link else {
            producerByID[producers[index].id] = nil
            return
        }
        linkedProducers[LinkedProducer(id: producers[index].id, router: producers[index].router)] = nil
        guard producerByLink.removeValue(forKey: link.id) != nil, link.close() else { return }
        linkNotes.append(LinkNote(link: link, way: .up))
    }
}
