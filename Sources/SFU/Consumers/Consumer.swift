import Base
import ORTC

/// One producer's track as one receiver gets it: mediasoup's Consumer, of type simple.
struct Consumer: ~Copyable {
    let id: ConsumerID
    let transport: SlabIndex
    let producer: SlabIndex
    let producerID: ProducerID
    let kind: MediaKind
    let type: ConsumerType
    let rtpParameters: RTPParameters
    let mimeType: String

    /// Two flags, told apart: the receiver's own wish, and the producer's state.
    var paused: Bool
    var producerPaused: Bool

    var forwarder: PacketForwarder
    var catchUp = CatchUp()
    var rate = RateMeter(window: RateMeter.streamWindow)
    var reports = ConsumerReports()
    var pliCount = 0
    var firCount = 0
    var nackCount = 0
    var nackPacketCount = 0

    init(
        _ setup: ConsumerSetup, parameters: RTPParameters, kind: MediaKind, type: ConsumerType, transport: SlabIndex,
        producer: SlabIndex, producerPaused: Bool, firstSequence: UInt16
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
        mimeType = parameters.codecs.first?.mimeType ?? ""
        forwarder = PacketForwarder(
            parameters: parameters, ssrc: parameters.encodings.first?.ssrc ?? 0, firstSequence: firstSequence)
    }

    /// Neither the receiver nor the producer is paused.
    var isActive: Bool { !paused && !producerPaused }

    func score(producerScore: UInt8) -> ReceiverScore {
        ReceiverScore(score: reports.score.value, producerScore: producerScore, producerScores: [producerScore])
    }

    func state(producerScore: UInt8) -> ConsumerState {
        ConsumerState(
            id: id, producer: producerID, kind: kind, type: type.rawValue, rtpParameters: rtpParameters, paused: paused,
            producerPaused: producerPaused, score: score(producerScore: producerScore))
    }
}
