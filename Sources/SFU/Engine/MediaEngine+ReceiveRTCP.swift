import Base
import RTCP

extension MediaEngine {
    mutating func receiveRTCP(
        _ datagram: RawSpan, _ transport: SlabIndex, on socket: SocketID, from: SocketAddress, now: Instant,
        into out: inout Outbox
    ) {
        guard var compound = try? RTCPCompound(validating: datagram) else {
            transports[transport].drops.malformed += 1
            return
        }
        switch transports[transport].admitRTCP(from: from, on: socket) {
        case .refused: return
        case .accepted: break
        case .latched(let tuple):
            if transports[transport].rtcpMux {
                out.report(.transportConnected(transports[transport].id, tuple))
                becameConnected(transport, now: now, into: &out)
            } else {
                out.report(.transportRTCPConnected(transports[transport].id, tuple))
            }
        }
        transports[transport].received.count(datagram.byteCount, now: now)
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
            guard let consumer = transports[transport].consumerBySSRC[request.mediaSSRC] else { return }
            consumers[consumer].pliCount += 1
            requestKeyFrame(by: consumer, now: now, into: &out)
        case .fullIntraRequest(let request):
            for position in 0..<request.count {
                let ssrc = request.item(position, in: datagram).ssrc
                guard let consumer = transports[transport].consumerBySSRC[ssrc] else { continue }
                consumers[consumer].firCount += 1
                requestKeyFrame(by: consumer, now: now, into: &out)
            }
        case .nack(let nack):
            // Counted only: nothing is sent again on plain transports yet, and consumers there don't announce it.
            guard let consumer = transports[transport].consumerBySSRC[nack.mediaSSRC] else { return }
            consumers[consumer].nackCount += 1
            for position in 0..<nack.count {
                consumers[consumer].nackPacketCount += nack.item(position, in: datagram).count
            }
        case .sourceDescription, .bye, .application, .remb, .transportWideFeedback, .extendedReport, .unknown:
            // A BYE says nothing that flow or signaling would not: mediasoup ignores it, too.
            break
        }
    }

    // MARK: - From senders

    /// A producer's sender report: which time its timestamps mean, and the moment to judge its losses.
    private mutating func receive(
        _ info: SenderInfo, _ transport: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        guard let index = transports[transport].listener.producer(ssrc: info.ssrc) else { return }
        if let stream = producers[index].stream {
            guard stream.ssrc == info.ssrc else { return }
        } else {
            // It may come before the first packet, but only for a stream that was announced.
            guard producers[index].expectedSSRC == info.ssrc else { return }
        }
        learnLine(of: index, info, now: now)
        guard producers[index].stream != nil else { return }
        producers[index].stream?.statistics.senderReport(info.ntp, at: now)
        if producers[index].stream?.updateScore() ?? false { scoreChanged(of: index, into: &out) }
    }

    private mutating func learnLine(of index: SlabIndex, _ info: SenderInfo, now: Instant) {
        // Some senders write 0 while they don't know the time (RFC 3550 §6.4.1).
        guard info.ntp.rawValue != 0, let codec = producers[index].rtpParameters.codecs.first else { return }
        let sender = info.ntp.unixNanoseconds
        let shift = routers[producers[index].router].clocks.shift(
            cname: producers[index].cname, ours: clock.unixNanoseconds(at: now), sender: sender,
            isOnLine: isOnLine(index, info))
        producers[index].senderLine = TimestampLine(
            unixNanoseconds: sender &+ shift, timestamp: info.rtpTimestamp,
            clockRate: producers[index].stream?.clockRate ?? codec.clockRate)
        guard producers[index].senderShift != shift else { return }
        // Until now receivers had a guess: they are told at once.
        producers[index].senderShift = shift
        for consumer in producers[index].consumers { consumers[consumer].reports.isReportWanted = true }
        if !producers[index].consumers.isEmpty { wake(index, at: now) }
    }

    /// Whether a report ties its timestamp to the same time of the sender's clock as the last one did.
    private func isOnLine(_ index: SlabIndex, _ info: SenderInfo) -> Bool {
        guard let line = producers[index].senderLine, let shift = producers[index].senderShift else { return false }
        let expected = line.timestamp(atUnixNanoseconds: info.ntp.unixNanoseconds &+ shift)
        let distance = Int64(Int32(bitPattern: info.rtpTimestamp &- expected)).magnitude
        return distance <= UInt64(line.clockRate)
    }

    // MARK: - From receivers

    private mutating func receive(
        _ blocks: ReportBlocks, in datagram: RawSpan, _ transport: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        for position in 0..<blocks.count {
            let block = blocks.block(position, in: datagram)
            guard let index = transports[transport].consumerBySSRC[block.ssrc] else { continue }
            let sent = consumers[index].forwarder.packetCount
            guard consumers[index].reports.receive(block, packetsSent: sent, now: clock.ntp(at: now)) else { continue }
            let score = producers[consumers[index].producer].streamScore
            out.report(.consumerScore(consumers[index].id, consumers[index].score(producerScore: score)))
        }
    }
}
