import Base
import RTCP

extension MediaEngine {
    /// 1500 bytes of MTU less room for IP, UDP and SRTCP: mediasoup's size of a compound.
    static var maximumCompound: Int { 1292 }

    /// mediasoup's intervals of reports on one stream; a tick that comes up to 13 % early counts.
    static func reportInterval(isAudio: Bool) -> Duration { .nanoseconds(isAudio ? 4_347_826_086 : 869_565_217) }

    // MARK: - Sender reports out of turn

    /// The report that leaves with a consumer's first packet, or when its clock line has become known.
    /// True: no room.
    mutating func sendWantedReport(of index: SlabIndex, now: Instant, into out: inout Outbox) -> Bool {
        guard senders[index].isReportWanted, senders[index].forwarder.packetCount > 0,
            transports[senders[index].transport].link.feedbackPath != nil,
            let info = senderInfo(of: index, now: now)
        else { return false }
        guard out.hasRoom(for: Self.maximumCompound) else { return true }
        var compound = CompoundWriter()
        compound.add(info, cname: senders[index].cname)
        let sent = compound.withBytes { sendRTCP($0, by: senders[index].transport, now: now, into: &out) }
        guard sent else { return true }
        reported(index, now: now)
        return false
    }

    private mutating func reported(_ index: SlabIndex, now: Instant) {
        senders[index].isReportWanted = false
        senders[index].reports.nextReport = now + Self.reportInterval(isAudio: senders[index].kind == .audio)
    }

    /// Nil before the first packet, and before any line through time is known.
    private func senderInfo(of index: SlabIndex, now: Instant) -> SenderInfo? {
        guard senders[index].forwarder.packetCount > 0, let line = streams[senders[index].stream].line(clock)
        else { return nil }
        return SenderInfo(
            ssrc: senders[index].ssrc, ntp: clock.ntp(at: now),
            rtpTimestamp: line.timestamp(atUnixNanoseconds: clock.unixNanoseconds(at: now))
                &+ (senders[index].forwarder.layers?.alignment.offset ?? 0),
            packetCount: UInt32(truncatingIfNeeded: senders[index].forwarder.packetCount),
            octetCount: UInt32(truncatingIfNeeded: senders[index].forwarder.octetCount))
    }

    // MARK: - Regular reports

    /// A transport's RTCP timer: sender reports of its consumers' streams, receiver reports of its producers', names.
    mutating func advanceReports(of index: SlabIndex, to now: Instant, into out: inout Outbox) {
        guard let timer = transports[index].reportTimer, timer <= now else { return }
        guard transports[index].link.feedbackPath == nil || out.hasRoom(for: 2 * Self.maximumCompound) else { return }
        // 1.0…1.5 s, drawn anew each time: transports that were made together don't stay together.
        let spread = Int64.random(in: 1_000_000_000...1_500_000_000, using: &random)
        transports[index].reportTimer = now + .nanoseconds(spread)
        judgeFailures(of: index, into: &out)
        guard transports[index].link.feedbackPath != nil else { return }

        let answer = answer(of: index, now: now)
        var compound = CompoundWriter()
        compound.answer(with: answer)
        for consumer in transports[index].consumers {
            for sender in consumers[consumer].senders {
                if let next = senders[sender].reports.nextReport, next > now { continue }
                guard let info = senderInfo(of: sender, now: now) else { continue }
                let cname = senders[sender].cname
                if !compound.hasRoom(forSenderReportOf: cname) {
                    _ = compound.withBytes { sendRTCP($0, by: index, now: now, into: &out) }
                    compound = CompoundWriter()
                    compound.answer(with: answer)
                }
                compound.add(info, cname: cname)
                reported(sender, now: now)
            }
        }
        for producer in transports[index].producers {
            for stream in producers[producer].streams {
                guard let next = streams[stream].reception?.nextReport, next <= now,
                    var block = streams[stream].makeReport(now: now)
                else { continue }
                if streams[stream].usesInBandFEC {
                    block.fractionLost = max(block.fractionLost, worstFractionLost(behind: stream))
                }
                report(block, in: &compound, by: index, now: now, into: &out)
                if let repeated = streams[stream].retransmission?.makeReport(now: now) {
                    report(repeated, in: &compound, by: index, now: now, into: &out)
                }
            }
        }
        _ = compound.withBytes { sendRTCP($0, by: index, now: now, into: &out) }
    }

    /// What the receivers of a stream lose, at worst: a sender that repeats sound in later packets (Opus' forward error
    /// correction) repeats as much as it is told to be lost.
    private func worstFractionLost(behind stream: SlabIndex) -> UInt8 {
        var worst: UInt8 = 0
        for place in 0..<streams[stream].senders.count {
            let sender = streams[stream].senders[place]
            guard consumers[senders[sender].consumer].isActive else { continue }
            worst = max(worst, senders[sender].reports.fractionLost)
        }
        return worst
    }

    /// Adds a block, and our time beside the first.
    private mutating func report(
        _ block: ReportBlock, in compound: inout CompoundWriter, by index: SlabIndex, now: Instant,
        into out: inout Outbox
    ) {
        if !compound.hasRoomForReportBlock {
            _ = compound.withBytes { sendRTCP($0, by: index, now: now, into: &out) }
            compound = CompoundWriter()
        }
        compound.add(block)
        compound.add(referenceTime: clock.ntp(at: now))
    }
}

extension RetransmissionReception {
    /// As often as the media's. Begins the next interval.
    mutating func makeReport(now: Instant) -> ReportBlock { statistics.makeReport(ssrc: ssrc, now: now) }
}

extension ReceiveStream {
    /// What the source is told of its own stream. Begins the next interval.
    mutating func makeReport(now: Instant) -> ReportBlock? {
        guard let ssrc = reception?.ssrc, let block = reception?.statistics.makeReport(ssrc: ssrc, now: now) else {
            return nil
        }
        reception?.fractionLost = block.fractionLost
        reception?.nextReport = now + MediaEngine.reportInterval(isAudio: kind == .audio)
        return block
    }
}

extension Reception {
    /// A sender report came in: time to judge what was lost. Returns whether the score changed.
    mutating func updateScore(hasRTX: Bool) -> Bool {
        score.update(
            packets: statistics.packetsReceived, lost: max(0, statistics.packetsLost), repaired: Int64(packetsRepaired),
            retransmitted: Int64(packetsRetransmitted), countsRepaired: !hasRTX)
    }
}
