import Base
import RTCP
import RTP

// What is missing of a stream that comes in is asked for, and comes again: in a stream of its own (RTX), or late.
extension MediaEngine {
    // MARK: - Asking

    /// Asks the source for what is due. Nothing is asked for before it is known where to.
    mutating func requestPackets(
        of index: SlabIndex, _ trigger: NACKGenerator.Trigger, now: Instant, into out: inout Outbox
    ) {
        if let deadline = streams[index].reception?.nack?.nextDeadline { arm(deadline) }
        if trigger == .packet {
            guard streams[index].reception?.nack?.isRequestDue(at: now) ?? false else { return }
        }
        guard transports[streams[index].transport].link.feedbackPath != nil,
            let ssrc = streams[index].reception?.ssrc
        else { return }
        streams[index].reception?.nack?.beginRequests(trigger, now: now)
        var rtcp = RTCPBuilder()
        var buffer = InlineArray<512, UInt8>(repeating: 0)
        var span = buffer.mutableSpan
        var bytes = span.mutableBytes
        while let item = streams[index].reception?.nack?.takeRequest() {
            streams[index].reception?.nackPacketCount += item.count
            // The sender's SSRC is 0, as mediasoup's. An item always fits into an empty buffer.
            if !rtcp.nack(item, senderSSRC: 0, mediaSSRC: ssrc, into: &bytes) {
                sendRequest(bytes.bytes.extracting(0..<rtcp.length), of: index, now: now, into: &out)
                rtcp = RTCPBuilder()
                rtcp.nack(item, senderSSRC: 0, mediaSSRC: ssrc, into: &bytes)
            }
        }
        if !rtcp.isEmpty { sendRequest(bytes.bytes.extracting(0..<rtcp.length), of: index, now: now, into: &out) }
    }

    /// What finds no room is asked for again after a round trip, as if it were lost.
    private mutating func sendRequest(_ nack: RawSpan, of index: SlabIndex, now: Instant, into out: inout Outbox) {
        streams[index].reception?.nackCount += 1
        trace(.nack, ssrc: nil, toSourceOf: index, now: now, into: &out)
        _ = sendRTCP(nack, by: streams[index].transport, now: now, into: &out)
    }

    /// The timer of a stream that something is missing of.
    mutating func advancePacketRequests(of index: SlabIndex, to now: Instant, into out: inout Outbox) {
        guard let deadline = streams[index].reception?.nack?.nextDeadline, deadline <= now else { return }
        requestPackets(of: index, .timer, now: now, into: &out)
    }

    // MARK: - RTX

    /// A packet whose payload type says that it repeats another one.
    mutating func receiveRetransmission(
        _ header: RTPHeader, _ packet: RawSpan, of producer: SlabIndex, on transport: SlabIndex, now: Instant,
        into out: inout Outbox
    ) {
        transports[transport].received.countRTX(packet.byteCount, now: now)
        guard let stream = stream(repeatedBy: header, packet, of: producer) else {
            transports[transport].drops.retransmission += 1
            return
        }
        let result = Self.take(
            retransmission: header, packet, &streams, stream, of: producers, producer, now: now,
            drops: &transports[transport].drops)
        if transports[transport].listener.producer(ssrc: header.ssrc) == nil,
            streams[stream].retransmission?.ssrc == header.ssrc
        {
            transports[transport].listener.learn(ssrc: header.ssrc, producer)
        }
        guard let (receipt, original) = result, receipt.isKept else { return }
        packetKept(receipt, original, stream, now: now)
        if !producers[producer].traces.isEmpty {
            let marks = transports[transport].listener.marks(of: header, in: packet)
            trace(
                original, size: packet.byteCount - Retransmission.overhead, receipt.layers, marks: marks, isRTX: true,
                of: stream, now: now, into: &out)
        }
    }

    // Both slabs are parameters: two elements of two properties can't be told apart by the exclusivity checks.
    private static func take(
        retransmission header: RTPHeader, _ packet: RawSpan, _ streams: inout Slab<ReceiveStream>,
        _ stream: SlabIndex, of producers: borrowing Slab<Producer>, _ producer: SlabIndex, now: Instant,
        drops: inout DropCounters
    ) -> (ReceiveStream.Receipt, original: RTPHeader)? {
        streams[stream].receiveRetransmission(header, packet, of: producers[producer], now: now, drops: &drops)
    }

    /// Whose packets it repeats: by SSRC, else by the repaired RID; a producer's only stream that announced no SSRC for
    /// retransmissions takes the first that comes.
    private func stream(repeatedBy header: RTPHeader, _ packet: RawSpan, of producer: SlabIndex) -> SlabIndex? {
        let candidates = producers[producer].streams
        for stream in candidates {
            if streams[stream].retransmission?.ssrc ?? streams[stream].expectedRTXSSRC == header.ssrc { return stream }
        }
        if let id = producers[producer].rtpParameters.id(of: .repairedRTPStreamID), header.hasExtension,
            let element = header.headerExtension(id: id, in: packet)
        {
            let rid = element.text(in: packet)
            return candidates.first { streams[$0].rid == rid }
        }
        guard candidates.count == 1, let only = candidates.first, !streams[only].hasRTX else { return nil }
        return only
    }

    /// A sender report of a stream of retransmissions: answered in its receiver reports.
    mutating func receiveRetransmissionReport(_ info: SenderInfo, of producer: SlabIndex, now: Instant) {
        for place in 0..<producers[producer].streams.count {
            let stream = producers[producer].streams[place]
            if streams[stream].retransmission?.ssrc == info.ssrc {
                streams[stream].retransmission?.statistics.senderReport(info.ntp, at: now)
            }
        }
    }
}
