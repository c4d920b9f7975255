import Base
import ORTC

/// One outgoing stream of a consumer: where it reads, how it numbers, and what its receiver says.
struct SendStream: ~Copyable {
    let consumer: SlabIndex
    let transport: SlabIndex
    let kind: MediaKind
    let mimeType: String
    let cname: String
    /// Of the consumer's RTX, if it has one.
    let rtxSSRC: UInt32?
    /// The payload type of retransmissions for each of the media's.
    let rtxPayloadTypes: [(media: UInt8, rtx: UInt8)]
    /// Extended number of the last retransmission: they are numbered for themselves.
    var rtxIndex: UInt64
    /// The incoming stream that it reads.
    var stream: SlabIndex
    /// Another one that it waits for, meanwhile.
    var wish: LayerWish?

    var forwarder: PacketForwarder
    var catchUp = CatchUp()
    var rate = RateMeter(window: RateMeter.streamWindow)
    var reports = ConsumerReports()
    var failures = SendFailures()
    /// Within this process: another engine reads the packets itself.
    var outlet: LinkOutlet?
    var pliCount = 0
    var firCount = 0
    var nackCount = 0
    var nackPacketCount = 0
    var packetsRetransmitted: UInt64 = 0
    /// Packets that were sent again at least once.
    var packetsRepaired: UInt64 = 0

    /// - Parameters:
    ///   - encoding: Which of the consumer's.
    ///   - firstSequence: Of the packets.
    ///   - firstRTXSequence: Of the retransmissions.
    init(
        _ parameters: RTPParameters, encoding: Int, kind: MediaKind, consumer: SlabIndex, transport: SlabIndex,
        stream: SlabIndex, firstSequence: UInt16, firstRTXSequence: UInt16, layers: LayerRewriter? = nil
    ) {
        self.consumer = consumer
        self.transport = transport
        self.stream = stream
        self.kind = kind
        let own = parameters.encodings.indices.contains(encoding) ? parameters.encodings[encoding] : nil
        mimeType = parameters.codecs.first?.mimeType ?? ""
        cname = parameters.rtcp.cname ?? ""
        rtxSSRC = own?.rtxSSRC
        rtxPayloadTypes = parameters.codecs.compactMap { codec in
            codec.isRTX ? codec.associatedPayloadType.map { ($0, codec.payloadType) } : nil
        }
        rtxIndex = UInt64(firstRTXSequence) &- 1
        forwarder = PacketForwarder(
            parameters: parameters, ssrc: own?.ssrc ?? 0, firstSequence: firstSequence,
            retransmission: own.flatMap { Self.buffer(parameters.codec(for: $0), kind) }, layers: layers)
    }

    /// Nil: the receiver does not ask for packets.
    private static func buffer(_ codec: RTPCodecParameters?, _ kind: MediaKind) -> RetransmissionBuffer? {
        guard let codec, codec.rtcpFeedback.contains(RTCPFeedback("nack")) else { return nil }
        return RetransmissionBuffer(
            maximumAge: kind == .audio
                ? RetransmissionBuffer.maximumAudioAge : RetransmissionBuffer.maximumVideoAge,
            clockRate: codec.clockRate)
    }

    var ssrc: UInt32 { forwarder.ssrc }

    /// Nothing is sent until it starts again.
    mutating func stop() {
        forwarder.stop()
        catchUp.end()
        outlet?.flow = .stopped
    }
}
