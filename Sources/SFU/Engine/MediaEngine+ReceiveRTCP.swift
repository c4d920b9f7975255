import Base
import RTCP

extension MediaEngine {
    /// - Parameter overhead: Bytes that it was longer by on the wire.
    mutating func receiveRTCP(
        _ datagram: RawSpan, overhead: Int = 0, _ transport: SlabIndex, on socket: SocketID, from: SocketAddress,
        now: Instant,
        into out: inout Outbox
    ) {
        guard var compound = try? RTCPCompound(validating: datagram) else {
            transports[transport].drops.malformed += 1
            return
        }
        switch transports[transport].link.admitRTCP(from: from, on: socket) {
        case .accepted: break
        case .foreign:
            transports[transport].drops.foreignSource += 1
            return
        case .early:
            transports[transport].drops.notConnected += 1
            return
        case .latched(let tuple):
            if transports[transport].link.rtcpMux {
                out.report(.transportConnected(transports[transport].id, tuple))
                becameConnected(transport, now: now, into: &out)
            } else {
                out.report(.transportRTCPConnected(transports[transport].id, tuple))
            }
        }
        guard transports[transport].security != nil || isBelowCeiling(datagram.byteCount, transport, now: now) else {
            return
        }
        transports[transport].received.count(datagram.byteCount + overhead, now: now)
        while true {
            do {
                guard let packet = try compound.next(in: datagram) else { return }
                receive(packet, in: datagram, transport, now: now, into: &out)
            } catch {
                // The walk stands behind it: it spoils only itself.
                transports[transport].drops.malformed += 1
            }
        }
    }

    private mutating func receive(
        _ packet: RTCPPacket, in datagram: RawSpan, _ transport: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        switch packet {
        case .senderReport(let report):
            receive(report.info, transport, now: now, into: &out)
            receive(report.reports, in: datagram, transport, now: now, into: &out)
        case .receiverReport(let report): receive(report.reports, in: datagram, transport, now: now, into: &out)
        case .pictureLoss(let request):
            guard let sender = knownSender(request.mediaSSRC, transport) else { return }
            senders[sender].pliCount += 1
            trace(.pli, ssrc: request.mediaSSRC, bySender: sender, now: now, into: &out)
            requestKeyFrame(bySender: sender, now: now, into: &out)
        case .fullIntraRequest(let request):
            for position in 0..<request.count {
                let ssrc = request.item(position, in: datagram).ssrc
                guard let sender = knownSender(ssrc, transport) else { continue }
                senders[sender].firCount += 1
                trace(.fir, ssrc: ssrc, bySender: sender, now: now, into: &out)
                requestKeyFrame(bySender: sender, now: now, into: &out)
            }
        case .nack(let nack):
            guard let sender = knownSender(nack.mediaSSRC, transport) else { return }
            trace(.nack, ssrc: nil, bySender: sender, now: now, into: &out)
            retransmit(nack, in: datagram, by: sender, now: now, into: &out)
        case .extendedReport(let report): receive(report, in: datagram, transport, now: now)
        case .transportWideFeedback(let feedback):
            receive(feedback, in: datagram, transport, now: now, into: &out)
        case .remb(let remb): receive(remb, transport, now: now, into: &out)
        case .sourceDescription, .bye, .application, .unknown:
            // A BYE says nothing that flow or signaling would not: mediasoup ignores it, too.
            break
        }
    }

    /// The outgoing stream that feedback or a report block is about. RTCP about others is counted: an attacker who guesses,
    /// or a receiver that has not heard of the end.
    private mutating func knownSender(_ ssrc: UInt32, _ transport: SlabIndex) -> SlabIndex? {
        let sender = transports[transport].senderBySSRC[ssrc]
        // Padding is reported on, too.
        if sender == nil, ssrc != Probation.ssrc { transports[transport].drops.unknownSSRC += 1 }
        return sender
    }

    // MARK: - From senders

    /// A producer's sender report: which time its timestamps mean, and the moment to judge its losses.
    private mutating func receive(
        _ info: SenderInfo, _ transport: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        guard let producer = transports[transport].listener.producer(ssrc: info.ssrc) else {
            transports[transport].drops.unknownSSRC += 1
            return
        }
        guard let index = stream(of: producer, ssrc: info.ssrc) else {
            receiveRetransmissionReport(info, of: producer, now: now)
            return
        }
        trace(info, of: index, now: now, into: &out)
        let isFirst = streams[index].senderLine == nil
        learnLine(of: index, info, now: now)
        if isFirst, streams[index].senderLine != nil { lineBecameKnown(of: index, now: now, into: &out) }
        guard streams[index].reception != nil else { return }
        streams[index].reception?.statistics.senderReport(info.ntp, at: now)
        let hasRTX = streams[index].hasRTX
        if streams[index].reception?.updateScore(hasRTX: hasRTX) ?? false {
            scoreChanged(of: index, now: now, into: &out)
        }
    }

    /// The stream that has this SSRC; before its first packet only if it was announced.
    private func stream(of producer: SlabIndex, ssrc: UInt32) -> SlabIndex? {
        for place in 0..<producers[producer].streams.count {
            let stream = producers[producer].streams[place]
            if streams[stream].reception?.ssrc ?? streams[stream].expectedSSRC == ssrc { return stream }
        }
        return nil
    }

    private mutating func learnLine(of index: SlabIndex, _ info: SenderInfo, now: Instant) {
        // Some senders write 0 while they don't know the time (RFC 3550 §6.4.1).
        let producer = streams[index].producer
        guard info.ntp.rawValue != 0, let codec = producers[producer].rtpParameters.codecs.first else { return }
        let sender = info.ntp.unixNanoseconds
        let shift = routers[producers[producer].router].clocks.shift(
            cname: producers[producer].cname, ours: clock.unixNanoseconds(at: now), sender: sender,
            isOnLine: isOnLine(index, info))
        streams[index].senderLine = TimestampLine(
            unixNanoseconds: sender &+ shift, timestamp: info.rtpTimestamp,
            clockRate: streams[index].reception?.clockRate ?? codec.clockRate)
        lineChanged(of: index)
        guard streams[index].senderShift != shift else { return }
        // Until now receivers had a guess: they are told at once.
        streams[index].senderShift = shift
        for sender in streams[index].senders { senders[sender].isReportWanted = true }
        if !streams[index].senders.isEmpty { wake(index, at: now) }
    }

    /// Whether a report ties its timestamp to the same time of the sender's clock as the last one did.
    private func isOnLine(_ index: SlabIndex, _ info: SenderInfo) -> Bool {
        guard let line = streams[index].senderLine, let shift = streams[index].senderShift else { return false }
        let expected = line.timestamp(atUnixNanoseconds: info.ntp.unixNanoseconds &+ shift)
        let distance = Int64(Int32(bitPattern: info.rtpTimestamp &- expected)).magnitude
        return distance <= UInt64(line.clockRate)
    }

    // MARK: - From receivers

    private mutating func receive(
        _ blocks: ReportBlocks, in datagram: RawSpan, _ transport: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        receiveLosses(blocks, in: datagram, transport, now: now, into: &out)
        for position in 0..<blocks.count {
            let block = blocks.block(position, in: datagram)
            guard let sender = knownSender(block.ssrc, transport) else { continue }
            guard
                senders[sender].reports.receive(
                    block, packetsSent: senders[sender].forwarder.packetCount,
                    repaired: senders[sender].packetsRepaired,
                    retransmitted: senders[sender].packetsRetransmitted, now: clock.ntp(at: now))
            else { continue }
            let consumer = senders[sender].consumer
            out.report(.consumerScore(consumers[consumer].id, score(of: consumer)))
        }
    }
}
