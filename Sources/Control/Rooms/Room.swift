import Base
import Events
import MediaCore
import ORTC

/// One room: one router, its broadcasters, and what they send and receive. The only writer of room state.
///
/// Each command changes the state, publishes the fact, and only then (or, where ids come from the core, just before)
/// talks to the core. After each await it looks again whether the room and the object are still there.
/// Facets: Room+Broadcasters, +Transports, +Producers, +Consumers, +WebRTC, +Speakers, +Downlink, +CoreEvents, +Changes,
/// +MemberChanges, +Closing, in Data: +DataProducers, +DataConsumers, and in Peers: +Peers, +PeerObjects, +PeerData,
/// +Bot.
public actor Room {
    public nonisolated let name: String
    public nonisolated let router: RouterID
    /// What the router can receive and send.
    public nonisolated let routerCapabilities: RTPCapabilities

    nonisolated let core: any MediaCore
    nonisolated let events: EventBus
    nonisolated let objects: CoreObjects
    nonisolated let observers: RoomObservers
    private let idleTimeout: Duration
    private let clock: any Clock<Duration>
    private let onClosed: @Sendable (Room) async -> Void

    var isOpen = true
    /// Counts creations, so that lists have an order.
    var created = 0
    var broadcasters: [String: Kept<Broadcaster>] = [:]
    var transports: [TransportID: Kept<RoomTransport>] = [:]
    var producers: [ProducerID: Kept<RoomProducer>] = [:]
    var consumers: [ConsumerID: Kept<RoomConsumer>] = [:]
    var dataProducers: [DataProducerID: Kept<RoomDataProducer>] = [:]
    var dataConsumers: [DataConsumerID: Kept<RoomDataConsumer>] = [:]
    /// The room's own voice on data channels; nil: nobody needed one yet.
    var bot: RoomBot?
    var botMaking: Task<RoomBot?, Never>?
    var readers: [Int: AsyncStream<RoomChange>.Continuation] = [:]
    var memberReaders: [String: AsyncStream<MemberChange>.Continuation] = [:]
    /// Protoo clients, joined or not.
    var peers: [String: PeerReader] = [:]
    var peerReplicas = 0
    var speakers = RoomSpeakers()
    private var holders: Set<String> = []
    private var idleTimer: Task<Void, Never>?

    /// An object and its place in the order of creation.
    struct Kept<Value> {
        let order: Int
        var value: Value
    }

    init(
        name: String, router: RouterDescription, observers: RoomObservers, core: any MediaCore, events: EventBus,
        objects: CoreObjects, idleTimeout: Duration, clock: any Clock<Duration>,
        onClosed: @escaping @Sendable (Room) async -> Void
    ) {
        self.name = name
        self.router = router.id
        routerCapabilities = router.rtpCapabilities
        self.observers = observers
        self.core = core
        self.events = events
        self.objects = objects
        self.idleTimeout = idleTimeout
        self.clock = clock
        self.onClosed = onClosed
    }

    public var snapshot: RoomSnapshot {
        RoomSnapshot(
            name: name, router: router, broadcasters: inOrder(broadcasters), transports: inOrder(transports),
            producers: inOrder(producers), consumers: inOrder(consumers), dataProducers: inOrder(dataProducers),
            dataConsumers: inOrder(dataConsumers), speakers: speakers, holders: holders.sorted())
    }

    // MARK: - Staying open

    /// Keeps the room open until `release`; one hold for each name.
    public func retain(_ holder: String) throws(ControlError) {
        try checkOpen()
        holders.insert(holder)
        watchIdleness()
    }

    public func release(_ holder: String) {
        holders.remove(holder)
        watchIdleness()
    }

    /// Somebody asked for the room: its idle time begins anew. False when it has closed meanwhile.
    func touch() -> Bool {
        watchIdleness()
        return isOpen
    }

    /// Starts, restarts or stops the timer that closes an unused room.
    func watchIdleness() {
        idleTimer?.cancel()
        idleTimer = nil
        guard isOpen, isUnused, idleTimeout > .zero else { return }
        idleTimer = Task { [clock, idleTimeout, weak self] in
            // Throws when cancelled: the room is used again.
            guard (try? await clock.sleep(for: idleTimeout)) != nil else { return }
            await self?.closeIfUnused()
        }
    }

    private var isUnused: Bool { broadcasters.isEmpty && holders.isEmpty }

    private func closeIfUnused() async {
        // A cancellation that came after the sleep had ended: somebody used the room in between.
        guard !Task.isCancelled, isUnused else { return }
        await close(reason: ClosingReason.idle)
    }

    // MARK: - Closing

    /// Closes everything in order and then the room. Idempotent.
    public func close(reason: String) async {
        guard isOpen else { return }
        isOpen = false
        idleTimer?.cancel()
        for broadcaster in inOrder(broadcasters) {
            _ = forgetBroadcaster(
                broadcaster, reason: ClosingReason.roomClosed, transportReason: ClosingReason.roomClosed)
        }
        holders.removeAll()
        events.publish(.roomClosed(room: name, reason: reason))
        tellReaders(.closed(reason: reason))
        for reader in readers.values { reader.finish() }
        readers.removeAll()
        for observer in [observers.levels, observers.speakers] { objects.forget(.observer(observer)) }
        await core.close(router)
        await onClosed(self)
    }

    // MARK: - Helpers of all facets

    func checkOpen() throws(ControlError) {
        guard isOpen else { throw .notFound("room \"\(name)\" is closed") }
    }

    func inOrder<Key, Value>(_ kept: [Key: Kept<Value>]) -> [Value] {
        kept.values.sorted { $0.order < $1.order }.map(\.value)
    }

    func keep<Value>(_ value: Value) -> Kept<Value> {
        created += 1
        return Kept(order: created, value: value)
    }

    func apply(_ early: [MediaCoreEvent]) {
        for event in early { apply(event) }
    }
}
