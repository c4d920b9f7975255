import Base
import RTP

extension MediaEngine {
    /// mediasoup's MtuSize. What is larger was not made for the internet.
    static var maximumPacket: Int { 1500 }

    /// First half of a turn: one datagram in. Builds no outgoing media.
    public mutating func receive(
        _ datagram: RawSpan, on socket: SocketID, from: SocketAddress, now: Instant, into out: inout Outbox
    ) {
        guard let transport = transportBySocket[socket] else {
            strayDatagrams += 1
            return
        }
        switch PacketKind.of(datagram) {
        case .rtp: receiveRTP(datagram, transport, on: socket, from: from, now: now, into: &out)
        case .rtcp: receiveRTCP(datagram, transport, on: socket, from: from, now: now, into: &out)
        case .other: transports[transport].drops.unknownKind += 1
        }
    }

    private mutating func receiveRTP(
        _ packet: RawSpan, _ transport: SlabIndex, on socket: SocketID, from: SocketAddress, now: Instant,
        into out: inout Outbox
    ) {
        guard let header = try? RTPHeader(parsing: packet) else {
            transports[transport].drops.malformed += 1
            return
        }
        switch transports[transport].admitRTP(from: from, on: socket) {
        case .refused: return
        case .accepted: break
        case .latched(let tuple):
            out.report(.transportConnected(transports[transport].id, tuple))
            becameConnected(transport, now: now, into: &out)
        }
        transports[transport].received.count(packet.byteCount, now: now)
        guard packet.byteCount <= Self.maximumPacket else {
            transports[transport].drops.oversized += 1
            return
        }
        let known = transports[transport].listener.producer(ssrc: header.ssrc)
        guard let producer = known ?? producerByMID(header, packet, transport) else {
            transports[transport].drops.noProducer += 1
            return
        }
        let receipt = producers[producer].receive(header, packet, now: now, drops: &transports[transport].drops)
        transports[transport].received.countRTP(packet.byteCount, now: now)
        if receipt.isNewStream {
            if known == nil { transports[transport].listener.learn(ssrc: header.ssrc, producer) }
            streamAppeared(producer, startsWithKeyFrame: receipt.isKeyFrame, now: now, into: &out)
        }
        if receipt.hasRestarted { streamRestarted(producer, header, now: now) }
        if receipt.isKept { packetKept(receipt, header, producer, now: now) }
        if !producers[producer].isFlowing, producers[producer].lastPacket == now {
            startedFlowing(producer, now: now, into: &out)
        }
    }

    private func producerByMID(_ header: RTPHeader, _ packet: RawSpan, _ transport: SlabIndex) -> SlabIndex? {
        guard header.hasExtension, transports[transport].listener.knowsMIDs,
            let id = transports[transport].listener.midExtensionID,
            let element = header.headerExtension(id: id, in: packet)
        else { return nil }
        return transports[transport].listener.producer(mid: element.text(in: packet))
    }

    private mutating func packetKept(
        _ receipt: Producer.Receipt, _ header: RTPHeader, _ producer: SlabIndex, now: Instant
    ) {
        if receipt.isKeyFrame { producers[producer].requester.keyFrameReceived() }
        guard !producers[producer].consumers.isEmpty else { return }
        producers[producer].release.packetArrived(
            isLastOfFrame: header.marker, isWindowOpen: meter.isOpen, configuration.coalescing, now: now)
        list(producer)
    }

    /// The first packet of a stream: scores are told, the producer's first.
    private mutating func streamAppeared(
        _ index: SlabIndex, startsWithKeyFrame: Bool, now: Instant, into out: inout Outbox
    ) {
        let report = now + Self.firstReport
        producers[index].stream?.nextReport = report
        scoreChanged(of: index, into: &out)
        if producers[index].detectsKeyFrames, !startsWithKeyFrame {
            requestKeyFrame(of: index, now: now, into: &out)
        }
    }

    /// The numbers of a stream jumped: after a long loss, or its sender was started again and has new timestamps, too.
    /// Then its line through time is void, and receivers are told the new one at once.
    private mutating func streamRestarted(_ index: SlabIndex, _ header: RTPHeader, now: Instant) {
        if let line = producers[index].senderLine {
            let expected = line.timestamp(atUnixNanoseconds: clock.unixNanoseconds(at: now))
            let distance = Int64(Int32(bitPattern: header.timestamp &- expected)).magnitude
            if distance <= UInt64(Self.longestLatency * line.clockRate) { return }
        }
        producers[index].senderLine = nil
        producers[index].senderShift = nil
        for consumer in producers[index].consumers { consumers[consumer].reports.isReportWanted = true }
    }

    /// In seconds. A timestamp that is further from what the sender's line says of now is on another line.
    private static var longestLatency: Int { 5 }

    /// Tells the producer's score, then those of its consumers.
    mutating func scoreChanged(of index: SlabIndex, into out: inout Outbox) {
        out.report(.producerScore(producers[index].id, producers[index].scores))
        let score = producers[index].streamScore
        for consumer in producers[index].consumers {
            out.report(.consumerScore(consumers[consumer].id, consumers[consumer].score(producerScore: score)))
        }
    }

    private mutating func startedFlowing(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        producers[index].isFlowing = true
        out.report(.producerFlowing(producers[index].id, true))
        arm(now + configuration.flowTimeout)
    }
}
