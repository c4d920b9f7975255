import Base
import ORTC
import RTP

extension MediaEngine {
    /// Makes an observer, which hears nobody yet.
    /// - Throws: mediasoup's errors, its spelling included.
    public mutating func createObserver(_ setup: RTPObserverSetup, now: Instant) throws(SFUError) {
        guard let router = routerByID[setup.router] else {
            throw .noSuchObject(setup.router.rawValue, "router.\(setup.kind.method)")
        }
        guard observerByID[setup.id] == nil else {
            throw SFUError(
                .conflict,
                "Channel request handler with ID \(setup.id) already exists [method:router.\(setup.kind.method)]")
        }
        if case .audioLevel(let maximumEntries, let threshold, _) = setup.kind {
            guard maximumEntries > 0 else { throw .invalid("if given, maxEntries must be a positive number") }
            guard (-127...0).contains(threshold) else {
                throw .invalid("if given, threshole must be a negative number greater than -127")
            }
        }
        let index = observers.insert(RTPObserver(setup, router: router))
        observerByID[setup.id] = index
        routers[router].observers.append(index)
    }

    /// Lets an observer hear a producer of its router.
    /// - Throws: For an unknown producer, for video, and for one that an observer of active speakers hears already; an
    ///   observer of audio levels takes that for granted.
    public mutating func addProducer(
        _ producer: ProducerID, to id: RTPObserverID, now: Instant
    ) throws(SFUError) {
        let index = try index(id, Self.addMethod)
        guard let track = self.producer(producer, on: observers[index].router) else {
            throw SFUError(.notFound, "Producer with id \"\(producer)\" not found")
        }
        guard producers[track].kind == .audio else {
            throw .invalid("not an audio Producer [method:\(Self.addMethod)]")
        }
        let isPaused = producers[track].paused
        observers[index].levels?.add(track, isPaused: isPaused)
        if observers[index].speakers?.add(track, isPaused: isPaused, now: now) == false {
            throw SFUError(.conflict, "Producer already in map [method:\(Self.addMethod)]")
        }
        guard !observers[index].producers.contains(track) else { return }
        observers[index].add(track, now: now)
        producers[track].observers.append(index)
        if let deadline = observers[index].nextUpdate { arm(deadline) }
    }

    private static var addMethod: String { "rtpObserver.addProducer" }

    /// Nothing happens when the observer does not hear it.
    /// - Throws: For an unknown producer.
    public mutating func removeProducer(
        _ producer: ProducerID, from id: RTPObserverID, now: Instant, into out: inout Outbox
    ) throws(SFUError) {
        let index = try index(id, "rtpObserver.removeProducer")
        guard let track = self.producer(producer, on: observers[index].router) ?? producerByID[producer] else {
            throw SFUError(.notFound, "Producer with id \"\(producer)\" not found")
        }
        producers[track].observers.removeAll { $0 == index }
        forget(track, by: index, now: now, into: &out)
        left(track)
    }

    /// Stops listening and telling; silence is told if somebody was loud.
    public mutating func pause(_ id: RTPObserverID, now: Instant, into out: inout Outbox) throws(SFUError) {
        let index = try index(id, "rtpObserver.pause")
        guard !observers[index].isPaused else { return }
        observers[index].pause()
        if let outcome = observers[index].levels?.stop() { report(outcome, of: index, into: &out) }
    }

    public mutating func resume(_ id: RTPObserverID, now: Instant) throws(SFUError) {
        let index = try index(id, "rtpObserver.resume")
        guard observers[index].isPaused else { return }
        observers[index].resume(now: now)
        if let deadline = observers[index].nextUpdate { arm(deadline) }
    }

    /// Nothing happens for an unknown one, which is closed already.
    public mutating func close(_ id: RTPObserverID) {
        guard let index = observerByID[id] else { return }
        routers[observers[index].router].observers.removeAll { $0 == index }
        removeObserver(index)
    }

    // MARK: - What happens to producers

    /// A packet of a producer that somebody hears.
    mutating func observe(_ header: RTPHeader, _ packet: RawSpan, of producer: SlabIndex, now: Instant) {
        let id = producers[producer].audioLevelID
        guard id != 0, header.hasExtension, let element = header.headerExtension(id: id, in: packet),
            let audio = element.audioLevel(in: packet)
        else { return }
        for place in 0..<producers[producer].observers.count {
            observers[producers[producer].observers[place]].receive(level: audio.level, from: producer, now: now)
        }
    }

    mutating func tellObservers(of producer: SlabIndex, isPaused: Bool) {
        for observer in producers[producer].observers { observers[observer].setPaused(isPaused, producer) }
    }

    /// The producer closes.
    mutating func leaveObservers(_ producer: SlabIndex, now: Instant, into out: inout Outbox) {
        for observer in producers[producer].observers { forget(producer, by: observer, now: now, into: &out) }
        producers[producer].observers = []
    }

    private mutating func forget(
        _ producer: SlabIndex, by index: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        observers[index].producers.removeAll { $0 == producer }
        observers[index].levels?.remove(producer)
        if let next = observers[index].speakers?.remove(producer, now: now) { report(dominant: next, of: index, &out) }
    }

    // MARK: - Intervals

    mutating func advanceObserver(_ index: SlabIndex, to now: Instant, into out: inout Outbox) {
        guard let due = observers[index].nextUpdate, due <= now else { return }
        if let outcome = observers[index].levels?.update() { report(outcome, of: index, into: &out) }
        if let next = observers[index].speakers?.update(now: now) { report(dominant: next, of: index, &out) }
        observers[index].beginInterval(now: now)
    }

    private mutating func report(dominant producer: SlabIndex, of index: SlabIndex, _ out: inout Outbox) {
        out.report(.observer(observers[index].id, .dominantSpeaker(producers[producer].id)))
    }

    private mutating func report(
        _ outcome: AudioLevelObserver<SlabIndex>.Outcome, of index: SlabIndex, into out: inout Outbox
    ) {
        switch outcome {
        case .nothing: break
        case .silence: out.report(.observer(observers[index].id, .silence))
        case .volumes(let volumes):
            var told: [ProducerVolume] = []
            for entry in volumes {
                told.append(ProducerVolume(producer: producers[entry.track].id, volume: entry.volume))
            }
            out.report(.observer(observers[index].id, .volumes(told)))
        }
    }

    // MARK: - Closing

    /// The router is about to close: nobody speaks next only because others leave before.
    mutating func muteObservers(of router: SlabIndex) {
        for index in routers[router].observers {
            observers[index].levels = nil
            observers[index].speakers = nil
        }
    }

    /// The router closes: its producers have gone already.
    mutating func closeObservers(of router: SlabIndex, into out: inout Outbox) {
        for index in routers[router].observers {
            out.report(.observer(observers[index].id, .closed))
            removeObserver(index)
        }
        routers[router].observers = []
    }

    private mutating func removeObserver(_ index: SlabIndex) {
        observerByID[observers[index].id] = nil
        for producer in observers[index].producers {
            producers[producer].observers.removeAll { $0 == index }
            left(producer)
        }
        _ = observers.remove(index)
    }
}

extension RTPObserverSetup.Kind {
    fileprivate var method: String {
        switch self {
        case .audioLevel: "createAudioLevelObserver"
        case .activeSpeaker: "createActiveSpeakerObserver"
        }
    }
}
