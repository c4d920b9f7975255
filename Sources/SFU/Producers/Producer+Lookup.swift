import Base
import ORTC
import RTP

// Which of a producer's encodings a packet belongs to, in mediasoup's order: a known SSRC, an announced one, the RID,
// and at last the only encoding, when it announced neither.
extension MediaEngine {
    /// Nil: none of them.
    func stream(
        of producer: SlabIndex, for header: RTPHeader, _ packet: RawSpan, on transport: SlabIndex
    ) -> SlabIndex? {
        // A single encoding judges for itself: the most common case, without a search.
        if producers[producer].streams.count == 1 { return producers[producer].streams[0] }
        for place in 0..<producers[producer].streams.count {
            let stream = producers[producer].streams[place]
            if streams[stream].reception?.ssrc ?? streams[stream].expectedSSRC == header.ssrc { return stream }
        }
        guard let rid = transports[transport].listener.rid(of: header, in: packet) else { return nil }
        for place in 0..<producers[producer].streams.count {
            let stream = producers[producer].streams[place]
            if streams[stream].rid == rid { return stream }
        }
        return nil
    }
}
