import Base
import ICE
import RTP
import SCTP

extension MediaEngine {
    /// mediasoup's MtuSize. What is larger was not made for the internet.
    static var maximumPacket: Int { 1500 }

    /// First half of a turn: one datagram in. Builds no outgoing media.
    /// - Parameter listener: Given for one frame of a connection (RFC 4571), which `socket` names: what let it in.
    public mutating func receive(
        _ datagram: RawSpan, on socket: SocketID, from: SocketAddress, listener: SocketID? = nil, now: Instant,
        into out: inout Outbox
    ) {
        guard let transport = transportBySocket[socket] else {
            let tuple = ICETuple(
                socket: socket.rawValue, remote: from, transport: listener == nil ? .udp : .tcp,
                listener: listener?.rawValue)
            receiveShared(datagram, on: socket, from: tuple, now: now, into: &out)
            return
        }
        if let link = transports[transport].webRTC {
            let tuple = ICETuple(socket: socket.rawValue, remote: from, transport: .udp)
            receiveWebRTC(datagram, link, from: tuple, now: now, into: &out)
            return
        }
        // Its ports make it neither RTP nor RTCP, and SRTP does not cover it.
        if let link = transports[transport].sctp, SCTPAssociation.isPacket(datagram) {
            receiveBareSCTP(datagram, transport, link, on: socket, from: from, now: now, into: &out)
            return
        }
        if transports[transport].security != nil {
            receiveProtected(datagram, transport, on: socket, from: from, now: now, into: &out)
            return
        }
        switch PacketKind.of(datagram) {
        case .rtp: receiveRTP(datagram, transport, on: socket, from: from, now: now, into: &out)
        case .rtcp: receiveRTCP(datagram, transport, on: socket, from: from, now: now, into: &out)
        case .other: transports[transport].drops.unknownKind += 1
        }
    }

    /// Behind the look at the source, so that what strangers send is not charged to it; before deciphering, which costs.
    mutating func isBelowCeiling(_ size: Int, _ transport: SlabIndex, now: Instant) -> Bool {
        if transports[transport].ceiling.admit(size, now: now) { return true }
        transports[transport].drops.ceiling += 1
        return false
    }

    /// - Parameter overhead: Bytes that it was longer by on the wire.
    mutating func receiveRTP(
        _ packet: RawSpan, overhead: Int = 0, _ transport: SlabIndex, on socket: SocketID, from: SocketAddress,
        now: Instant, into out: inout Outbox
    ) {
        guard let header = try? RTPHeader(parsing: packet) else {
            transports[transport].drops.malformed += 1
            return
        }
        switch transports[transport].link.admitRTP(from: from, on: socket) {
        case .accepted: break
        case .foreign:
            transports[transport].drops.foreignSource += 1
            return
        case .early:
            transports[transport].drops.notConnected += 1
            return
        case .latched(let tuple):
            out.report(.transportConnected(transports[transport].id, tuple))
            becameConnected(transport, now: now, into: &out)
        }
        guard transports[transport].security != nil || isBelowCeiling(packet.byteCount, transport, now: now) else {
            return
        }
        transports[transport].received.count(packet.byteCount + overhead, now: now)
        guard packet.byteCount <= transports[transport].maximumPacket else {
            transports[transport].drops.oversized += 1
            return
        }
        receivedBandwidth(header, packet, transport, now: now)
        let known = transports[transport].listener.producer(ssrc: header.ssrc)
        guard let producer = known ?? transports[transport].listener.producer(of: header, in: packet) else {
            transports[transport].drops.noProducer += 1
            return
        }
        if producers[producer].codecs.isRetransmission(header.payloadType) {
            receiveRetransmission(header, packet, of: producer, on: transport, now: now, into: &out)
            return
        }
        guard let stream = stream(of: producer, for: header, packet, on: transport) else {
            transports[transport].drops.otherStream += 1
            return
        }
        let receipt = Self.take(
            header, packet, &streams, stream, of: producers, producer, now: now, drops: &transports[transport].drops)
        transports[transport].received.countRTP(packet.byteCount, now: now)
        if receipt.isNewStream {
            if known == nil { transports[transport].listener.learn(ssrc: header.ssrc, producer) }
            streamAppeared(stream, startsWithKeyFrame: receipt.isKeyFrame, now: now, into: &out)
        } else if receipt.hasRisen {
            streamRose(stream, now: now, into: &out)
        }
        if receipt.hasRestarted { streamRestarted(stream, header, now: now) }
        if receipt.isKept {
            packetKept(receipt, header, stream, now: now)
            if header.hasExtension { lookAtExtensions(header, packet, of: producer, now: now, into: &out) }
        }
        if receipt.isOurs, !producers[producer].traces.isEmpty {
            let marks = transports[transport].listener.marks(of: header, in: packet)
            trace(header, size: packet.byteCount, receipt.layers, marks: marks, of: stream, now: now, into: &out)
        }
        if receipt.wantsPackets { requestPackets(of: stream, .packet, now: now, into: &out) }
        if receipt.wantsKeyFrame { requestKeyFrame(of: stream, now: now, into: &out) }
        guard receipt.isOurs else { return }
        producers[producer].lastPacket = now
        if !producers[producer].isFlowing { startedFlowing(producer, now: now, into: &out) }
    }

    // Both slabs are parameters: two elements of two properties can't be told apart by the exclusivity checks.
    private static func take(
        _ header: RTPHeader, _ packet: RawSpan, _ streams: inout Slab<ReceiveStream>, _ stream: SlabIndex,
        of producers: borrowing Slab<Producer>, _ producer: SlabIndex, now: Instant, drops: inout DropCounters
    ) -> ReceiveStream.Receipt {
        streams[stream].receive(header, packet, of: producers[producer], now: now, drops: &drops)
    }

    /// What header extensions say of the producer itself.
    private mutating func lookAtExtensions(
        _ header: RTPHeader, _ packet: RawSpan, of producer: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        if !producers[producer].observers.isEmpty { observe(header, packet, of: producer, now: now) }
        let id = producers[producer].videoOrientationID
        guard id != 0, let element = header.headerExtension(id: id, in: packet), element.length >= 1 else { return }
        let bits = packet.uint8(at: element.offset) & 0x0F
        guard bits != producers[producer].videoOrientation else { return }
        // Nobody turns a camera faster; a sender that turns it with each packet would flood whoever listens.
        if let told = producers[producer].orientationTold, now - told < .milliseconds(100) { return }
        producers[producer].videoOrientation = bits
        producers[producer].orientationTold = now
        let orientation = VideoOrientation(
            camera: bits & 0x08 != 0, flip: bits & 0x04 != 0, rotation: 90 * Int(bits & 0x03))
        out.report(.producerVideoOrientation(producers[producer].id, orientation))
    }

    mutating func packetKept(
        _ receipt: ReceiveStream.Receipt, _ header: RTPHeader, _ stream: SlabIndex, now: Instant
    ) {
        if receipt.isKeyFrame {
            streams[stream].requester.keyFrameReceived()
            if !streams[stream].candidates.isEmpty { wake(stream, at: now) }
        }
        if streams[stream].detectsKeyFrames { countGroup(of: stream, now: now) }
        guard !streams[stream].senders.isEmpty else { return }
        streams[stream].release.packetArrived(
            isLastOfFrame: header.marker, isWindowOpen: meter.isOpen, configuration.coalescing, now: now)
        list(stream)
    }

    /// The first packet of a stream: scores are told, the producer's first.
    mutating func streamAppeared(
        _ index: SlabIndex, startsWithKeyFrame: Bool, now: Instant, into out: inout Outbox
    ) {
        let report = now + Self.firstReport
        streams[index].reception?.nextReport = report
        if let deadline = streams[index].silenceDeadline { arm(deadline) }
        let producer = streams[index].producer
        // The original's is told under this id.
        if producers[producer].link == nil {
            out.report(.producerScore(producers[producer].id, scores(of: producer)))
        }
        for place in producers[producer].consumers.indices {
            let consumer = producers[producer].consumers[place]
            out.report(.consumerScore(consumers[consumer].id, score(of: consumer)))
            tellScores(of: consumer)
            reconsider(consumer, now: now, into: &out)
        }
        if streams[index].detectsKeyFrames, !startsWithKeyFrame {
            requestKeyFrame(of: index, isForced: true, now: now, into: &out)
        }
    }

    /// The numbers of a stream jumped: after a long loss, or its sender was started again and has new timestamps, too.
    /// Then its line through time is void, and receivers are told the new one at once.
    private mutating func streamRestarted(_ index: SlabIndex, _ header: RTPHeader, now: Instant) {
        if let line = streams[index].senderLine {
            let expected = line.timestamp(atUnixNanoseconds: clock.unixNanoseconds(at: now))
            let distance = Int64(Int32(bitPattern: header.timestamp &- expected)).magnitude
            if distance <= UInt64(Self.longestLatency * line.clockRate) { return }
        }
        streams[index].senderLine = nil
        streams[index].senderShift = nil
        for sender in streams[index].senders { senders[sender].isReportWanted = true }
        lineChanged(of: index)
    }

    /// In seconds. A timestamp that is further from what the sender's line says of now is on another line.
    private static var longestLatency: Int { 5 }

    /// A stream's score: the producer's consumers are told, and look anew at what they can have; the producer last.
    mutating func scoreChanged(of stream: SlabIndex, now: Instant, into out: inout Outbox) {
        let producer = streams[stream].producer
        for place in producers[producer].consumers.indices {
            let consumer = producers[producer].consumers[place]
            out.report(.consumerScore(consumers[consumer].id, score(of: consumer)))
            tellScores(of: consumer)
            reconsider(consumer, now: now, into: &out)
        }
        // The original's is told under this id.
        if producers[producer].link == nil {
            out.report(.producerScore(producers[producer].id, scores(of: producer)))
        }
    }

    /// One entry for each stream that was seen.
    func scores(of producer: SlabIndex) -> [StreamScore] {
        var scores: [StreamScore] = []
        for place in 0..<producers[producer].streams.count {
            let stream = producers[producer].streams[place]
            guard let ssrc = streams[stream].reception?.ssrc else { continue }
            scores.append(
                StreamScore(
                    encodingIndex: place, ssrc: ssrc, rid: streams[stream].rid, score: streams[stream].score))
        }
        return scores
    }

    private mutating func startedFlowing(_ index: SlabIndex, now: Instant, into out: inout Outbox) {
        producers[index].isFlowing = true
        out.report(.producerFlowing(producers[index].id, true))
        arm(now + configuration.flowTimeout)
    }
}
