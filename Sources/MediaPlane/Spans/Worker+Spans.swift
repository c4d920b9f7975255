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
    }

    /// Whether a producer of either kind can be consumed on a router.
    func has(_ producer: Directory.Object, on router: RouterID) -> Bool {
        switch producer {
        case .producer(let id): plane.engine.hasProducer(id, on: router)
        case .dataProducer(let id): plane.engine.hasDataProducer(id, on: router)
        case .router, .transport, .consumer, .observer, .dataConsumer: false
        }
    }

    func closeUnusedLink(_ producer: Directory.Object, on router: RouterID) {
        closing { engine, outbox, now in
            switch producer {
            case .producer(let id): engine.closeUnusedLink(id, on: router, now: now, into: &outbox)
            case .dataProducer(let id): engine.closeUnusedLink(id, on: router, now: now, into: &outbox)
            case .router, .transport, .consumer, .observer, .dataConsumer: break
            }
        }
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
