import Base
import ORTC
import RTP

/// One track that comes in: mediasoup's Producer.
struct Producer: ~Copyable {
    let id: ProducerID
    let transport: SlabIndex
    let router: SlabIndex
    let kind: MediaKind
    let type: ProducerType
    let rtpParameters: RTPParameters
    let consumableRTPParameters: RTPParameters
    let mapping: RTPMapping
    let cname: String

    var paused: Bool
    /// One for each encoding, in their order.
    var streams: [SlabIndex] = []
    /// In order of creation.
    var consumers: [SlabIndex] = []

    /// Who hears it.
    var observers: [SlabIndex] = []
    /// The sender's id of the extension that tells how loud a packet is; 0: not negotiated.
    let audioLevelID: UInt8

    /// Likewise of how the camera is held.
    let videoOrientationID: UInt8
    /// The last that was told: its four bits.
    var videoOrientation: UInt8?
    var orientationTold: Instant?
    var traces: TraceEventTypes = []

    let codecs: CodecTable
    let extensions: ExtensionMap
    /// Consumers wait for a key frame.
    let detectsKeyFrames: Bool

    /// It is another router's, and comes over this link.
    var link: MediaLink?
    /// It was brought here for its consumers and observers, and goes with the last of them.
    var closesWhenUnused = false

    var isFlowing = false
    var lastPacket: Instant?

    init(
        _ setup: ProducerSetup, negotiated: ProducerNegotiation, transport: SlabIndex, router: SlabIndex,
        routerCapabilities: RTPCapabilities
    ) {
        id = setup.id
        kind = setup.kind
        paused = setup.paused
        self.transport = transport
        self.router = router
        type = negotiated.type
        rtpParameters = negotiated.rtpParameters
        consumableRTPParameters = negotiated.consumableRTPParameters
        mapping = negotiated.mapping
        cname = negotiated.rtpParameters.rtcp.cname ?? ""

        audioLevelID = negotiated.rtpParameters.id(of: .ssrcAudioLevel) ?? 0
        videoOrientationID = negotiated.rtpParameters.id(of: .videoOrientation) ?? 0
        codecs = CodecTable(negotiated.rtpParameters, negotiated.mapping)
        extensions = ExtensionMap(negotiated.rtpParameters, kind: setup.kind, router: routerCapabilities)
        let codec = negotiated.rtpParameters.encodings.first.flatMap { negotiated.rtpParameters.codec(for: $0) }
        detectsKeyFrames = codec.map { PayloadCodec(mimeType: $0.mimeType).hasKeyFrameDetection } ?? false
    }

    var state: ProducerState {
        ProducerState(id: id, kind: kind, type: type.rawValue, rtpParameters: rtpParameters, paused: paused)
    }
}
