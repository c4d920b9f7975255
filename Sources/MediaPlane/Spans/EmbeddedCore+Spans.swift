import Base
import CLinux
import MediaCore
import ORTC
import SFU

/// Routers that span workers: what is made on them is put where there is room, and whoever wants a producer that is on
/// another worker gets it over a pipe that is made for that and goes with the last who wants it. Seen from outside such a
/// router is one: one id, its producers' ids, and nobody is told of the pipes.
extension EmbeddedCore {
    /// - Parameters:
    ///   - mediaCodecs: Nil: the standard list.
    ///   - spans: Its transports may be on any worker.
    public func createRouter(
        mediaCodecs: [RTPCodecCapability]?, spans: Bool
    ) async throws(MediaCoreError) -> RouterDescription {
        let number = directory.place(gauges)
        do {
            let router = try await workers[number].createRouter(mediaCodecs: mediaCodecs)
            if spans, workers.count > 1 { self.spans.enter(router.id, home: number, mediaCodecs: mediaCodecs) }
            return router
        } catch {
            directory.giveUp(on: number)
            throw error
        }
    }

    /// - Parameter worker: Where it is to be; nil: at the router's home, unless that is much busier than another worker, or a
    ///   crowd is there. One that shares its CNAME with others stays at home in any case: what relates a sender's clock to
    ///   ours is found once per worker, and its tracks are to be in step.
    /// - Throws: `TypeError` for a worker that is not there, or that a router in one piece is not on.
    public func createPlainTransport(
        on router: RouterID, _ options: PlainTransportOptions, worker: Int?
    ) async throws(MediaCoreError) -> PlainTransportDescription {
        var number = worker
        if number == nil, options.cname == nil, let home = spans.home(of: router) {
            number = directory.placeTransport(home: home, gauges)
        }
        return try await part(of: router, on: number).createPlainTransport(on: router, options)
    }

    /// The workers that something of a router is on, its home first; empty: there is no such router.
    public func workers(of router: RouterID) -> [Int] {
        let all = spans.workers(of: router)
        return all.isEmpty ? self.worker(of: router).map { [$0] } ?? [] : all
    }

    /// The worker that a transport is on; nil: there is no such transport.
    public func worker(of transport: TransportID) -> Int? { directory.holder(of: .transport(transport)) }

    /// A worker that has a part of the router, from now on if need be.
    /// - Parameter number: Nil: its home.
    func part(of router: RouterID, on number: Int?) async throws(MediaCoreError) -> Worker {
        let home = worker(of: .router(router))
        guard let number, number != home.number else { return home }
        guard workers.indices.contains(number) else {
            throw MediaCoreError(
                .invalid, name: "TypeError",
                message: "there is no worker \(number); the last one is \(workers.count - 1)")
        }
        guard spans.home(of: router) != nil else {
            throw MediaCoreError(
                .invalid, name: "TypeError",
                message: "router \(router) is on worker \(home.number) only; create it with spans: true")
        }
        try await workers[number].admitPart(of: router)
        return workers[number]
    }

    /// Does something with a producer of either kind of the same router, which is brought to this worker when it is not there.
    /// - Parameters:
    ///   - number: The worker of `user`.
    ///   - user: The transport or observer that wants the producer.
    func withProducer<Result>(
        _ producer: Directory.Object, on number: Int, of user: Directory.Object,
        _ body: (Worker) async throws(MediaCoreError) -> Result
    ) async throws(MediaCoreError) -> Result {
        let worker = workers[number]
        var isBrought = false
        // Who used it last may leave between the two steps; not each time, or this caller would be kept for ever.
        for _ in 0..<3 {
            do throws(MediaCoreError) { return try await body(worker) } catch {
                guard error.code == .notFound, let router = await worker.router(of: user),
                    await !worker.has(producer, on: router),
                    let source = await source(of: producer, on: router), source != number
                else {
                    if isBrought, let router = await worker.router(of: user) {
                        await worker.closeUnusedLink(producer, on: router)
                    }
                    throw error
                }
                try await bring(producer, of: router, from: source, to: number)
                isBrought = true
            }
        }
        return try await body(worker)
    }

    /// The worker that a producer of a spanning router can be had from: its own, or the router's home for one that was
    /// piped there from another router.
    private func source(of producer: Directory.Object, on router: RouterID) async -> Int? {
        guard let home = spans.home(of: router), let holder = directory.holder(of: producer) else {
            return nil
        }
        if await workers[holder].router(of: producer) == router { return holder }
        return await workers[home].has(producer, on: router) ? home : nil
    }

    private func bring(
        _ producer: Directory.Object, of router: RouterID, from source: Int, to sink: Int
    ) async throws(MediaCoreError) {
        let (from, to) = (RouterPart(router: router, worker: source), RouterPart(router: router, worker: sink))
        try await spans.bring(SpanTable.Way(producer: producer, sink: to)) {
            if await self.workers[sink].has(producer, on: router) { return .success(()) }
            do throws(MediaCoreError) {
                switch producer {
                case .producer(let id): _ = try await self.pipe(id, from: from, to: to, isHidden: true)
                case .dataProducer(let id): _ = try await self.pipe(id, from: from, to: to, isHidden: true)
                case .router, .transport, .consumer, .observer, .dataConsumer: break
                }
                return .success(())
            } catch { return .failure(error) }
        }
    }

    func dumpParts(of router: RouterID) async throws(MediaCoreError) -> JSONValue {
        let others = spans.workers(of: router).dropFirst()
        guard !others.isEmpty else { return try await worker(of: .router(router)).dump(router) }
        var whole = try await worker(of: .router(router)).dumpPart(of: router)
        for number in others { whole.add(try await workers[number].dumpPart(of: router)) }
        return whole.value
    }

    var gauges: [(share: Double, consumers: Int)] {
        let now = Instant(nanoseconds: ladle_monotonic_ns())
        return workers.map { ($0.gauge.share(now: now), $0.gauge.consumers) }
    }
}
