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
    /// The incoming stream that it reads.
    var stream: SlabIndex

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

    /// - Parameter encoding: Which of the consumer's.
    init(
        _ parameters: RTPParameters, encoding: Int, kind: MediaKind, consumer: SlabIndex, transport: SlabIndex,
        stream: SlabIndex, firstSequence: UInt16
    ) {
        self.consumer = consumer
        self.transport = transport
        self.stream = stream
        self.kind = kind
        let own = parameters.encodings.indices.contains(encoding) ? parameters.encodings[encoding] : nil
        mimeType = parameters.codecs.first?.mimeType ?? ""
        cname = parameters.rtcp.cname ?? ""
        rtxSSRC = own?.rtxSSRC
        forwarder = PacketForwarder(parameters: parameters, ssrc: own?.ssrc ?? 0, firstSequence: firstSequence)
    }

    var ssrc: UInt32 { forwarder.ssrc }

    /// Nothing is sent until it starts again.
    mutating func stop() {
        forwarder.stop()
        catchUp.end()
        outlet?.flow = .stopped
    }
}
