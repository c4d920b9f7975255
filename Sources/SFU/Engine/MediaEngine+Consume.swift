import Base
import ORTC

extension MediaEngine {
    /// Sends a producer's track to the transport's remote side, as soon as that is known.
    /// - Throws: mediasoup's errors: an unknown producer (of another router, too), capabilities without its codec.
    public mutating func consume(
        _ setup: ConsumerSetup, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> ConsumerState {
        let transport = try index(setup.transport, "transport.consume")
        guard let producer = producerByID[setup.producer], producers[producer].router == transports[transport].router
        else {
            throw SFUError(.notFound, "Producer with id \"\(setup.producer)\" not found")
        }
        guard consumerByID[setup.id] == nil else {
            throw SFUError(
                .conflict, "Channel request handler with ID \(setup.id) already exists [method:transport.consume]")
        }
        let kind = producers[producer].kind
        var parameters: RTPParameters
        do {
            parameters = try negotiateConsumer(
                consumable: producers[producer].consumableRTPParameters, capabilities: setup.rtpCapabilities,
                enableRTX: setup.enableRTX ?? enablesRTXByDefault(kind), ssrc: makeFreeSSRC(on: transport), mid: nil)
        } catch {
            throw SFUError(error)
        }
        parameters.mid = setup.mid ?? transports[transport].makeMID()

        let index = consumers.insert(
            Consumer(
                setup, parameters: parameters, kind: kind, type: ConsumerType(of: producers[producer].type),
                transport: transport, producer: producer, producerPaused: producers[producer].paused,
                firstSequence: UInt16.random(in: 1000...32_767, using: &random)))
        consumerByID[setup.id] = index
        transports[transport].consumers.append(index)
        transports[transport].consumerBySSRC[consumers[index].forwarder.ssrc] = index
        producers[producer].consumers.append(index)
        start(index, now: now, into: &out)
        return consumers[index].state(producerScore: producers[producer].streamScore)
    }

    /// False also for unknown ids and invalid capabilities.
    public func canConsume(_ producer: ProducerID, on router: RouterID, _ capabilities: RTPCapabilities) -> Bool {
        guard let index = producerByID[producer], let router = routerByID[router], producers[index].router == router
        else { return false }
        return ORTC.canConsume(producers[index].consumableRTPParameters, capabilities)
    }

    private mutating func makeFreeSSRC(on transport: SlabIndex) -> UInt32 {
        // Two may collide with its RTX neighbour only by a chance of 1 in 10⁹; equal ones are looked for.
        while true {
            let ssrc = makeSSRC()
            if transports[transport].consumerBySSRC[ssrc] == nil { return ssrc }
        }
    }

    public mutating func pause(_ id: ConsumerID, now: Instant, into out: inout Outbox) throws(SFUError) {
        let index = try index(id, "consumer.pause")
        consumers[index].paused = true
        consumers[index].forwarder.stop()
        consumers[index].catchUp.end()
    }

    public mutating func resume(_ id: ConsumerID, now: Instant, into out: inout Outbox) throws(SFUError) {
        let index = try index(id, "consumer.resume")
        guard consumers[index].paused else { return }
        consumers[index].paused = false
        start(index, now: now, into: &out)
    }

    /// Asks the producer behind a consumer for a key frame. Not while either is paused or there is nowhere to send to.
    public mutating func requestKeyFrame(_ id: ConsumerID, now: Instant, into out: inout Outbox) throws(SFUError) {
        requestKeyFrame(by: try index(id, "consumer.requestKeyFrame"), now: now, into: &out)
    }

    // MARK: - Starting

    /// Begins forwarding when nothing stands against it: with the cached group of pictures, else at a key frame that
    /// the source is asked for; without key frame detection at once, audio beside its sender's picture.
    mutating func start(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        guard consumers[index].isActive, transports[consumers[index].transport].isConnected else { return }
        let producer = consumers[index].producer
        guard producers[producer].detectsKeyFrames else {
            startWithoutKeyFrame(index, producer, now: now)
            return
        }
        if startAtKeyFrame(index, producer, now: now) {
            wake(producer, at: now)
        } else {
            consumers[index].forwarder.wait()
            requestKeyFrame(of: producer, now: now, into: &out)
        }
    }

    /// False: no key frame is cached.
    mutating func startAtKeyFrame(_ index: SlabIndex, _ producer: SlabIndex, now: Instant) -> Bool {
        guard let gop = producers[producer].gop.start(in: producers[producer].log, now: now) else { return false }
        Self.start(&consumers, index, at: gop, in: producers, producer)
        consumers[index].catchUp.begin(received: producers[producer].stream?.packetCount ?? 0, now: now)
        return true
    }

    // Both slabs are parameters: two elements of two properties can't be told apart by the exclusivity checks.
    private static func start(
        _ consumers: inout Slab<Consumer>, _ index: SlabIndex, at gop: GOPCache.Start,
        in producers: borrowing Slab<Producer>, _ producer: SlabIndex
    ) {
        consumers[index].forwarder.start(at: gop, in: producers[producer].log)
    }
}

// MARK: - Audio beside a picture

extension MediaEngine {
    /// Audio that starts for the first time begins with what came since the picture that its sender's video begins
    /// with: else a recording that is started in the middle would be silent until now.
    private mutating func startWithoutKeyFrame(_ index: SlabIndex, _ producer: SlabIndex, now: Instant) {
        let head = producers[producer].log.head
        var position = head
        if producers[producer].kind == .audio, consumers[index].forwarder.packetCount == 0,
            let picture = oldestPicture(beside: producer, for: consumers[index].transport, now: now)
        {
            position = producers[producer].firstPosition(since: picture)
        }
        consumers[index].forwarder.start(at: position)
        guard position < head else { return }
        consumers[index].catchUp.begin(received: producers[producer].stream?.packetCount ?? 0, now: now)
        wake(producer, at: now)
    }

    /// When the oldest picture came that a video consumer of the same sender would begin with now; nil: there is none.
    private func oldestPicture(beside producer: SlabIndex, for receiver: SlabIndex, now: Instant) -> Instant? {
        var oldest: Instant?
        for transport in routers[producers[producer].router].transports {
            for video in transports[transport].producers where producers[video].cname == producers[producer].cname {
                guard let picture = producers[video].gop.start(in: producers[video].log, now: now),
                    !isShown(video, since: picture, to: receiver)
                else { continue }
                oldest = min(oldest ?? picture.arrival, picture.arrival)
            }
        }
        return oldest
    }

    /// Whether a receiver has had the video since before this picture: it is live, and old audio would come late.
    private func isShown(_ video: SlabIndex, since picture: GOPCache.Start, to receiver: SlabIndex) -> Bool {
        for consumer in transports[receiver].consumers
        where consumers[consumer].producer == video && consumers[consumer].forwarder.hasBegun(before: picture.index) {
            return true
        }
        return false
    }
}
