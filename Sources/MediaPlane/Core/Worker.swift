import Base
import CLinux
import MediaCore
import ORTC
import SFU

// The vocabulary has fingerprints and states of its own.
import class DTLS.DTLSIdentity
import class SCTP.SCTPStack

/// One thread's worth of the embedded core: an actor on its own media loop. Commands run between two turns.
actor Worker {
    /// What all workers of a core share.
    struct Surroundings: Sendable {
        let configuration: MediaPlaneConfiguration
        let ports: Locked<PortPool>
        let directory: Directory
        let events: AsyncStream<MediaCoreEvent>.Continuation
        let exchange: LinkExchange
        let pipes: PipeTable
        let spans: SpanTable
        let identity: DTLSIdentity
        /// One for all workers: the library has one clock.
        let sctp = SCTPStack()
    }

    nonisolated let loop: MediaLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    nonisolated let gauge = WorkerGauge()

    /// Its place among the workers.
    let number: Int
    let directory: Directory
    let exchange: LinkExchange
    private let pipes: PipeTable
    let spans: SpanTable
    private let configuration: MediaPlaneConfiguration
    private let events: AsyncStream<MediaCoreEvent>.Continuation
    var plane: Plane
    private(set) var isShutDown = false
    /// Where WebRTC transports are reached, all of them; empty: each has a socket of its own.
    private(set) var serverListeners: [WebRTCListener] = []
    /// Pipe transports, consumers and data consumers between the parts of a router: nobody is told of them.
    var hidden: Set<Directory.Object> = []
    /// Readers of consumers on direct transports.
    var readers: [ConsumerID: DirectPackets] = [:]
    var nextDirect: UInt32 = 0
    /// Readers of data consumers on direct transports.
    var dataReaders: [DataConsumerID: DirectMessages] = [:]
    /// What came last from other workers, and what went last to them; kept for their memory.
    private var inbox: [LinkExchange.Note] = []
    private var linkNotes: [LinkNote] = []
    /// The highest sums that were told: a counter does not fall, although late packets lower what was lost.
    private var toldLost = (received: Int64(0), sent: Int64(0))

    /// - Throws: The port for WebRTC can't be had.
    init(number: Int, loop: MediaLoop, _ surroundings: Surroundings) throws(MediaCoreError) {
        self.number = number
        self.loop = loop
        directory = surroundings.directory
        configuration = surroundings.configuration
        events = surroundings.events
        exchange = surroundings.exchange
        pipes = surroundings.pipes
        spans = surroundings.spans
        var settings = SFUConfiguration()
        settings.gopCacheBytes = configuration.gopCacheBytes
        settings.gopCacheDuration = configuration.gopCacheDuration
        settings.ingress = .init(
            packetsPerSecond: configuration.ingressPacketsPerSecond, bitsPerSecond: configuration.ingressBitsPerSecond)
        settings.coalescing.isEnabled = configuration.coalescing
        settings.joinsFrames = configuration.joinsFrames
        settings.srtpBackend = configuration.srtpBackend
        // A step of the wall clock later on does not reach sender reports: receivers want their clock even, not right.
        settings.unixNanosecondsAtZero = ladle_realtime_ns() - ladle_monotonic_ns()
        plane = Plane(
            engine: MediaEngine(
                configuration: settings, identity: surroundings.identity, sctp: surroundings.sctp),
            sockets: SocketTable(loop: loop),
            connections: ConnectionTable(loop: loop, patience: configuration.strangerPatience),
            ports: surroundings.ports,
            gauge: gauge)
        if let port = configuration.webRTCPort {
            // Validated: it ends at 65535.
            serverListeners = try plane.listen(configuration, port: port == 0 ? 0 : port + UInt16(number))
        }
    }

    /// Lets the loop drive the plane, until `shutDown`.
    nonisolated func start() {
        loop.drive { now, ready in
            // We are on the loop's thread, which is our executor.
            self.assumeIsolated { $0.turn(ready, now: now) }
        }
    }

    var counters: MediaPlaneCounters { plane.counters }

    /// Runs on the loop, and that is all.
    /// - Returns: how often it was asked. Touching the actor's state is the point: the optimiser leaves out the way to an
    ///   executor on which nothing is done, and a stuck loop would then answer.
    func answer() -> Int {
        questions &+= 1
        return questions
    }

    private var questions = 0

    func measure() -> WorkerMeasurements {
        var totals = plane.engine.totals
        toldLost = (max(toldLost.received, totals.receivedLost), max(toldLost.sent, totals.sentLost))
        (totals.receivedLost, totals.sentLost) = toldLost
        return WorkerMeasurements(
            counters: plane.counters, totals: totals, strayDatagrams: plane.engine.strayDatagrams,
            sockets: plane.sockets.count, connections: plane.connections.count,
            pipedProducers: plane.engine.linkedProducerCount)
    }

    /// Closes everything; whom it concerns is told, as mediasoup's `worker.close()` does. Commands fail from here on.
    func shutDown() {
        guard !isShutDown else { return }
        let now = Self.now()
        plane.command(now) { engine, outbox, now in engine.closeAll(now: now, into: &outbox) }
        settle(now: now)
        isShutDown = true
        plane.closeAllSockets(now: now)
        for reader in readers.values { reader.finish() }
        for reader in dataReaders.values { reader.finish() }
        gauge.tell(consumers: 0)
        loop.stop()
    }

    private func turn(_ ready: ReadySockets, now: Instant) -> LoopWait {
        if isShutDown { return .forEver }
        exchange.take(number, into: &inbox)
        for place in inbox.indices { take(inbox[place], now: now) }
        let wait = plane.turn(ready, now: now)
        settle(now: now)
        return wait
    }

    /// Performs what the engine wants done beside sending: facts are told before the command that caused them answers.
    func settle(now: Instant) {
        plane.command(now) { engine, outbox, now in engine.closeUnusedLinks(now: now, into: &outbox) }
        plane.closeSockets(now: now)
        var closed: [Directory.Object] = []
        for event in plane.outbox.takeEvents() {
            if case .routerClosed(let id) = event { directory.strike(.router(id)) }
            if case .dataConsumerMessage(let id, let message) = event { dataReaders[id]?.add(message) }
            guard let event = MediaCoreEvent(event) else { continue }
            if let object = Directory.Object(closedBy: event) {
                directory.strike(object)
                closed.append(object)
            }
            if !hidden.isEmpty, let object = Directory.Object(ofPipe: event), hidden.contains(object) { continue }
            events.yield(event)
        }
        // Behind the events, since what other workers tell is caused by these; before what closes along, since the other
        // end of a link is to hear of its end by the link, quietly, and not by its transport.
        plane.engine.takeLinkNotes(into: &linkNotes)
        exchange.post(linkNotes)
        exchange.post(plane.engine.takeDataLinkNotes())
        for object in closed { hasClosed(object) }
        gauge.tell(consumers: plane.engine.population.consumers)
    }

    /// An object is no more: nobody finds it, and what hung on it ends.
    func hasClosed(_ object: Directory.Object) {
        directory.strike(object)
        let wasHidden = hidden.remove(object) != nil
        switch object {
        case .consumer(let id):
            guard let reader = readers.removeValue(forKey: id) else { return }
            for port in plane.directs.values { port.remove(reader) }
            reader.finish()
        case .transport(let id):
            // Between the parts of a router both ends close with the router.
            guard let (other, worker) = pipes.remove(id), !wasHidden else { return }
            exchange.post(.close(other), to: worker)
        case .dataConsumer(let id): dataReaders.removeValue(forKey: id)?.finish()
        case .router, .producer, .observer, .dataProducer: break
        }
    }

    /// Another worker has something for this one.
    private func take(_ note: LinkExchange.Note, now: Instant) {
        switch note {
        case .close(let transport): close(transport)
        case .lookAtData(let note): lookAtData(note, now: now)
        case .look(let note):
            switch note.way {
            case .down: if !plane.lookDown(note.link, now: now) { exchange.post([note]) }
            case .up:
                let closed = plane.command(now) { engine, outbox, now in
                    engine.lookUp(note.link, now: now, into: &outbox)
                }
                if let closed { hasClosed(.consumer(closed)) }
            }
        }
    }

    func checkIsUp() throws(MediaCoreError) {
        if isShutDown { throw MediaCoreError(.failed, name: "Error", message: "the media core has been shut down") }
    }

    static func now() -> Instant { Instant(nanoseconds: ladle_monotonic_ns()) }
}

// MARK: - Routers and transports

extension Worker {
    func createRouter(mediaCodecs: [RTPCodecCapability]?) throws(MediaCoreError) -> RouterDescription {
        try checkIsUp()
        let id = RouterID.random()
        do {
            let capabilities = try plane.engine.createRouter(id: id, mediaCodecs: mediaCodecs ?? RouterCodecs.standard)
            directory.enter(.router(id), on: number)
            return RouterDescription(id: id, rtpCapabilities: capabilities)
        } catch { throw MediaCoreError(error) }
    }

    func createPlainTransport(
        on router: RouterID, _ options: PlainTransportOptions
    ) throws(MediaCoreError) -> PlainTransportDescription {
        try checkIsUp()
        let now = Self.now()
        let (rtp, rtcp) = try openEndpoints(rtcpMux: options.rtcpMux, now: now)
        do {
            let id = TransportID.random()
            let setup = PlainTransportSetup(
                router: router, id: id, rtp: rtp, rtcp: rtcp, comedia: options.comedia, cname: options.cname,
                srtpCryptoSuite: options.enableSRTP
                    ? options.srtpCryptoSuite ?? PlainTransportSetup.standardSRTPCryptoSuite : nil,
                initialAvailableOutgoingBitrate: options.initialAvailableOutgoingBitrate,
                sctp: options.sctp.map(SCTPTransportSetup.init))
            var description = try command { engine, _, now throws(SFUError) in
                let tuples = try engine.createPlainTransport(setup, now: now)
                return PlainTransportDescription(id: id, tuples, engine.srtpParameters(of: id))
            }
            description.sctpParameters = options.sctp.map { SCTPParameters($0, isDataChannel: false) }
            directory.enter(.transport(id), on: number)
            return description
        } catch {
            plane.close(rtp.socket, now: now)
            if let rtcp { plane.close(rtcp.socket, now: now) }
            throw error
        }
    }

    func connect(
        _ transport: TransportID, _ remote: PlainTransportRemote
    ) throws(MediaCoreError) -> PlainTransportDescription {
        try command { engine, outbox, now throws(SFUError) in
            let tuples = try engine.connect(
                transport, ip: remote.ip, port: remote.port, rtcpPort: remote.rtcpPort,
                srtpParameters: remote.srtpParameters, now: now, into: &outbox)
            return PlainTransportDescription(id: transport, tuples, engine.srtpParameters(of: transport))
        }
    }

    /// One endpoint, or one for RTP and one for RTCP.
    ///
    /// With RTCP on the RTP port, a plain transport's remote side is one address, fixed by `connect` or by the first packet.
    /// Otherwise RTCP may come to either port, from another one than RTP does.
    func openEndpoints(
        rtcpMux: Bool, hasOneRemote: Bool = true, now: Instant
    ) throws(MediaCoreError) -> (rtp: LocalEndpoint, rtcp: LocalEndpoint?) {
        if rtcpMux {
            let socket = try plane.ports.withLock { pool throws(MediaCoreError) in try pool.bind(now: now) }
            return (try endpoint(socket, hasOneRemote: hasOneRemote, now: now), nil)
        }
        let pair = try plane.ports.withLock { pool throws(MediaCoreError) in try pool.bindPair(now: now) }
        let rtcpPort = pair.rtcp.local.port
        let rtp: LocalEndpoint
        do { rtp = try endpoint(pair.rtp, hasOneRemote: false, now: now) } catch {
            plane.ports.withLock { $0.release(rtcpPort, now: now) }
            throw error
        }
        do { return (rtp, try endpoint(pair.rtcp, hasOneRemote: false, now: now)) } catch {
            plane.close(rtp.socket, now: now)
            throw error
        }
    }

    /// On an error the port has been given back.
    private func endpoint(
        _ socket: consuming UDPSocket, hasOneRemote: Bool, now: Instant
    ) throws(MediaCoreError) -> LocalEndpoint {
        let port = socket.local.port
        do {
            let id = try plane.sockets.insert(socket, hasOneRemote: hasOneRemote)
            return LocalEndpoint(
                socket: id, address: configuration.announcedAddress ?? configuration.listenIP, port: port)
        } catch {
            plane.ports.withLock { $0.release(port, now: now) }
            throw error
        }
    }
}

// MARK: - Commands

extension Worker {
    /// One command to the engine, and what follows from it. The loop makes a turn right after, so media that the command
    /// set free leave at once.
    func command<Result>(
        _ body: (inout MediaEngine, inout Outbox, Instant) throws(SFUError) -> Result
    ) throws(MediaCoreError) -> Result {
        try checkIsUp()
        let now = Self.now()
        do {
            let result = try plane.command(now, body)
            settle(now: now)
            return result
        } catch {
            settle(now: now)
            throw MediaCoreError(error)
        }
    }

    /// - Parameter sender: Whose last packets are sent on before.
    func closing(
        last sender: TransportID? = nil, _ body: (inout MediaEngine, inout Outbox, Instant) -> Void
    ) {
        if isShutDown { return }
        let now = Self.now()
        if let sender { plane.takeLast(of: sender, now: now) }
        plane.command(now, body)
        settle(now: now)
    }
}
