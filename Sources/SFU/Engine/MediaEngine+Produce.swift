import Base
import ORTC

extension MediaEngine {
    /// Takes on a track that the transport's remote side sends.
    /// - Throws: mediasoup's errors: malformed parameters, codecs that the router doesn't have, SSRCs and MIDs that
    ///   are taken on this transport.
    public mutating func produce(
        _ setup: ProducerSetup, now: Instant, into out: inout Outbox
    ) throws(SFUError) -> ProducerState {
        let transport = try index(setup.transport, "transport.produce")
        try checkFree(setup.id, on: transport)
        let router = transports[transport].router
        var cname = transports[transport].cname
        let negotiated: ProducerNegotiation
        do {
            var parameters = setup.rtpParameters
            cname.apply(to: &parameters, orUse: makeCNAME())
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
        producerByID[setup.id] = index
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

    private func checkFree(_ id: ProducerID, on transport: SlabIndex) throws(SFUError) {
        guard let taken = producerByID[id] else { return }
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
        let index = try index(id, "producer.pause")
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
            forgetTarget(of: consumer, into: &out)
        }
    }

    /// Forwards again, video from a key frame on, which the source is asked for.
    public mutating func resume(_ id: ProducerID, now: Instant, into out: inout Outbox) throws(SFUError) {
        let index = try index(id, "producer.resume")
        guard producers[index].paused else { return }
        producers[index].paused = false
        tellObservers(of: index, isPaused: false)
        for stream in producers[index].streams { resumeWatch(of: stream, now: now) }
        for position in producers[index].consumers.indices {
            let consumer = producers[index].consumers[position]
            consumers[consumer].producerPaused = false
            out.report(.consumerProducerPaused(consumers[consumer].id, false))
            start(consumer, now: now, into: &out)
            bandwidthWanted(by: consumer, now: now, into: &out)
        }
        for stream in producers[index].streams { requestKeyFrame(of: stream, isForced: true, now: now, into: &out) }
    }
}
