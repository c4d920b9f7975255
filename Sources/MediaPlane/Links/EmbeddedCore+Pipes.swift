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
    ///   there already; `InvalidStateError` when the producer closed meanwhile.
    public func pipe(_ producer: ProducerID, to router: RouterID) async throws(MediaCoreError) -> PipedProducer {
        guard let source = directory.holder(of: .producer(producer)),
            let own = await workers[source].router(of: producer)
        else { throw MediaCoreError(.notFound, name: "TypeError", message: "Producer not found") }
        guard own != router else {
            throw MediaCoreError(.invalid, name: "TypeError", message: "cannot use this Router as destination")
        }
        guard let sink = directory.holder(of: .router(router)) else {
            throw MediaCoreError(.notFound, name: "TypeError", message: "Router not found")
        }
        let pair = try await pair(own, on: workers[source], router, on: workers[sink])
        guard let outlet = pair.transports[own], let inlet = pair.transports[router] else {
            throw MediaCoreError(.failed, name: "Error", message: "a pipe without ends")
        }
        let id = LinkID(serial: pipes.makeSerial(), source: UInt16(source), sink: UInt16(sink))
        let (consumer, link) = try await workers[source].openLink(id, of: producer, on: outlet)
        let piped: ProducerDescription
        do { piped = try await workers[sink].joinLink(link, as: consumer, on: inlet) } catch {
            await close(consumer.id)
            throw error
        }
        guard !link.hasEnded else {
            await workers[sink].closeLinked(producer, on: router)
            throw MediaCoreError(.conflict, name: "InvalidStateError", message: "original Producer closed")
        }
        return PipedProducer(consumer: consumer, producer: piped, transports: (outlet, inlet))
    }

    /// Closes a producer where it was piped to; the original stays.
    public func close(_ producer: ProducerID, pipedTo router: RouterID) async {
        await worker(of: .router(router)).closeLinked(producer, on: router)
    }

    private func pair(
        _ one: RouterID, on source: Worker, _ other: RouterID, on sink: Worker
    ) async throws(MediaCoreError) -> PipeTable.Pair {
        let pipes = pipes
        return try await pipes.pair(one, other) {
            do throws(MediaCoreError) {
                let first = try await source.createInProcessPipe(on: one)
                do throws(MediaCoreError) {
                    let second = try await sink.createInProcessPipe(on: other)
                    pipes.join(first, second, routers: [one, other])
                    return .success(PipeTable.Pair(transports: [one: first, other: second]))
                } catch {
                    await source.close(first)
                    throw error
                }
            } catch { return .failure(error) }
        }
    }
}
