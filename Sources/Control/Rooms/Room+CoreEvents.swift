import Base
import Events
import MediaCore

extension Room {
    /// Applies what the core says has happened by itself. Objects that this room has closed already are unknown here:
    /// the core's word about them comes late and changes nothing.
    func apply(_ event: MediaCoreEvent) {
        switch event {
        case .transportConnected(let id, let tuple):
            transports[id]?.value.tuple = tuple
            if let transport = transports[id]?.value { publishConnected(transport, tuple, rtcp: false) }
        case .transportRTCPConnected(let id, let tuple):
            transports[id]?.value.rtcpTuple = tuple
            if let transport = transports[id]?.value { publishConnected(transport, tuple, rtcp: true) }
        case .iceSelectedTuple(let id, let tuple): apply(selected: tuple, of: id)
        case .iceState(let id, let state): apply(ice: state, of: id)
        case .dtlsState(let id, let state, let reason): apply(dtls: state, reason: reason, of: id)
        case .transportClosed(let id):
            if let transport = transports[id]?.value { forgetTransport(transport, reason: ClosingReason.roomClosed) }
        case .producerScore(let id, let scores):
            producers[id]?.value.scores = scores
            if let producer = producers[id]?.value {
                let streams = scores.map { StreamScore(ssrc: $0.ssrc, rid: $0.rid, score: $0.score) }
                events.publish(.producerScore(subject(of: producer), streams))
                tell(producer.broadcaster, .producerScore(id, scores))
            }
        case .producerFlowing(let id, let flowing): setFlowing(id, flowing)
        case .producerClosed(let id):
            if let producer = producers[id]?.value {
                forgetProducer(producer, reason: ClosingReason.transportClosed)
            }
        case .consumerScore(let id, let score):
            consumers[id]?.value.score = score
            if let consumer = consumers[id]?.value {
                events.publish(
                    .consumerScore(subject(of: consumer), score: score.score, producerScore: score.producerScore))
                tell(consumer.broadcaster, .consumerScore(id, score))
            }
        case .consumerProducerPaused(let id, let paused): setProducerPaused(id, paused)
        case .consumerClosed(let id, let reason):
            if let consumer = consumers[id]?.value { forgetConsumer(consumer, reason: reason.rawValue) }
        case .consumerLayers(let id, let layers):
            consumers[id]?.value.layers = layers
            if let consumer = consumers[id]?.value {
                let pair = layers.map { LayerPair(spatialLayer: $0.spatialLayer, temporalLayer: $0.temporalLayer) }
                events.publish(.consumerLayers(subject(of: consumer), pair))
                tell(consumer.broadcaster, .consumerLayers(id, layers))
            }
        case .transportTrace(let id, let trace): apply(trace, of: id)
        case .observerVolumes(_, let volumes): apply(volumes: volumes)
        case .observerSilence: applySilence()
        case .observerDominantSpeaker(_, let producer): apply(dominant: producer)
        case .died, .observerClosed: break
        // Nobody in a room watches these.
        case .producerTrace, .consumerTrace, .producerVideoOrientation: break
        case .sctpState, .dataProducerClosed, .dataConsumerClosed, .dataConsumerProducerPaused,
            .dataConsumerBufferFull, .dataConsumerBufferLow:
            applyData(event)
        }
    }

    private func setFlowing(_ id: ProducerID, _ flowing: Bool) {
        guard let producer = producers[id]?.value, producer.flowing != flowing else { return }
        producers[id]?.value.flowing = flowing
        events.publish(flowing ? .mediaFlowing(subject(of: producer)) : .mediaNotFlowing(subject(of: producer)))
    }

    private func setProducerPaused(_ id: ConsumerID, _ paused: Bool) {
        guard let consumer = consumers[id]?.value, consumer.producerPaused != paused else { return }
        consumers[id]?.value.producerPaused = paused
        let subject = subject(of: consumer)
        events.publish(
            paused ? .consumerPaused(subject, byProducer: true) : .consumerResumed(subject, byProducer: true))
        tell(consumer.broadcaster, .consumerProducerPaused(id, paused))
    }
}
