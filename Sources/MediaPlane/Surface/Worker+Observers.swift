import Base
import MediaCore
import SFU

extension Worker {
    func createObserver(on router: RouterID, _ kind: RTPObserverSetup.Kind) throws(MediaCoreError) -> RTPObserverID {
        let setup = RTPObserverSetup(router: router, id: .random(), kind: kind)
        try command { engine, _, now throws(SFUError) in try engine.createObserver(setup, now: now) }
        directory.enter(.observer(setup.id), on: number)
        return setup.id
    }

    func addProducer(_ producer: ProducerID, to id: RTPObserverID) throws(MediaCoreError) {
        try command { engine, _, now throws(SFUError) in try engine.addProducer(producer, to: id, now: now) }
    }

    func removeProducer(_ producer: ProducerID, from id: RTPObserverID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in
            try engine.removeProducer(producer, from: id, now: now, into: &outbox)
        }
    }

    func pause(_ id: RTPObserverID) throws(MediaCoreError) {
        try command { engine, outbox, now throws(SFUError) in try engine.pause(id, now: now, into: &outbox) }
    }

    func resume(_ id: RTPObserverID) throws(MediaCoreError) {
        try command { engine, _, now throws(SFUError) in try engine.resume(id, now: now) }
    }

    func close(_ id: RTPObserverID) {
        directory.strike(.observer(id))
        closing { engine, _, _ in engine.close(id) }
    }
}
