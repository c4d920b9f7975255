import Base
import ORTC

// The ends of data producers and data consumers. Idempotent, as all closing.
extension MediaEngine {
    public mutating func close(_ id: DataProducerID, now: Instant, into out: inout Outbox) {
        if let index = dataProducerByID[id] { close(dataProducer: index, now: now, into: &out) }
    }

    mutating func close(dataProducer index: SlabIndex, now: Instant, into out: inout Outbox) {
        let transport = dataProducers[index].transport
        closeDataConsumers(of: index, now: now, into: &out)
        transports[transport].dataProducers.removeAll { $0 == index }
        if let link = transports[transport].sctp, let stream = dataProducers[index].stream?.streamID {
            // The remote side sends on it: a browser's channel is one stream each way, others are asked to end theirs.
            resetStream(
                UInt16(clamping: stream), sctpLinks[link].isDataChannel ? .outgoing : .incoming, of: link, now: now,
                into: &out)
        }
        removeDataProducer(index)
    }

    public mutating func close(_ id: DataConsumerID, now: Instant, into out: inout Outbox) {
        guard let index = dataConsumerByID[id] else { return }
        let (transport, producer) = (dataConsumers[index].transport, dataConsumers[index].producer)
        transports[transport].dataConsumers.removeAll { $0 == index }
        dataProducers[producer].consumers.removeAll { $0 == index }
        left(dataProducer: producer)
        endStream(of: index, now: now, into: &out)
        removeDataConsumer(index)
    }

    // MARK: - With their transports

    /// A transport closes: what it has is told first. Its data producers stay until their consumers elsewhere know.
    mutating func closeDataChildren(of transport: SlabIndex, into out: inout Outbox) -> [SlabIndex] {
        let closing = transports[transport].dataProducers
        for producer in closing {
            forget(dataProducer: producer)
            guard dataProducers[producer].link == nil else { continue }
            out.report(.dataProducerClosed(dataProducers[producer].id))
        }
        for consumer in transports[transport].dataConsumers {
            out.report(.dataConsumerClosed(dataConsumers[consumer].id, .transportClosed))
            let producer = dataConsumers[consumer].producer
            dataProducers[producer].consumers.removeAll { $0 == consumer }
            left(dataProducer: producer)
            removeDataConsumer(consumer)
        }
        transports[transport].dataProducers = []
        transports[transport].dataConsumers = []
        return closing
    }

    /// Those on transports that live on: they close, and their streams may be used again.
    mutating func closeDataConsumers(of producer: SlabIndex, now: Instant, into out: inout Outbox) {
        let closing = dataProducers[producer].consumers
        dataProducers[producer].consumers = []
        for consumer in closing {
            out.report(.dataConsumerClosed(dataConsumers[consumer].id, .producerClosed))
            transports[dataConsumers[consumer].transport].dataConsumers.removeAll { $0 == consumer }
            endStream(of: consumer, now: now, into: &out)
            removeDataConsumer(consumer)
        }
    }

    mutating func removeDataProducer(_ index: SlabIndex) {
        let transport = dataProducers[index].transport
        forget(dataProducer: index)
        if let link = transports[transport].sctp, let stream = dataProducers[index].stream?.streamID {
            sctpLinks[link].producers[UInt16(clamping: stream)] = nil
        }
        _ = dataProducers.remove(index)
    }

    private mutating func endStream(of consumer: SlabIndex, now: Instant, into out: inout Outbox) {
        guard let link = transports[dataConsumers[consumer].transport].sctp,
            let stream = dataConsumers[consumer].stream?.streamID
        else { return }
        sctpLinks[link].freeStream(stream)
        resetStream(UInt16(clamping: stream), .outgoing, of: link, now: now, into: &out)
    }

    private mutating func removeDataConsumer(_ index: SlabIndex) {
        dataConsumerByID[dataConsumers[index].id] = nil
        endDataLink(of: index)
        _ = dataConsumers.remove(index)
    }
}
