import Base
import MediaCore
import SFU

/// What `pipeToRouter` has made of a data producer.
public struct PipedDataProducer: Sendable {
    /// On the data producer's router; closing it closes `producer`.
    public var consumer: DataConsumerDescription
    /// On the other router, under the original's id.
    public var producer: DataProducerDescription
    /// The pipe's two ends; closing one closes the other. Producers take the same ones.
    public var transports: (source: TransportID, sink: TransportID)
}

extension EmbeddedCore {
    /// Lets another router's transports consume a data producer, as `pipe(_:to:)` of producers does.
    ///
    /// It has the same id there, its messages come in their order and with their subchannels, and its data consumers inherit
    /// how hard was tried for them. Both halves are of the type `direct`, as nothing lies between them.
    /// - Throws: `TypeError` for an unknown data producer or router, the data producer's own router, or a data producer that
    ///   is there already; `InvalidStateError` when the data producer closed meanwhile; `Error` when the pipe did.
    public func pipe(
        _ producer: DataProducerID, to router: RouterID
    ) async throws(MediaCoreError) -> PipedDataProducer {
        let (source, sink) = try await parts(.dataProducer(producer), to: router)
        return try await pipe(producer, from: source, to: sink)
    }

    /// Closes a data producer where it was piped to; the original stays.
    public func close(_ producer: DataProducerID, pipedTo router: RouterID) async {
        await worker(of: .router(router)).closeLinked(producer, on: router)
    }

    /// - Parameter isHidden: Between the parts of one router: see the same of producers.
    func pipe(
        _ producer: DataProducerID, from source: RouterPart, to sink: RouterPart, isHidden: Bool = false
    ) async throws(MediaCoreError) -> PipedDataProducer {
        let (id, outlet, inlet) = try await way(from: source, to: sink, isHidden: isHidden)
        let (consumer, link) = try await workers[source.worker]
            .openDataLink(id, of: producer, on: outlet, isHidden: isHidden)
        let piped: DataProducerDescription
        do {
            piped = try await workers[sink.worker]
                .joinDataLink(link, as: consumer, on: inlet, closesWhenUnused: isHidden)
        } catch {
            await workers[source.worker].close(consumer.id)
            throw error
        }
        guard !link.hasEnded else {
            await workers[sink.worker].closeLinked(producer, on: sink.router)
            throw await ended(.dataProducer(producer), from: source, to: sink)
        }
        return PipedDataProducer(consumer: consumer, producer: piped, transports: (outlet, inlet))
    }
}
