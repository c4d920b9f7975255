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

    let codecs: CodecTable
    let extensions: ExtensionMap
    /// Consumers wait for a key frame.
    let detectsKeyFrames: Bool

    /// It is another router's, and comes over this link.
    var link: MediaLink?

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

        codecs = CodecTable(negotiated.rtpParameters, negotiated.mapping)
        extensions = ExtensionMap(negotiated.rtpParameters, kind: setup.kind, router: routerCapabilities)
        let codec = negotiated.rtpParameters.encodings.first.flatMap { negotiated.rtpParameters.codec(for: $0) }
        detectsKeyFrames = codec.map { PayloadCodec(mimeType: $0.mimeType).hasKeyFrameDetection } ?? false
    }

    var state: ProducerState {
        ProducerState(id: id, kind: kind, type: type.rawValue, rtpParameters: rtpParameters, paused: paused)
    }
}

extension Producer {
    /// Which of the encodings a packet belongs to; nil: to none.
    func stream(for header: RTPHeader) -> SlabIndex? { streams.first }
}
