import Base
import MediaCore
import ORTC
import SFU

// The engine's values and the vocabulary's are two: floor 4 knows nothing of cores, and cores nothing of sockets.

extension MediaCoreError {
    init(_ error: SFUError) {
        let code: Code =
            switch error.code {
            case .invalid: .invalid
            case .unsupported: .unsupported
            case .notFound: .notFound
            case .conflict: .conflict
            case .failed: .failed
            }
        self.init(code, name: error.name, message: error.message)
    }
}

extension MediaCoreEvent {
    /// Nil for routers, which close by themselves only when the core ends.
    init?(_ event: SFUEvent) {
        let told: MediaCoreEvent? =
            switch event {
            case .transportConnected(let id, let tuple): .transportConnected(id, TransportTuple(tuple))
            case .transportRTCPConnected(let id, let tuple): .transportRTCPConnected(id, TransportTuple(tuple))
            case .iceSelectedTuple(let id, let tuple): .iceSelectedTuple(id, TransportTuple(tuple))
            case .iceState(let id, let state): .iceState(id, ICEState(rawValue: state.rawValue) ?? .new)
            case .dtlsState(let id, .failed(let reason)): .dtlsState(id, .failed, reason: reason)
            case .dtlsState(let id, let state):
                .dtlsState(id, DTLSState(rawValue: state.name) ?? .new, reason: nil)
            case .transportClosed(let id): .transportClosed(id)
            case .producerScore(let id, let scores): .producerScore(id, scores.map(ProducerScore.init))
            case .producerFlowing(let id, let flows): .producerFlowing(id, flows)
            case .producerClosed(let id): .producerClosed(id)
            case .consumerScore(let id, let score): .consumerScore(id, ConsumerScore(score))
            case .consumerLayers(let id, let layers): .consumerLayers(id, layers.map(ForwardedLayers.init))
            case .consumerProducerPaused(let id, let paused): .consumerProducerPaused(id, paused)
            case .consumerClosed(let id, .transportClosed): .consumerClosed(id, .transportClosed)
            case .consumerClosed(let id, .producerClosed): .consumerClosed(id, .producerClosed)
            case .transportTrace(let id, let trace): .transportTrace(id, Trace(trace))
            case .producerTrace(let id, let trace): .producerTrace(id, Trace(trace))
            case .consumerTrace(let id, let trace): .consumerTrace(id, Trace(trace))
            case .producerVideoOrientation(let id, let told):
                .producerVideoOrientation(
                    id, CameraOrientation(camera: told.camera, flip: told.flip, rotation: told.rotation))
            case .observer(let id, .volumes(let volumes)):
                .observerVolumes(id, volumes.map { AudioVolume(producer: $0.producer, volume: $0.volume) })
            case .observer(let id, .silence): .observerSilence(id)
            case .observer(let id, .dominantSpeaker(let producer)): .observerDominantSpeaker(id, producer)
            case .observer(let id, .closed): .observerClosed(id)
            case .sctpState(let id, let state): .sctpState(id, SCTPState(rawValue: state.rawValue) ?? .new)
            case .dataProducerClosed(let id): .dataProducerClosed(id)
            case .dataConsumerClosed(let id, .transportClosed): .dataConsumerClosed(id, .transportClosed)
            case .dataConsumerClosed(let id, .producerClosed): .dataConsumerClosed(id, .dataProducerClosed)
            case .dataConsumerProducerPaused(let id, let paused): .dataConsumerProducerPaused(id, paused)
            case .dataConsumerBufferFull(let id): .dataConsumerBufferFull(id)
            case .dataConsumerBufferLow(let id, let amount): .dataConsumerBufferLow(id, amount)
            // Messages have a way of their own.
            case .dataConsumerMessage: nil
            case .routerClosed: nil
            }
        guard let told else { return nil }
        self = told
    }
}

extension TransportTuple {
    init(_ tuple: EndpointTuple) {
        self.init(
            localAddress: tuple.localAddress, localPort: tuple.localPort, remoteIP: tuple.remote?.ip,
            remotePort: tuple.remote?.port, isTCP: tuple.isTCP)
    }
}

extension ProducerScore {
    init(_ score: StreamScore) {
        self.init(encodingIndex: score.encodingIndex, ssrc: score.ssrc, rid: score.rid, score: score.score)
    }
}

extension ConsumerScore {
    init(_ score: ReceiverScore) {
        self.init(
            score: score.score, producerScore: score.producerScore, producerScores: score.producerScores)
    }
}

extension ForwardedLayers {
    init(_ layers: ConsumerLayers) {
        self.init(spatialLayer: Int(layers.spatialLayer), temporalLayer: Int(layers.temporalLayer))
    }
}

extension PlainTransportDescription {
    init(id: TransportID, _ tuples: PlainTransportTuples, _ srtp: SRTPParameters?) {
        self.init(
            id: id, tuple: TransportTuple(tuples.rtp), rtcpTuple: tuples.rtcp.map(TransportTuple.init),
            srtpParameters: srtp)
    }
}

extension ProducerDescription {
    init(_ state: ProducerState) {
        self.init(
            id: state.id, kind: state.kind, type: state.type, rtpParameters: state.rtpParameters, paused: state.paused)
    }
}

extension ConsumerDescription {
    init(_ state: ConsumerState) {
        self.init(
            id: state.id, producer: state.producer, kind: state.kind, type: state.type,
            rtpParameters: state.rtpParameters, paused: state.paused, producerPaused: state.producerPaused,
            preferredLayers: state.preferredLayers.map(ForwardedLayers.init))
    }
}

extension PipeTransportDescription {
    init(id: TransportID, _ tuples: PlainTransportTuples, _ srtp: SRTPParameters?) {
        self.init(id: id, tuple: TransportTuple(tuples.rtp), srtpParameters: srtp)
    }
}

extension PreferredLayers {
    init(_ layers: WantedLayers) {
        // The engine brings them into what there is.
        self.init(
            spatialLayer: UInt8(clamping: layers.spatialLayer),
            temporalLayer: layers.temporalLayer.map { UInt8(clamping: $0) })
    }
}

extension TraceEventTypes {
    init(_ types: Set<TraceType>) { self.init(types.map(\.rawValue)) }
}

extension Trace {
    init(_ event: TraceEvent) {
        self.init(
            type: event.type.names.first.flatMap(TraceType.init) ?? .rtp,
            timestamp: event.timestamp.nanoseconds / 1_000_000, isIncoming: event.isIncoming, info: event.info)
    }
}
