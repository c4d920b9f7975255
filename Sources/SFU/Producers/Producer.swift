import Base
import ORTC
import RTP

/// One track that comes in: mediasoup's Producer, of type simple (one stream).
struct Producer: ~Copyable {
    let id: ProducerID
    let transport: SlabIndex
    let router: SlabIndex
    let kind: MediaKind
    let type: ProducerType
    let rtpParameters: RTPParameters
    let consumableRTPParameters: RTPParameters
    let cname: String

    var paused: Bool
    /// In order of creation.
    var consumers: [SlabIndex] = []
    /// Which consumer a flush begins with: not always the same one shall be last.
    var rotation = 0
    /// Consumers that a flush has served already when the outbox was full.
    var served = 0

    let codecs: CodecTable
    let extensions: ExtensionMap
    /// Consumers wait for a key frame.
    let detectsKeyFrames: Bool
    var log: PacketLog
    var gop: GOPCache
    /// Nobody starts with what lies before: it came before a pause.
    private var past: UInt64 = 0
    var release = ReleaseSchedule()

    /// Announced; nil: the first stream that comes is taken.
    let expectedSSRC: UInt32?
    /// Nil before the first packet.
    var stream: ReceiveStream?
    /// The sender's own line through time, once a sender report told it.
    var senderLine: TimestampLine?
    /// What its constant was made of.
    var senderShift: Int64?

    let keyFrameFeedback: KeyFrameFeedback
    var requester: KeyFrameRequester
    var firSequence: UInt8 = 0
    var pliCount = 0
    var firCount = 0

    var isFlowing = false
    var lastPacket: Instant?

    /// How a source can be asked for a key frame.
    enum KeyFrameFeedback { case none, pli, fir }

    init(
        _ setup: ProducerSetup, negotiated: ProducerNegotiation, transport: SlabIndex, router: SlabIndex,
        routerCapabilities: RTPCapabilities, configuration: SFUConfiguration
    ) {
        id = setup.id
        kind = setup.kind
        paused = setup.paused
        self.transport = transport
        self.router = router
        type = negotiated.type
        rtpParameters = negotiated.rtpParameters
        consumableRTPParameters = negotiated.consumableRTPParameters
        cname = negotiated.rtpParameters.rtcp.cname ?? ""

        codecs = CodecTable(negotiated.rtpParameters, negotiated.mapping)
        extensions = ExtensionMap(negotiated.rtpParameters, kind: setup.kind, router: routerCapabilities)
        let codec = negotiated.rtpParameters.encodings.first.flatMap { negotiated.rtpParameters.codec(for: $0) }
        detectsKeyFrames = codec.map { PayloadCodec(mimeType: $0.mimeType).hasKeyFrameDetection } ?? false
        log = PacketLog(capacity: Self.logCapacity(setup.kind, detectsKeyFrames, configuration))
        gop = GOPCache(configuration)
        expectedSSRC = negotiated.mapping.encodings.first?.ssrc
        keyFrameFeedback = Self.keyFrameFeedback(codec)
        requester = KeyFrameRequester(interval: configuration.keyFrameRequestInterval)
    }

    /// 2 MB without key frame detection: a second at 16 Mbit/s, since nobody starts behind.
    private static func logCapacity(_ kind: MediaKind, _ detects: Bool, _ configuration: SFUConfiguration) -> Int {
        if kind == .audio { return configuration.audioLogBytes }
        return detects ? configuration.gopCacheBytes : 2 << 20
    }

    private static func keyFrameFeedback(_ codec: RTPCodecParameters?) -> KeyFrameFeedback {
        guard let feedback = codec?.rtcpFeedback else { return .none }
        if feedback.contains(RTCPFeedback("nack", "pli")) { return .pli }
        return feedback.contains(RTCPFeedback("ccm", "fir")) ? .fir : .none
    }

    /// Whoever starts from now on sees nothing of what was kept so far.
    mutating func forgetPast() {
        gop.forget()
        past = log.head
    }

    /// The first packet since a moment, as far back as the log reaches; the log's head when there is none.
    func firstPosition(since moment: Instant) -> UInt64 {
        var position = log.firstPosition(from: max(past, log.tail))
        while position < log.head {
            let record = log.record(at: position)
            if record.arrival >= moment { break }
            position = log.position(after: position, record)
        }
        return position
    }

    /// One entry per stream that was seen.
    var scores: [StreamScore] {
        stream.map { [StreamScore(encodingIndex: 0, ssrc: $0.ssrc, score: $0.score.value)] } ?? []
    }

    /// 0 before the stream was seen.
    var streamScore: UInt8 { stream?.score.value ?? 0 }

    /// Which timestamp belongs to which moment: the sender's own word once known, else told from arrivals.
    func line(_ clock: WallClock) -> TimestampLine? { senderLine ?? stream?.arrivalLine(clock) }

    var state: ProducerState {
        ProducerState(id: id, kind: kind, type: type.rawValue, rtpParameters: rtpParameters, paused: paused)
    }
}
