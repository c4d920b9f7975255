import Base
import MediaCore
import ORTC
import SFU

// Producers and consumers: what `MediaCore` asks for.
extension Worker {
    /// A name that was given is kept for it before anybody else can take it, on whatever worker.
    func produce(
        on transport: TransportID, _ options: ProduceOptions
    ) throws(MediaCoreError) -> ProducerDescription {
        try checkIsUp()
        let id = options.id ?? .random()
        guard directory.reserve(.producer(id), on: number) else {
            throw MediaCoreError(
                .conflict, name: "TypeError", message: "a Producer with same id \"\(id)\" already exists")
        }
        let setup = ProducerSetup(
            transport: transport, id: id, kind: options.kind, rtpParameters: options.rtpParameters,
            paused: options.paused, keyFrameRequestDelay: options.keyFrameRequestDelay)
        do {
            return try command { engine, outbox, now throws(SFUError) in
                ProducerDescription(try engine.produce(setup, now: now, into: &outbox))
            }
        } catch {
            directory.strike(.producer(id))
            throw error
        }
    }

    func consume(
        on transport: TransportID, _ options: ConsumeOptions
    ) throws(MediaCoreError) -> ConsumerDescription {
        let setup = ConsumerSetup(
            transport: transport, id: .random(), producer: options.producer,
            rtpCapabilities: options.rtpCapabilities, paused: options.paused, mid: options.mid,
            enableRTX: options.enableRTX, preferredLayers: options.preferredLayers.map { PreferredLayers($0) },
            ignoresDTX: options.ignoresDTX, numbering: options.numbering)
        let description = try command { engine, outbox, now throws(SFUError) in
            let state = try engine.consume(setup, now: now, into: &outbox)
            if let priority = options.priority {
                do throws(SFUError) { try engine.setPriority(state.id, priority, now: now, into: &outbox) } catch {
                    engine.close(state.id, now: now, into: &outbox)
                    throw error
                }
            }
            return ConsumerDescription(state)
        }
        directory.enter(.consumer(description.id), on: number)
        addReader(of: description, on: transport)
        return description
    }

    func canConsume(_ producer: ProducerID, on router: RouterID, _ capabilities: RTPCapabilities) -> Bool {
        !isShutDown && plane.engine.canConsume(producer, on: router, capabilities)
    }

    func pause(_ id: ProducerID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in try engine.pause(id, now: now, into: &outbox) }
    }

    func resume(_ id: ProducerID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in try engine.resume(id, now: now, into: &outbox) }
    }

    func pause(_ id: ConsumerID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in try engine.pause(id, now: now, into: &outbox) }
    }

    func resume(_ id: ConsumerID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in try engine.resume(id, now: now, into: &outbox) }
    }

    func requestKeyFrame(_ id: ConsumerID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in
            try engine.requestKeyFrame(id, now: now, into: &outbox)
        }
    }

    func stats(_ id: TransportID) throws(MediaCoreError) -> JSONValue {
        try command { engine, _, now throws(SFUError) in try engine.stats(of: id, now: now) }
    }

    func stats(_ id: ProducerID) throws(MediaCoreError) -> JSONValue {
        try command { engine, _, now throws(SFUError) in try engine.stats(of: id, now: now) }
    }

    func stats(_ id: ConsumerID) throws(MediaCoreError) -> JSONValue {
        try command { engine, _, now throws(SFUError) in try engine.stats(of: id, now: now) }
    }

    func close(_ id: RouterID) {
        directory.strike(.router(id))
        closing { engine, outbox, now in engine.close(id, now: now, into: &outbox) }
    }
    func close(_ id: TransportID) {
        directory.strike(.transport(id))
        closing(last: id) { engine, outbox, now in engine.close(id, now: now, into: &outbox) }
        hasClosed(.transport(id))
    }
    func close(_ id: ProducerID) {
        directory.strike(.producer(id))
        closing(last: plane.engine.transport(of: id)) { engine, outbox, now in
            engine.close(id, now: now, into: &outbox)
        }
    }
    func close(_ id: ConsumerID) {
        hasClosed(.consumer(id))
        closing { engine, outbox, now in engine.close(id, now: now, into: &outbox) }
    }
}
