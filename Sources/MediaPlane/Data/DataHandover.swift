import Base
import MediaCore
import ORTC
import SFU

/// What one worker tells another of a data producer that it handed over.
enum DataNote: Sendable {
    case message(DataProducerID, DataMessage, subchannels: [UInt16], required: UInt16?)
    case paused(DataProducerID, Bool)
    case closed(DataProducerID)
}

/// Data producers of routers that span workers: at their own worker a hidden data consumer in this process takes their
/// messages for another one, where a data producer of the same id gives them to the consumers there.
struct DataHandover {
    private struct Outlet {
        let producer: DataProducerID
        let router: RouterID
        /// Whom it is for.
        let worker: Int
    }

    /// By their hidden data consumers.
    private var outlets: [DataConsumerID: Outlet] = [:]
    /// Others' that are here.
    private(set) var taken: Set<DataProducerID> = []
    /// Where both hang, by router.
    var transports: [RouterID: TransportID] = [:]

    /// Nil: it is none of ours.
    func note(of event: SFUEvent) -> (worker: Int, note: DataNote)? {
        switch event {
        case .dataConsumerMessage(let id, let message):
            guard let outlet = outlets[id] else { return nil }
            return (outlet.worker, DataNote.message(outlet.producer, message, subchannels: [], required: nil))
        case .dataConsumerProducerPaused(let id, let isPaused):
            guard let outlet = outlets[id] else { return nil }
            return (outlet.worker, DataNote.paused(outlet.producer, isPaused))
        case .dataConsumerClosed(let id, _):
            guard let outlet = outlets[id] else { return nil }
            return (outlet.worker, DataNote.closed(outlet.producer))
        default: return nil
        }
    }

    /// The workers that somebody's messages go to.
    func workers(of producer: DataProducerID) -> [Int] {
        outlets.values.filter { $0.producer == producer }.map(\.worker)
    }

    mutating func add(_ consumer: DataConsumerID, of producer: DataProducerID, on router: RouterID, to worker: Int) {
        outlets[consumer] = Outlet(producer: producer, router: router, worker: worker)
    }

    mutating func remove(_ consumer: DataConsumerID) { outlets[consumer] = nil }
    mutating func take(_ producer: DataProducerID) { taken.insert(producer) }
    mutating func drop(_ producer: DataProducerID) { taken.remove(producer) }

    /// Nothing more is handed over.
    /// - Parameter router: Nil: of all.
    mutating func cut(_ router: RouterID?) {
        outlets = outlets.filter { router != nil && $0.value.router != router }
        if let router { transports[router] = nil } else { transports = [:] }
    }
}

extension Worker {
    /// Of a message in hand: those who made it have bounded it.
    private static let anySize = 1 << 30

    /// From now on another worker gets what comes of a data producer. Idempotent.
    func handOver(_ id: DataProducerID, to worker: Int) throws(MediaCoreError) -> DataProducerDescription {
        guard let router = plane.engine.router(of: id), let state = plane.engine.state(of: id) else {
            throw MediaCoreError(.notFound, name: "Error", message: "DataProducer with id \"\(id)\" not found")
        }
        if !handover.workers(of: id).contains(worker) {
            let consumer = DataConsumerID.random()
            let transport = try handoverTransport(on: router)
            hidden.insert(.dataConsumer(consumer))
            do {
                _ = try command { engine, outbox, now throws(SFUError) in
                    try engine.consumeData(
                        DataConsumerSetup(transport: transport, id: consumer, producer: id), now: now, into: &outbox)
                }
            } catch {
                hidden.remove(.dataConsumer(consumer))
                throw error
            }
            handover.add(consumer, of: id, on: router, to: worker)
        }
        return DataProducerDescription(state)
    }

    /// Another worker's data producer is to be had here. Idempotent.
    func takeOver(_ original: DataProducerDescription, on router: RouterID) throws(MediaCoreError) {
        guard plane.engine.state(of: original.id) == nil else { return }
        let transport = try handoverTransport(on: router)
        handover.take(original.id)
        do {
            _ = try command { engine, _, _ throws(SFUError) in
                try engine.produceData(
                    DataProducerSetup(
                        transport: transport, id: original.id, label: original.label,
                        subprotocol: original.subprotocol, paused: original.paused))
            }
        } catch {
            handover.drop(original.id)
            throw error
        }
    }

    func isPaused(_ id: DataProducerID) -> Bool? { plane.engine.state(of: id)?.paused }

    func setTakenOver(_ id: DataProducerID, paused: Bool) {
        guard handover.taken.contains(id), plane.engine.state(of: id)?.paused != paused else { return }
        try? setPaused(paused, id)
    }

    func dropTakenOver(_ id: DataProducerID) {
        guard handover.taken.contains(id) else { return }
        closing { engine, outbox, now in engine.close(id, now: now, into: &outbox) }
        handover.drop(id)
    }

    private func handoverTransport(on router: RouterID) throws(MediaCoreError) -> TransportID {
        if let transport = handover.transports[router], plane.engine.router(of: transport) != nil { return transport }
        let transport = try makeDirectTransport(on: router, maximumMessageSize: Self.anySize)
        hidden.insert(.transport(transport))
        handover.transports[router] = transport
        return transport
    }

    /// Another worker's word about a data producer that was taken over from it.
    func take(_ note: DataNote) {
        switch note {
        case .message(let id, let message, let subchannels, let required):
            guard handover.taken.contains(id) else { return }
            // It may have closed while the message was on its way.
            try? command { engine, outbox, now throws(SFUError) in
                try engine.send(
                    message, on: id, subchannels: subchannels, required: required, now: now, into: &outbox)
            }
        case .paused(let id, let isPaused): setTakenOver(id, paused: isPaused)
        case .closed(let id): dropTakenOver(id)
        }
    }

    /// Events that nobody outside is told: messages, which go to their readers, and what concerns handing over.
    func isInternal(_ event: SFUEvent) -> Bool {
        if let (worker, note) = handover.note(of: event) {
            exchange.post(.data(note), to: worker)
            if case .dataConsumerClosed(let id, _) = event { forgetOutlet(id) }
            return true
        }
        switch event {
        case .dataConsumerMessage(let id, let message):
            dataReaders[id]?.add(message)
            return true
        case .dataConsumerClosed(let id, _) where hidden.contains(.dataConsumer(id)):
            forgetOutlet(id)
            return true
        // The original's end is told by its own worker.
        case .dataProducerClosed(let id) where handover.taken.contains(id):
            handover.drop(id)
            return true
        default: return false
        }
    }

    private func forgetOutlet(_ id: DataConsumerID) {
        handover.remove(id)
        hidden.remove(.dataConsumer(id))
    }
}
