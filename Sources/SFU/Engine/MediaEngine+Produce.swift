import Base
import ORTC

extension MediaEngine {
    /// Takes on a track that the transport's remote side sends.
    /// - Throws: mediasoup's errors: malformed parameters, codecs that the router doesn't have, SSRCs and MIDs that
    ///   are taken on this transport.
    public mutating func produce(
        _ setup: ProducerSetup, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> ProducerState {
        try produce(setup, over: nil, now: now)
    }

    /// - Parameter link: Nil, or what brings the track from another router of this process.
    mutating func produce(
        _ setup: ProducerSetup, over link: MediaLink?, now: Instant
    ) throws(SFUError) -> ProducerState {
        let transport = try index(setup.transport, "transport.produce")
        try checkFree(setup.id, on: transport, linked: link != nil)
        let router = transports[transport].router
        var cname = transports[transport].cname
        let negotiated: ProducerNegotiation
        do {
            var parameters = setup.rtpParameters
            // A pipe keeps the name that the sender goes by on the other side: its tracks belong together here, too.
            if !transports[transport].kind.isPipe || parameters.rtcp.cname?.isEmpty != false {
                cname.apply(to: &parameters, orUse: makeCNAME())
            }
            negotiated = try negotiateProducer(
                kind: setup.kind, rtpParameters: parameters, routerCapabilities: routers[router].rtpCapabilities,
                firstMappedSSRC: makeSSRC())
        } catch {
            throw SFUError(error)
        }
        try transports[transport].listener.check(negotiated.rtpParameters)

        let index = producers.insert(
            Producer(
                setup, negotiated: negotiated, transport: transport, router: router,
                routerCapabilities: routers[router].rtpCapabilities))
        if let link {
            linkedProducers[LinkedProducer(id: setup.id, router: router)] = index
            producerByLink[link.id] = index
            producers[index].link = link
        } else {
            producerByID[setup.id] = index
        }
        for encoding in negotiated.rtpParameters.encodings.indices {
            producers[index].streams.append(
                streams.insert(
                    ReceiveStream(
                        negotiated, encoding: encoding, kind: setup.kind, producer: index, transport: transport,
                        keyFrameRequestDelay: setup.keyFrameRequestDelay, configuration: configuration)))
        }
        routers[router].clocks.join(cname: producers[index].cname)
        transports[transport].cname = cname
        transports[transport].listener.add(negotiated.rtpParameters, index)
        transports[transport].producers.append(index)
        transports[transport].bandwidth.produced(negotiated.rtpParameters)
        return producers[index].state
    }

    private func checkFree(_ id: ProducerID, on transport: SlabIndex, linked: Bool) throws(SFUError) {
        let router = transports[transport].router
        if linkedProducers[LinkedProducer(id: id, router: router)] != nil {
            throw SFUError(.conflict, name: "TypeError", "a Producer with same id \"\(id)\" already exists")
        }
        guard let taken = producerByID[id], !linked || producers[taken].router == router else { return }
        guard producers[taken].transport != transport else {
            throw SFUError(.conflict, name: "TypeError", "a Producer with same id \"\(id)\" already exists")
        }
        throw SFUError(.conflict, "Channel request handler with ID \(id) already exists [method:transport.produce]")
    }

    /// mediasoup's range for SSRCs that it makes up.
    mutating func makeSSRC() -> UInt32 { UInt32.random(in: 100_000_000...999_999_998, using: &random) }

    /// As long as mediasoup's, which is the beginning of a UUID.
    private mutating func makeCNAME() -> String {
        let digits = String(UInt32.random(in: .min ... .max, using: &random), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Stops forwarding. Packets are still received and counted. Nothing happens to a paused one.
    public mutating func pause(_ id: ProducerID, now: Instant, into out: inout Outbox) throws(SFUError) {
        pause(try index(id, "producer.pause"), now: now, into: &out)
    }

    mutating func pause(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        guard !producers[index].paused else { return }
        producers[index].paused = true
        tellObservers(of: index, isPaused: true)
        for stream in producers[index].streams {
            streams[stream].forgetPast()
            countGroup(of: stream, now: now)
            streams[stream].requester.cancel()
        }
        for position in producers[index].consumers.indices {
            let consumer = producers[index].consumers[position]
            consumers[consumer].producerPaused = true
            for sender in consumers[consumer].senders {
                senders[sender].stop()
                senders[sender].forwarder.forgetPlace()
            }
            bandwidthFreed(by: consumer)
            out.report(.consumerProducerPaused(consumers[consumer].id, true))
            tellLink(of: consumer)
            forgetTarget(of: consumer, into: &out)
        }
    }

    /// Forwards again, video from a key frame on, which the source is asked for.
    public mutating func resume(_ id: ProducerID, now: Instant, into out: inout Outbox) throws(SFUError) {
        resume(try index(id, "producer.resume"), now: now, into: &out)
    }

    mutating func resume(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        guard producers[index].paused else { return }
        producers[index].paused = false
        tellObservers(of: index, isPaused: false)
        for stream in producers[index].streams { resumeWatch(of: stream, now: now) }
        for position in producers[index].consumers.indices {
            let consumer = producers[index].consumers[position]
            consumers[consumer].producerPaused = false
            out.report(.consumerProducerPaused(consumers[consumer].id, false))
            tellLink(of: consumer)
            start(consumer, now: now, into: &out)
            bandwidthWanted(by: consumer, now: now, into: &out)
        }
        for stream in producers[index].streams { requestKeyFrame(of: stream, isForced: true, now: now, into: &out) }
    }
}
