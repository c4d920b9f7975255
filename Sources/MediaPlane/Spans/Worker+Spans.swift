import Base
import MediaCore
import ORTC
import SFU

extension Worker {
    /// Makes this worker's part of a router that spans workers, if it is not there: a router of the same id and codecs.
    func admitPart(of router: RouterID) throws(MediaCoreError) {
        try checkIsUp()
        guard case .isNew(let mediaCodecs) = spans.admit(number, to: router) else { return }
        do { _ = try plane.engine.createRouter(id: router, mediaCodecs: mediaCodecs ?? RouterCodecs.standard) } catch {
            throw MediaCoreError(error)
        }
    }

    func closePart(of router: RouterID) {
        closing { engine, outbox, now in engine.close(router, now: now, into: &outbox) }
    }

    /// - Parameter router: Nil: all.
    func cutSpans(of router: RouterID?) {
        if isShutDown { return }
        plane.engine.cutLinks(of: router)
        handover.cut(router)
    }

    func hasProducer(_ producer: ProducerID, on router: RouterID) -> Bool {
        plane.engine.hasProducer(producer, on: router)
    }

    func closeUnusedLink(_ producer: ProducerID, on router: RouterID) {
        closing { engine, outbox, now in engine.closeUnusedLink(producer, on: router, now: now, into: &outbox) }
    }

    /// The router that something of this worker belongs to.
    func router(of object: Directory.Object) -> RouterID? {
        switch object {
        case .router(let id): id
        case .transport(let id): plane.engine.router(of: id)
        case .producer(let id): plane.engine.router(of: id)
        case .observer(let id): plane.engine.router(of: id)
        case .dataProducer(let id): plane.engine.router(of: id)
        case .consumer, .dataConsumer: nil
        }
    }

    /// Without what hangs between the parts.
    func dumpPart(of router: RouterID) throws(MediaCoreError) -> RouterDump {
        RouterDump(try dump(router), without: hidden)
    }
}
