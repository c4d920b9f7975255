import Base
import ORTC

/// One producer's track as one receiver gets it: mediasoup's Consumer.
struct Consumer: ~Copyable {
    let id: ConsumerID
    let transport: SlabIndex
    let producer: SlabIndex
    let producerID: ProducerID
    let kind: MediaKind
    let type: ConsumerType
    let rtpParameters: RTPParameters

    /// Two flags, told apart: the receiver's own wish, and the producer's state.
    var paused: Bool
    var producerPaused: Bool

    var traces: TraceEventTypes = []
    /// What it gets of its transport's bandwidth.
    var share = BandwidthShare()
    /// Of types simulcast and svc.
    var layers: LayerSelection?

    /// One, or for a pipe one for each encoding, in their order.
    var senders: [SlabIndex] = []
    /// A pipe within this process: the link that its streams go over.
    var link: MediaLink?

    init(
        _ setup: ConsumerSetup, parameters: RTPParameters, kind: MediaKind, type: ConsumerType, transport: SlabIndex,
        producer: SlabIndex, producerPaused: Bool
    ) {
        id = setup.id
        producerID = setup.producer
        paused = setup.paused
        self.producerPaused = producerPaused
        self.kind = kind
        self.type = type
        self.transport = transport
        self.producer = producer
        rtpParameters = parameters
        if type == .simulcast || type == .svc {
            let mode = ScalabilityMode(parsing: parameters.encodings.first?.scalabilityMode)
            var selection = LayerSelection(
                spatialLayers: mode.spatialLayers, temporalLayers: mode.temporalLayers, isSVC: type == .svc,
                isKSVC: mode.ksvc)
            if let wanted = setup.preferredLayers {
                _ = selection.preference.prefer(
                    spatialLayer: wanted.spatialLayer, temporalLayer: wanted.temporalLayer)
            }
            layers = selection
        }
    }

    /// Neither the receiver nor the producer is paused.
    var isActive: Bool { !paused && !producerPaused }

    func state(_ score: ReceiverScore) -> ConsumerState {
        ConsumerState(
            id: id, producer: producerID, kind: kind, type: type.rawValue, rtpParameters: rtpParameters, paused: paused,
            producerPaused: producerPaused, score: score, preferredLayers: layers?.preference.preferred)
    }
}
