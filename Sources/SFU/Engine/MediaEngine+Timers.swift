import Base

extension MediaEngine {
    /// Timers come in steps of 10 ms, so that many of them cost one walk.
    private static var granularity: Duration { .milliseconds(10) }

    /// Timers that are due: RTCP, key frame requests that were kept, streams that fell silent.
    public mutating func advance(to now: Instant, into out: inout Outbox) {
        advanceSCTP(to: now, into: &out)
        guard let due = timer, due <= now else { return }
        timer = nil
        var next: Instant?
        for slot in 0..<producers.slotCount {
            guard let index = producers.index(ofSlot: slot) else { continue }
            advanceFlow(of: index, to: now, into: &out)
            next = soonest(next, producers[index].flowDeadline(configuration.flowTimeout))
        }
        for slot in 0..<streams.slotCount {
            guard let index = streams.index(ofSlot: slot) else { continue }
            advanceKeyFrameRequest(of: index, to: now, into: &out)
            next = soonest(next, streams[index].requester.deadline)
            advanceSilence(of: index, to: now, into: &out)
            next = soonest(next, silenceDeadline(of: index))
            advancePacketRequests(of: index, to: now, into: &out)
            next = soonest(next, streams[index].reception?.nack?.nextDeadline)
        }
        for slot in 0..<transports.slotCount {
            guard let index = transports.index(ofSlot: slot) else { continue }
            advanceReports(of: index, to: now, into: &out)
            next = soonest(next, transports[index].reportTimer)
            advanceBandwidth(of: index, to: now, into: &out)
            advanceWebRTC(of: index, to: now, into: &out)
            next = soonest(next, webRTCDeadline(of: index))
            next = soonest(next, transports[index].bandwidth.nextDeadline)
        }
        for slot in 0..<observers.slotCount {
            guard let index = observers.index(ofSlot: slot) else { continue }
            advanceObserver(index, to: now, into: &out)
            next = soonest(next, observers[index].nextUpdate)
        }
        // What had no room in the outbox stays due, and is asked for again in the next step.
        if let next { arm(max(next, now + Self.granularity)) }
    }

    /// When `flush` and `advance` have to be called at the latest; nil: nothing to wait for.
    public var nextDeadline: Instant? {
        var next = soonest(timer, sctpTimer)
        for place in 0..<listed.count { next = soonest(next, streams[listed[place]].release.due) }
        return next
    }

    private func soonest(_ a: Instant?, _ b: Instant?) -> Instant? {
        guard let a else { return b }
        guard let b else { return a }
        return min(a, b)
    }

    private mutating func advanceFlow(of index: SlabIndex, to now: Instant, into out: inout Outbox) {
        guard let deadline = producers[index].flowDeadline(configuration.flowTimeout), deadline <= now else { return }
        producers[index].isFlowing = false
        out.report(.producerFlowing(producers[index].id, false))
    }

    // MARK: - Load

    /// Packets are being held by the coalescing window: the driver may sleep until `nextDeadline` without watching
    /// its sockets, instead of waking for each datagram.
    public var isHolding: Bool {
        guard meter.isOpen else { return false }
        for place in 0..<listed.count where streams[listed[place]].release.live != nil { return true }
        return false
    }

    /// Whether `learned` wants the thread's CPU time now; once in 20 ms, so the driver needs no clock call per turn.
    public func wantsLoad(at now: Instant) -> Bool { meter.isDue(at: now) }

    /// Tells how much CPU time the driver's thread has used since it started.
    public mutating func learned(threadCPUTime: Duration, now: Instant) {
        meter.learned(threadCPUTime: threadCPUTime, now: now)
    }

    /// Share of a core that the traffic would take without coalescing, and whether the window is open.
    public var load: (share: Double, isWindowOpen: Bool) { (meter.load, meter.isOpen) }
}

extension Producer {
    /// When the producer counts as silent; nil while it does.
    func flowDeadline(_ timeout: Duration) -> Instant? {
        guard isFlowing, let lastPacket else { return nil }
        return lastPacket + timeout
    }
}
