import Base
import MediaCore

/// Which worker holds what: one table for every id of the core.
///
/// A worker enters what it makes before the call that made it returns, and strikes out what closes before anybody is told.
final class Directory: Sendable {
    enum Object: Hashable, Sendable {
        case router(RouterID)
        case transport(TransportID)
        case producer(ProducerID)
        case consumer(ConsumerID)
        case observer(RTPObserverID)
        case dataProducer(DataProducerID)
        case dataConsumer(DataConsumerID)

        /// What an event says is no more; nil: it says something else.
        init?(closedBy event: MediaCoreEvent) {
            switch event {
            case .transportClosed(let id): self = .transport(id)
            case .producerClosed(let id): self = .producer(id)
            case .consumerClosed(let id, _): self = .consumer(id)
            case .observerClosed(let id): self = .observer(id)
            case .dataProducerClosed(let id): self = .dataProducer(id)
            case .dataConsumerClosed(let id, _): self = .dataConsumer(id)
            default: return nil
            }
        }

        /// What of a pipe an event is about, its transport or one of its consumers; nil: it is about something else.
        init?(ofPipe event: MediaCoreEvent) {
            switch event {
            case .transportClosed(let id): self = .transport(id)
            case .consumerClosed(let id, _), .consumerProducerPaused(let id, _), .consumerScore(let id, _):
                self = .consumer(id)
            case .dataConsumerClosed(let id, _), .dataConsumerProducerPaused(let id, _),
                .dataConsumerBufferFull(let id):
                self = .dataConsumer(id)
            default: return nil
            }
        }

        var id: String {
            switch self {
            case .router(let id): id.rawValue
            case .transport(let id): id.rawValue
            case .producer(let id): id.rawValue
            case .consumer(let id): id.rawValue
            case .observer(let id): id.rawValue
            case .dataProducer(let id): id.rawValue
            case .dataConsumer(let id): id.rawValue
            }
        }

        /// As mediasoup's errors call it.
        var className: String {
            switch self {
            case .router: "Router"
            case .transport: "Transport"
            case .producer: "Producer"
            case .consumer: "Consumer"
            case .observer: "RtpObserver"
            case .dataProducer: "DataProducer"
            case .dataConsumer: "DataConsumer"
            }
        }
    }

    private struct State {
        /// The number of the worker.
        var holders: [Object: Int] = [:]
        /// Routers of each worker, and those that are about to be made.
        var routers: [Int]
        /// Transports of each worker.
        var transports: [Int]
    }

    private let state: Locked<State>

    init(workers: Int) {
        let none = Array(repeating: 0, count: workers)
        state = Locked(State(routers: none, transports: none))
    }

    /// The number of the worker that holds an object; nil: there is none of that name.
    func holder(of object: Object) -> Int? { state.withLock { $0.holders[object] } }

    func enter(_ object: Object, on worker: Int) {
        state.withLock { state in
            let before = state.holders.updateValue(worker, forKey: object)
            if case .transport = object, before == nil { state.transports[worker] += 1 }
        }
    }

    /// Keeps a name for an object that is about to be made; struck out when it could not be.
    /// - Returns: False: it is taken.
    func reserve(_ object: Object, on worker: Int) -> Bool {
        state.withLock { state in
            guard state.holders[object] == nil else { return false }
            state.holders[object] = worker
            return true
        }
    }

    func strike(_ object: Object) {
        state.withLock { state in
            guard let worker = state.holders.removeValue(forKey: object) else { return }
            switch object {
            case .router: state.routers[worker] -= 1
            case .transport: state.transports[worker] -= 1
            case .producer, .consumer, .observer, .dataProducer, .dataConsumer: break
            }
        }
    }

    /// How many objects are in it.
    var count: Int { state.withLock { $0.holders.count } }

    // MARK: - Placement

    /// Two loads within the same twentieth of a core are equal: they say more about the moment than about the room.
    private static let loadStep = 0.05

    /// Chooses the worker for a new router: the one with the least load, then with the fewest consumers, then with the
    /// fewest routers. The router counts from now on; `giveUp` when it could not be made.
    /// - Parameter gauges: One per worker: its share of a core, and its consumers.
    func place(_ gauges: [(share: Double, consumers: Int)]) -> Int {
        state.withLock { state in
            let ranks = gauges.indices.map { number in
                (Int(gauges[number].share / Self.loadStep), gauges[number].consumers, state.routers[number], number)
            }
            let chosen = ranks.min { $0 < $1 }?.3 ?? 0
            state.routers[chosen] += 1
            return chosen
        }
    }

    /// So many transports and consumers more than elsewhere are no reason to leave home: what a producer's way to another
    /// worker costs is to be worth it.
    private static let homeCrowd = 32

    /// Chooses the worker for a new transport of a router that spans all of them: its home, until that has two steps more
    /// load than the one with the least, or a crowd.
    /// - Parameter gauges: One per worker: its share of a core, and its consumers.
    func placeTransport(home: Int, _ gauges: [(share: Double, consumers: Int)]) -> Int {
        state.withLock { state in
            let ranks = gauges.indices.map { number in
                (Int(gauges[number].share / Self.loadStep), gauges[number].consumers + state.transports[number], number)
            }
            guard let least = ranks.min(by: { $0 < $1 }), ranks.indices.contains(home) else { return home }
            let isCrowded = ranks[home].1 >= least.1 + Self.homeCrowd
            return ranks[home].0 >= least.0 + 2 || isCrowded ? least.2 : home
        }
    }

    func giveUp(on worker: Int) { state.withLock { $0.routers[worker] -= 1 } }
}
