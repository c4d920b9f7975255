import Base
import MediaCore
import SFU

/// What `pipeToRouter` has made.
public struct PipedProducer: Sendable {
    /// On the producer's router; closing it closes `producer`.
    public var consumer: ConsumerDescription
    /// On the other router, under the original's id.
    public var producer: ProducerDescription
    /// The pipe's two ends; closing one closes the other.
    public var transports: (source: TransportID, sink: TransportID)
}

extension EmbeddedCore {
    /// Lets another router's transports consume a producer, as mediasoup's `pipeToRouter`: within this process, on the same
    /// worker or another one, without sockets, and with one copy of each packet.
    ///
    /// The producer has the same id there. Pausing and closing follow it, and closing what was made here closes the other
    /// half; the original stays.
    /// - Throws: `TypeError` for an unknown producer or router, the producer's own router, or a producer that is
    ///   there already; `InvalidStateError` when the producer closed meanwhile; `Error` when the pipe did.
    public func pipe(_ producer: ProducerID, to router: RouterID) async throws(MediaCoreError) -> PipedProducer {
        let (source, sink) = try await parts(.producer(producer), to: router)
        return try await pipe(producer, from: source, to: sink)
    }

    /// Closes a producer where it was piped to; the original stays.
    public func close(_ producer: ProducerID, pipedTo router: RouterID) async {
        await worker(of: .router(router)).closeLinked(producer, on: router)
    }

    /// - Parameter isHidden: Between the parts of one router, for those who want the producer there: nobody is told of what
    ///   is made, and it closes with the last who wants it.
    func pipe(
        _ producer: ProducerID, from source: RouterPart, to sink: RouterPart, isHidden: Bool = false
    ) async throws(MediaCoreError) -> PipedProducer {
        let (id, outlet, inlet) = try await way(from: source, to: sink, isHidden: isHidden)
        let (consumer, link) = try await workers[source.worker]
            .openLink(id, of: producer, on: outlet, isHidden: isHidden)
        let piped: ProducerDescription
        do {
            piped = try await workers[sink.worker].joinLink(link, as: consumer, on: inlet, closesWhenUnused: isHidden)
        } catch {
            await workers[source.worker].close(consumer.id)
            throw error
        }
        guard !link.hasEnded else {
            await workers[sink.worker].closeLinked(producer, on: sink.router)
            throw await ended(.producer(producer), from: source, to: sink)
        }
        return PipedProducer(consumer: consumer, producer: piped, transports: (outlet, inlet))
    }

    // MARK: - Producers and data producers

    /// Where a producer of either kind is, and where it is to be.
    func parts(
        _ producer: Directory.Object, to router: RouterID
    ) async throws(MediaCoreError) -> (source: RouterPart, sink: RouterPart) {
        guard let source = directory.holder(of: producer), let own = await workers[source].router(of: producer) else {
            throw MediaCoreError(.notFound, name: "TypeError", message: "\(producer.className) not found")
        }
        guard own != router else {
            throw MediaCoreError(.invalid, name: "TypeError", message: "cannot use this Router as destination")
        }
        guard let sink = directory.holder(of: .router(router)) else {
            throw MediaCoreError(.notFound, name: "TypeError", message: "Router not found")
        }
        return (RouterPart(router: own, worker: source), RouterPart(router: router, worker: sink))
    }

    /// A name for a new link, and the transports at both ends.
    func way(
        from source: RouterPart, to sink: RouterPart, isHidden: Bool
    ) async throws(MediaCoreError) -> (id: LinkID, outlet: TransportID, inlet: TransportID) {
        let pair = try await pair(source, sink, isHidden: isHidden)
        guard let outlet = pair.transports[source], let inlet = pair.transports[sink] else {
            throw MediaCoreError(.failed, name: "Error", message: "a pipe without ends")
        }
        let id = LinkID(serial: pipes.makeSerial(), source: UInt16(source.worker), sink: UInt16(sink.worker))
        return (id, outlet, inlet)
    }

    /// Why a link is over before anybody could use it.
    func ended(
        _ producer: Directory.Object, from source: RouterPart, to sink: RouterPart
    ) async -> MediaCoreError {
        guard await workers[source.worker].has(producer, on: source.router) else {
            return MediaCoreError(
                .conflict, name: "InvalidStateError", message: "original \(producer.className) closed")
        }
        return MediaCoreError(
            .notFound, name: "Error",
            message: "the pipe to router \(sink.router) was closed while "
                + "\(producer.className) \(producer.id) was put on it")
    }

    private func pair(
        _ one: RouterPart, _ other: RouterPart, isHidden: Bool
    ) async throws(MediaCoreError) -> PipeTable.Pair {
        let (pipes, workers) = (pipes, workers)
        return try await pipes.pair(one, other) {
            do throws(MediaCoreError) {
                let first = try await workers[one.worker].createInProcessPipe(on: one.router, isHidden: isHidden)
                do throws(MediaCoreError) {
                    let second = try await workers[other.worker]
                        .createInProcessPipe(on: other.router, isHidden: isHidden)
                    pipes.join(first, of: one, second, of: other)
                    return .success(PipeTable.Pair(transports: [one: first, other: second]))
                } catch {
                    await workers[one.worker].close(first)
                    throw error
                }
            } catch { return .failure(error) }
        }
    }
}
