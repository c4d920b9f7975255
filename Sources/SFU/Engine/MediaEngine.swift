import Base
import DTLS
import ICE
import ORTC
import SCTP

/// The media state of one worker: mediasoup's routers, transports, producers and consumers, without sockets, clock
/// or threads. The driver calls it from one thread:
///
///     engine.receive(datagram, on: socket, from: address, now: now, into: &outbox)    // for each datagram
///     engine.advance(to: now, into: &outbox)                                          // once a turn
///     repeat { full = engine.flush(now: now, into: &outbox); send(&outbox) } while full
///
/// A command that throws has changed nothing. What a command causes on other objects is an event in the outbox.
public struct MediaEngine: ~Copyable {
    public let configuration: SFUConfiguration
    let clock: WallClock
    var random: RandomSource

    var routers = Slab<Router>()
    var transports = Slab<Transport>()
    var producers = Slab<Producer>()
    /// What comes in: the encodings of the producers.
    var streams = Slab<ReceiveStream>()
    var consumers = Slab<Consumer>()
    /// What goes out.
    var senders = Slab<SendStream>()

    var observers = Slab<RTPObserver>()

    var dataProducers = Slab<DataProducer>()
    var dataConsumers = Slab<DataConsumer>()
    var sctpLinks = Slab<SCTPLink>()

    var routerByID: [RouterID: SlabIndex] = [:]
    var transportByID: [TransportID: SlabIndex] = [:]
    var producerByID: [ProducerID: SlabIndex] = [:]
    var consumerByID: [ConsumerID: SlabIndex] = [:]
    var observerByID: [RTPObserverID: SlabIndex] = [:]
    var dataProducerByID: [DataProducerID: SlabIndex] = [:]
    var dataConsumerByID: [DataConsumerID: SlabIndex] = [:]
    var transportBySocket: [SocketID: SlabIndex] = [:]

    /// Those that a link brings here from another router. Ids of their originals, which may be in this engine, too.
    var linkedProducers: [LinkedProducer: SlabIndex] = [:]
    var producerByLink: [LinkID: SlabIndex] = [:]
    var consumerByLink: [LinkID: SlabIndex] = [:]
    var linkNotes: [LinkNote] = []
    /// Linked producers that close when nobody wants them, and that somebody has left.
    var leftLinks: [SlabIndex] = []
    /// The same of data producers.
    var linkedDataProducers: [LinkedDataProducer: SlabIndex] = [:]
    var dataProducerByLink: [LinkID: SlabIndex] = [:]
    var dataConsumerByLink: [LinkID: SlabIndex] = [:]
    var dataLinkNotes: [DataLinkNote] = []
    var leftDataLinks: [SlabIndex] = []

    /// Who we are in DTLS; made with the first WebRTC transport unless it was given.
    var identity: DTLSIdentity?
    var webRTCLinks = Slab<WebRTCLink>()
    /// Where clients have proved to be.
    var webRTCByTuple: [ICETuple: SlabIndex] = [:]
    /// By what their checks are addressed to.
    var webRTCByFragment: [ICEUsernameFragment: SlabIndex] = [:]
    /// Where answers to checks are written.
    var stunReply = [UInt8](repeating: 0, count: ICELiteAgent.maximumReplyLength)
    /// Bytes of all groups of pictures that are kept.
    public internal(set) var gopBytes = 0

    /// Of the whole process.
    let sctp: SCTPStack
    /// When an association wants time.
    var sctpTimer: Instant?

    /// Streams with something to send, and how far a flush has come among them.
    var listed: [SlabIndex] = []
    var flushed = 0
    /// When `advance` has something to do.
    var timer: Instant?
    var meter: LoadMeter
    /// Where protected packets are decrypted to; away while one is being looked at.
    var scratch: ByteArea?
    /// Datagrams on sockets that belong to no transport (closed a moment ago).
    public internal(set) var strayDatagrams: UInt64 = 0
    /// Of objects that have closed.
    var closedTotals = EngineTotals()

    /// - Parameters:
    ///   - identity: Nil: a certificate is made with the first WebRTC transport.
    ///   - sctp: The same for all engines of a process.
    public init(
        configuration: SFUConfiguration = SFUConfiguration(), random: RandomSource = .system,
        identity: DTLSIdentity? = nil, sctp: SCTPStack = SCTPStack()
    ) {
        self.sctp = sctp
        self.configuration = configuration
        self.identity = identity
        self.random = random
        clock = WallClock(unixNanosecondsAtZero: configuration.unixNanosecondsAtZero)
        meter = LoadMeter(configuration.coalescing)
    }

    /// How many objects live.
    public var population: Population {
        Population(
            routers: routers.count, transports: transports.count, producers: producers.count,
            consumers: consumers.count, dataProducers: dataProducers.count, dataConsumers: dataConsumers.count)
    }

    public struct Population: Sendable, Hashable {
        public var routers = 0
        public var transports = 0
        public var producers = 0
        public var consumers = 0
        public var dataProducers = 0
        public var dataConsumers = 0

        public init(
            routers: Int = 0, transports: Int = 0, producers: Int = 0, consumers: Int = 0, dataProducers: Int = 0,
            dataConsumers: Int = 0
        ) {
            (self.routers, self.transports) = (routers, transports)
            (self.producers, self.consumers) = (producers, consumers)
            (self.dataProducers, self.dataConsumers) = (dataProducers, dataConsumers)
        }
    }

    // MARK: - Routers

    /// - Throws: What `RouterCapabilities.make` throws; a conflict for an id that is taken.
    public mutating func createRouter(
        id: RouterID, mediaCodecs: [RTPCodecCapability]
    ) throws(SFUError) -> RTPCapabilities {
        guard routerByID[id] == nil else {
            throw SFUError(
                .conflict, "Channel request handler with ID \(id) already exists [method:worker.createRouter]")
        }
        let capabilities: RTPCapabilities
        do {
            capabilities = try RouterCapabilities.make(mediaCodecs: mediaCodecs)
        } catch {
            throw SFUError(error)
        }
        routerByID[id] = routers.insert(Router(id: id, rtpCapabilities: capabilities))
        return capabilities
    }

    // MARK: - Looking up

    func index(_ id: TransportID, _ method: String) throws(SFUError) -> SlabIndex {
        guard let index = transportByID[id] else { throw .noSuchObject(id.rawValue, method) }
        return index
    }

    func index(_ id: ProducerID, _ method: String) throws(SFUError) -> SlabIndex {
        guard let index = producerByID[id] else { throw .noSuchObject(id.rawValue, method) }
        return index
    }

    func index(_ id: ConsumerID, _ method: String) throws(SFUError) -> SlabIndex {
        guard let index = consumerByID[id] else { throw .noSuchObject(id.rawValue, method) }
        return index
    }

    func index(_ id: RTPObserverID, _ method: String) throws(SFUError) -> SlabIndex {
        guard let index = observerByID[id] else { throw .noSuchObject(id.rawValue, method) }
        return index
    }

    // MARK: - Timers

    /// Makes sure that `advance` is called by then.
    mutating func arm(_ instant: Instant) { timer = min(timer ?? instant, instant) }

    /// Makes sure that `flush` looks at a stream by then.
    mutating func wake(_ stream: SlabIndex, at instant: Instant) {
        streams[stream].release.wake(at: instant)
        list(stream)
    }

    mutating func list(_ stream: SlabIndex) {
        guard !streams[stream].release.isListed else { return }
        streams[stream].release.isListed = true
        listed.append(stream)
    }
}
