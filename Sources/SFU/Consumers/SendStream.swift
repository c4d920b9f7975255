import Base
import ORTC

/// One outgoing stream of a consumer: where it reads, how it numbers, and what its receiver says.
struct SendStream: ~Copyable {
    // What every packet touches stands together: the end of `rate`, and the beginning of `forwarder`.
    var reports = ConsumerReports()
    var rate = RateMeter(window: RateMeter.streamWindow)
    let consumer: SlabIndex
    let transport: SlabIndex
    /// The incoming stream that it reads.
    var stream: SlabIndex
    /// Within this process: another engine reads the packets itself.
    var outlet: LinkOutlet?
    var catchUp = CatchUp()
    /// A sender report shall leave with the next packet, or at once if packets have left already.
    var isReportWanted = true
    var forwarder: PacketForwarder
    /// Asks for what a packet touches: the end of `rate`, and the beginning of `forwarder`. Wrong numbers would cost time,
    /// nothing else.
    @inline(__always)
    static func prefetch(_ index: SlabIndex, in slab: borrowing Slab<SendStream>) {
        slab.prefetch(index, at: 272, lines: 6)
    }

    let kind: MediaKind
    let mimeType: String
    let cname: String
    /// Of the consumer's RTX, if it has one.
    let rtxSSRC: UInt32?
    /// The payload type of retransmissions for each of the media's, in the receiver's numbers.
    let rtxPayloadTypes: [(media: UInt8, rtx: UInt8)]
    /// Extended number of the last retransmission: they are numbered for themselves.
    var rtxIndex: UInt64
    /// Another one that it waits for, meanwhile.
    var wish: LayerWish?

    var failures = SendFailures()
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
    ///   - numbering: The one that the parameters are in, if it isn't the router's.
    init(
        _ parameters: RTPParameters, encoding: Int, kind: MediaKind, consumer: SlabIndex, transport: SlabIndex,
        stream: SlabIndex, firstSequence: UInt16, firstRTXSequence: UInt16, layers: LayerRewriter? = nil,
        numbering: ReceiverNumbering? = nil
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
            retransmission: own.flatMap { Self.buffer(parameters.codec(for: $0), kind) }, layers: layers,
            numbering: numbering)
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

// MARK: - Sending

extension SendStream {
    /// What became of a sender's packets that were due.
    struct Pass {
        var progress = PacketForwarder.Progress.paced
        /// Packets and their bytes before protection.
        var count = 0
        var bytes = 0
        /// There is something to do that most senders have not: traces, layers, an estimate of bandwidth.
        var wantsMore = false
        var isReportWanted = false
    }

    /// Nothing but new packets is to be sent: it isn't behind, and nobody else reads in its place.
    var runsLive: Bool { forwarder.flow == .running && catchUp.nextTick == nil && outlet == nil }

    /// Writes what is due to the outbox and counts it.
    ///
    /// What a packet touches on its way out, but for the log, is in here and in the transport: both are reached once for
    /// all packets that are due, since reaching a value in a slab costs as much as rewriting a header.
    mutating func forward(
        from stream: borrowing ReceiveStream, through transport: inout Transport, limit: Int, now: Instant,
        into out: inout Outbox
    ) -> Pass {
        var pass = Pass()
        guard let path = transport.link.rtpPath else { return pass }
        let (packets, bytes) = (forwarder.packetCount, forwarder.byteCount)
        let failures = forwarder.failureCount
        pass.progress = forwarder.forward(
            stream.log, of: stream.encodingIndex, limit: limit, to: path, overhead: transport.overhead,
            under: &transport.security,
            counting: &transport.bandwidth, now: now, into: &out)
        pass.count = Int(forwarder.packetCount - packets)
        pass.bytes = Int(forwarder.byteCount - bytes)
        pass.wantsMore = forwarder.isLayered || forwarder.tracesPackets || forwarder.carriesTransportNumber
        if forwarder.failureCount != failures {
            transport.drops.unprotected += forwarder.failureCount - failures
        }
        if pass.count > 0 {
            rate.add(pass.bytes, now: now)
            transport.sent.count(pass.bytes + pass.count * (transport.overhead ?? 0), now: now)
            transport.sent.countRTP(pass.bytes, now: now)
        }
        if catchUp.nextTick != nil {
            catchUp.sent(pass.count)
            if case .reachedHead = pass.progress { catchUp.end() }
        }
        pass.isReportWanted = isReportWanted
        return pass
    }
}
