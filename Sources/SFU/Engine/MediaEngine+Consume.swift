import Base
import ORTC

extension MediaEngine {
    /// Sends a producer's track to the transport's remote side, as soon as that is known.
    /// - Throws: mediasoup's errors: an unknown producer (of another router, too), capabilities without its codec.
    public mutating func consume(
        _ setup: ConsumerSetup, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> ConsumerState {
        let transport = try index(setup.transport, "transport.consume")
        guard let producer = producer(setup.producer, on: transports[transport].router) else {
            throw SFUError(.notFound, "Producer with id \"\(setup.producer)\" not found")
        }
        guard consumerByID[setup.id] == nil else {
            throw SFUError(
                .conflict, "Channel request handler with ID \(setup.id) already exists [method:transport.consume]")
        }
        if transports[transport].kind.isPipe { return pipe(producer, setup, on: transport, now: now, into: &out) }
        let kind = producers[producer].kind
        var parameters: RTPParameters
        do {
            parameters = try negotiateConsumer(
                consumable: producers[producer].consumableRTPParameters, capabilities: setup.rtpCapabilities,
                enableRTX: setup.enableRTX ?? enablesRTXByDefault(kind), ssrc: makeFreeSSRCs(2, on: transport), mid: nil
            )
        } catch {
            throw SFUError(error)
        }
        parameters.mid = setup.mid ?? transports[transport].makeMID()
        if let numbering = setup.numbering {
            parameters = numbering.renumbered(parameters)
            guard parameters.codecs.contains(where: { !$0.isRTX }) else {
                throw SFUError(.unsupported("no compatible media codecs"))
            }
        }

        let index = consumers.insert(
            Consumer(
                setup, parameters: parameters, kind: kind, type: ConsumerType(of: producers[producer].type),
                transport: transport, producer: producer, producerPaused: producers[producer].paused))
        consumerByID[setup.id] = index
        transports[transport].consumers.append(index)
        producers[producer].consumers.append(index)
        addSender(
            of: index, encoding: 0, reading: producers[producer].streams[0], hasLayers: consumers[index].layers != nil,
            numbering: setup.numbering)
        for sender in consumers[index].senders { senders[sender].forwarder.skipsDiscontinuous = setup.ignoresDTX }
        consumedBandwidth(index, now: now, into: &out)
        start(index, now: now, into: &out)
        return consumers[index].state(score(of: index))
    }

    /// Gives a consumer an outgoing stream for one of its encodings.
    /// - Parameters:
    ///   - hasLayers: It may get less than the stream, or other streams (types simulcast and svc).
    ///   - numbering: The one that the consumer's parameters are in, if it isn't the router's.
    mutating func addSender(
        of consumer: SlabIndex, encoding: Int, reading stream: SlabIndex, hasLayers: Bool = false,
        numbering: ReceiverNumbering? = nil
    ) {
        let transport = consumers[consumer].transport
        let firstSequence = UInt16.random(in: 1000...32_767, using: &random)
        let index = senders.insert(
            SendStream(
                consumers[consumer].rtpParameters, encoding: encoding, kind: consumers[consumer].kind,
                consumer: consumer, transport: transport, stream: stream,
                firstSequence: firstSequence, firstRTXSequence: UInt16.random(in: 1000...32_767, using: &random),
                layers: hasLayers ? layerRewriter(of: consumer, firstSequence: firstSequence) : nil,
                numbering: numbering))
        consumers[consumer].senders.append(index)
        transports[transport].senderBySSRC[senders[index].ssrc] = index
        if let rtx = senders[index].rtxSSRC { transports[transport].rtxSSRCs.insert(rtx) }
        streams[stream].senders.append(index)
    }

    /// Takes a sender from the stream that it reads.
    mutating func detach(_ index: SlabIndex) {
        let stream = senders[index].stream
        guard streams.contains(stream) else { return }
        streams[stream].senders.removeAll { $0 == index }
        streams[stream].served = 0
    }

    /// What the receiver of a consumer gets, and what its producer gives.
    func score(of consumer: SlabIndex) -> ReceiverScore {
        let producer = consumers[consumer].producer
        var current: UInt8 = 0
        var own: UInt8 = 10
        if let sender = consumers[consumer].senders.first {
            own = min(senders[sender].reports.score.value, senders[sender].failures.score)
            current = isForwarding(consumer) ? streams[senders[sender].stream].score : 0
        }
        var all: [UInt8] = []
        for place in 0..<producers[producer].streams.count {
            all.append(streams[producers[producer].streams[place]].score)
        }
        return ReceiverScore(score: own, producerScore: current, producerScores: all)
    }

    /// False also for unknown ids and invalid capabilities.
    public func canConsume(_ producer: ProducerID, on router: RouterID, _ capabilities: RTPCapabilities) -> Bool {
        guard let router = routerByID[router], let index = self.producer(producer, on: router) else { return false }
        return ORTC.canConsume(producers[index].consumableRTPParameters, capabilities)
    }

    /// The first of `count` SSRCs in a row that no stream of a transport has, its retransmissions neither: two streams of
    /// one SSRC would use a nonce of AEAD suites twice.
    mutating func makeFreeSSRCs(_ count: Int, on transport: SlabIndex) -> UInt32 {
        while true {
            let first = makeSSRC()
            let isFree = (0..<UInt32(count)).allSatisfy {
                transports[transport].senderBySSRC[first &+ $0] == nil
                    && !transports[transport].rtxSSRCs.contains(first &+ $0)
            }
            if isFree { return first }
        }
    }

    public mutating func pause(_ id: ConsumerID, now: Instant, into out: inout Outbox) throws(SFUError) {
        let index = try index(id, "consumer.pause")
        consumers[index].paused = true
        for sender in consumers[index].senders { senders[sender].stop() }
        bandwidthFreed(by: index)
        forgetTarget(of: index, into: &out)
    }

    public mutating func resume(_ id: ConsumerID, now: Instant, into out: inout Outbox) throws(SFUError) {
        let index = try index(id, "consumer.resume")
        guard consumers[index].paused else { return }
        consumers[index].paused = false
        start(index, now: now, into: &out)
        bandwidthWanted(by: index, now: now, into: &out)
    }

    /// Asks the producer behind a consumer for a key frame. Not while either is paused or there is nowhere to send to.
    public mutating func requestKeyFrame(_ id: ConsumerID, now: Instant, into out: inout Outbox) throws(SFUError) {
        requestKeyFrame(by: try index(id, "consumer.requestKeyFrame"), now: now, into: &out)
    }

    // MARK: - Starting

    /// Begins forwarding when nothing stands against it: with the cached group of pictures, else at a key frame that
    /// the source is asked for; without key frame detection at once, audio beside its sender's picture.
    mutating func start(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        guard consumers[index].layers == nil else {
            reconsider(index, now: now, into: &out)
            return
        }
        for sender in consumers[index].senders { startSender(sender, now: now, into: &out) }
    }

    mutating func startSender(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        guard consumers[senders[index].consumer].isActive, transports[senders[index].transport].isConnected else {
            return
        }
        let consumer = senders[index].consumer
        guard consumers[consumer].layers == nil || consumers[consumer].layers?.target != nil else { return }
        let stream = senders[index].stream
        if senders[index].outlet != nil {
            startOutlet(index, of: stream, now: now, into: &out)
            return
        }
        guard streams[stream].detectsKeyFrames || consumers[consumer].layers != nil else {
            startWithoutKeyFrame(index, stream, now: now)
            return
        }
        if startAtKeyFrame(index, stream, now: now) {
            wake(stream, at: now)
        } else {
            senders[index].forwarder.wait()
            requestKeyFrame(of: stream, now: now, into: &out)
        }
    }

    /// False: no key frame is cached.
    mutating func startAtKeyFrame(_ index: SlabIndex, _ stream: SlabIndex, now: Instant) -> Bool {
        guard let gop = streams[stream].gop.start(in: streams[stream].log, now: now) else { return false }
        let offset = timestampOffset(of: stream, for: index)
        Self.start(&senders, index, at: gop, in: streams, stream, offset: offset)
        senders[index].catchUp.begin(received: streams[stream].receivedCount, now: now)
        return true
    }

    // Both slabs are parameters: two elements of two properties can't be told apart by the exclusivity checks.
    private static func start(
        _ senders: inout Slab<SendStream>, _ index: SlabIndex, at gop: GOPCache.Start,
        in streams: borrowing Slab<ReceiveStream>, _ stream: SlabIndex, offset: UInt32?
    ) {
        senders[index].forwarder.start(
            at: gop, in: streams[stream].log, spatialLayer: UInt8(clamping: streams[stream].encodingIndex),
            offset: offset)
    }
}

// MARK: - Audio beside a picture

extension MediaEngine {
    /// Audio that starts for the first time begins with what came since the picture that its sender's video begins
    /// with: else a recording that is started in the middle would be silent until now.
    private mutating func startWithoutKeyFrame(_ index: SlabIndex, _ stream: SlabIndex, now: Instant) {
        let head = streams[stream].log.head
        var position = head
        if streams[stream].kind == .audio, senders[index].forwarder.packetCount == 0,
            let picture = oldestPicture(
                beside: streams[stream].producer, for: senders[index].transport, now: now)
        {
            position = streams[stream].firstPosition(since: picture)
        }
        senders[index].forwarder.start(at: position)
        guard position < head else { return }
        senders[index].catchUp.begin(received: streams[stream].receivedCount, now: now)
        wake(stream, at: now)
    }

    /// When the oldest picture came that a video consumer of the same sender would begin with now; nil: there is none.
    private func oldestPicture(beside producer: SlabIndex, for receiver: SlabIndex, now: Instant) -> Instant? {
        var oldest: Instant?
        for transport in routers[producers[producer].router].transports {
            for video in transports[transport].producers where producers[video].cname == producers[producer].cname {
                for stream in producers[video].streams {
                    guard let picture = streams[stream].gop.start(in: streams[stream].log, now: now),
                        !isShown(stream, since: picture, to: receiver)
                    else { continue }
                    oldest = min(oldest ?? picture.arrival, picture.arrival)
                }
            }
        }
        return oldest
    }

    /// Whether a receiver has had the video since before this picture: it is live, and old audio would come late.
    private func isShown(_ video: SlabIndex, since picture: GOPCache.Start, to receiver: SlabIndex) -> Bool {
        for sender in streams[video].senders
        where senders[sender].transport == receiver && senders[sender].forwarder.hasBegun(before: picture.index) {
            return true
        }
        return false
    }
}
