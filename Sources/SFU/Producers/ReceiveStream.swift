import Base
import ORTC
import RTP

/// One encoding of a producer as it comes in: its packets, where receivers may begin, and whom they go to.
///
/// It is made with its producer. What can be told only of packets that came is its `reception`.
struct ReceiveStream: ~Copyable {
    let producer: SlabIndex
    let transport: SlabIndex
    let kind: MediaKind
    /// Which of the producer's encodings: mediasoup's encodingIdx.
    let encodingIndex: Int
    /// Announced; nil: the first stream that comes is taken.
    let expectedSSRC: UInt32?
    let rid: String?
    /// Of retransmissions; announced, else nil.
    let expectedRTXSSRC: UInt32?
    /// The source sends again what it is asked for.
    let usesNACK: Bool
    /// Opus that repeats sound in later packets.
    let usesInBandFEC: Bool
    /// Receivers wait for a key frame.
    let detectsKeyFrames: Bool
    let keyFrameFeedback: KeyFrameFeedback

    var log: PacketLog
    var gop: GOPCache
    /// Of the group, as the engine has counted it.
    var groupBytes = 0
    /// The log's head when its history was cut the last time.
    var trimmed: UInt64 = 0
    /// Packets before have been looked at by `evenOut`.
    private var evened: UInt64 = 0
    /// Nobody starts with what lies before: it came before a pause.
    private var past: UInt64 = 0
    var release = ReleaseSchedule()
    /// The outgoing streams that read this log, in order of their coming.
    var senders: [SlabIndex] = []
    /// Outgoing streams that read another log until this one has a key frame for them.
    var candidates: [SlabIndex] = []
    /// Which of them a flush begins with: not always the same one shall be last.
    var rotation = 0
    /// Those that a flush has served already when the outbox was full.
    var served = 0

    /// Nil before the first packet.
    var reception: Reception?
    var reader: PacketLayersReader
    var meter: LayerMeter
    /// One of several encodings: without packets it counts as dead after a while.
    let isWatched: Bool
    let usesDTX: Bool
    var isDead = false
    var lastPacket: Instant?
    /// When it appeared, or came back from being dead.
    var risen: Instant?
    /// The stream of retransmissions; nil before its first packet.
    var retransmission: RetransmissionReception?
    /// The sender's own line through time, once a sender report told it.
    var senderLine: TimestampLine?
    /// What its constant was made of.
    var senderShift: Int64?

    var requester: KeyFrameRequester
    var firSequence: UInt8 = 0
    var pliCount = 0
    var firCount = 0

    /// How a source can be asked for a key frame.
    enum KeyFrameFeedback { case none, pli, fir }

    /// - Parameter index: Of the encoding.
    init(
        _ negotiated: ProducerNegotiation, encoding index: Int, kind: MediaKind, producer: SlabIndex,
        transport: SlabIndex, keyFrameRequestDelay: Duration, configuration: SFUConfiguration
    ) {
        self.producer = producer
        self.transport = transport
        self.kind = kind
        encodingIndex = index
        let mapped = negotiated.mapping.encodings.indices.contains(index) ? negotiated.mapping.encodings[index] : nil
        (expectedSSRC, rid) = (mapped?.ssrc, mapped?.rid)
        let encodings = negotiated.rtpParameters.encodings
        let codec = encodings.indices.contains(index) ? negotiated.rtpParameters.codec(for: encodings[index]) : nil
        expectedRTXSSRC = encodings.indices.contains(index) ? encodings[index].rtxSSRC : nil
        usesNACK = codec?.rtcpFeedback.contains(RTCPFeedback("nack")) ?? false
        usesInBandFEC = codec?.isOn("useinbandfec") ?? false
        detectsKeyFrames = codec.map { PayloadCodec(mimeType: $0.mimeType).hasKeyFrameDetection } ?? false
        keyFrameFeedback = Self.keyFrameFeedback(codec)
        let parameters = negotiated.rtpParameters
        reader = PacketLayersReader(
            frameMarkingID: parameters.id(of: .frameMarking) ?? parameters.id(of: .frameMarking07) ?? 0,
            dependencyDescriptorID: parameters.id(of: .dependencyDescriptor) ?? 0)
        let mode = ScalabilityMode(parsing: encodings.indices.contains(index) ? encodings[index].scalabilityMode : nil)
        meter = LayerMeter(spatialLayers: mode.spatialLayers, temporalLayers: mode.temporalLayers)
        isWatched = negotiated.type == .simulcast && encodings.count > 1
        usesDTX = encodings.indices.contains(index) && encodings[index].dtx == true
        log = PacketLog(capacity: Self.logCapacity(kind, detectsKeyFrames, configuration))
        gop = GOPCache(configuration)
        requester = KeyFrameRequester(
            interval: configuration.keyFrameRequestInterval, delay: keyFrameRequestDelay)
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
        reception?.nack?.reset()
        past = log.head
    }

    /// Makes the packets of a frame equally long where a byte is all that they differ by, so that they leave in one run.
    ///
    /// libwebrtc splits a frame about equally, the last packets one byte wider; the kernel cuts equal pieces off a run. To be
    /// called before anybody reads what came: what has been sent must stay as it is, it may be sent again.
    mutating func evenOut() {
        guard evened < log.head else { return }
        var position = log.firstPosition(from: max(evened, log.tail))
        evened = log.head
        // Packets of one frame, all of this length.
        var (first, length, timestamp) = (position, 0, UInt32(0))
        while position < log.head {
            let record = log.record(at: position)
            let stamp = log.uint32(position, at: 4)
            if stamp == timestamp, Int(record.length) == length + 1 {
                widen(from: first, to: position)
                length += 1
            } else if stamp != timestamp || Int(record.length) != length {
                (first, length, timestamp) = (position, Int(record.length), stamp)
            }
            position = log.position(after: position, record)
        }
    }

    private mutating func widen(from first: UInt64, to end: UInt64) {
        var position = first
        while position < end {
            log.widen(position)
            position = log.position(after: position, log.record(at: position))
        }
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

    /// How long its layers may be silent.
    var inactivity: Duration { usesDTX ? LayerMeter.inactivityWithDTX : LayerMeter.inactivity }

    /// When something of it will have been silent for too long; nil: nobody watches, or nothing comes.
    var silenceDeadline: Instant? {
        if isWatched { return isDead ? nil : lastPacket.map { $0 + inactivity } }
        return meter.spatialLayers > 1 ? meter.deadline(inactivity) : nil
    }

    /// Packets that came so far.
    var receivedCount: UInt64 { reception?.packetCount ?? 0 }

    /// 0 before it was seen.
    var score: UInt8 { reception?.score.value ?? 0 }

    /// Zero before the first packet.
    var packetsLost: Int64 { max(0, Int64(reception?.statistics.packetsLost ?? 0)) }

    /// Which timestamp belongs to which moment: the sender's own word once known, else told from arrivals.
    func line(_ clock: WallClock) -> TimestampLine? { senderLine ?? reception?.arrivalLine(clock) }
}
