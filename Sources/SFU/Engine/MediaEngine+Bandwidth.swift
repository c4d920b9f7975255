import Base
import Congestion
import ORTC
import RTCP
import RTP

// Bandwidth of transports: feedback for what comes in, and estimates of what may go out.
extension MediaEngine {
    // MARK: - Limits

    /// Asks the remote side, by REMB, to send no more than this. Bits per second; 0: no limit.
    public mutating func setMaxIncomingBitrate(
        _ id: TransportID, _ bitrate: Int64, now: Instant
    ) throws(SFUError) {
        let index = try index(id, "transport.setMaxIncomingBitrate")
        try checkHasBandwidth(index, "setMaxIncomingBitrate")
        transports[index].bandwidth.setMaxIncoming(max(0, bitrate))
        armBandwidth(of: index)
    }

    /// Bits per second; 0: no limit.
    /// - Throws: mediasoup's errors: below 30,000, or below the lower limit.
    public mutating func setMaxOutgoingBitrate(
        _ id: TransportID, _ bitrate: Int64, now: Instant, into out: inout Outbox
    ) throws(SFUError) {
        let method = "transport.setMaxOutgoingBitrate"
        let index = try index(id, method)
        try checkHasBandwidth(index, "setMaxOutgoingBitrate")
        try Self.checkBitrate(bitrate, method)
        let least = transports[index].bandwidth.minOutgoingBitrate
        guard bitrate == 0 || bitrate >= least else {
            throw .invalid(
                "bitrate must be >= current min outgoing bitrate (\(least)) or 0 (unlimited) [method:\(method)]")
        }
        if let change = transports[index].bandwidth.setMaxOutgoing(bitrate, now: now) {
            bandwidthChanged(change, of: index, now: now, into: &out)
        }
    }

    /// Bits per second; 0: no limit. The estimate does not fall below it.
    /// - Throws: mediasoup's errors: below 30,000, or above the upper limit.
    public mutating func setMinOutgoingBitrate(
        _ id: TransportID, _ bitrate: Int64, now: Instant, into out: inout Outbox
    ) throws(SFUError) {
        let method = "transport.setMinOutgoingBitrate"
        let index = try index(id, method)
        try checkHasBandwidth(index, "setMinOutgoingBitrate")
        try Self.checkBitrate(bitrate, method)
        let most = transports[index].bandwidth.maxOutgoingBitrate
        guard most == 0 || bitrate <= most else {
            throw .invalid(
                "bitrate must be <= current max outgoing bitrate (\(most)) or 0 (unlimited) [method:\(method)]")
        }
        if let change = transports[index].bandwidth.setMinOutgoing(bitrate, now: now) {
            bandwidthChanged(change, of: index, now: now, into: &out)
        }
    }

    /// Code of this process has no path whose bitrate could be limited.
    private func checkHasBandwidth(_ transport: SlabIndex, _ method: String) throws(SFUError) {
        guard transports[transport].kind != .direct else {
            throw .unsupported("\(method)() not implemented in DirectTransport")
        }
    }

    private static func checkBitrate(_ bitrate: Int64, _ method: String) throws(SFUError) {
        guard bitrate == 0 || bitrate >= OutgoingBandwidth.minBitrate else {
            throw .invalid("bitrate must be >= \(OutgoingBandwidth.minBitrate) or 0 (unlimited) [method:\(method)]")
        }
    }

    /// What a transport's estimate was made of; nil: it has none.
    public func outgoingBitrates(of id: TransportID) -> OutgoingBitrates? {
        transportByID[id].flatMap { transports[$0].bandwidth.outgoing?.bitrates }
    }

    // MARK: - In

    /// A packet of the remote side, before it is known whose it is: all of them count.
    mutating func receivedBandwidth(_ header: RTPHeader, _ packet: RawSpan, _ transport: SlabIndex, now: Instant) {
        guard transports[transport].bandwidth.incoming != nil else { return }
        transports[transport].bandwidth.received(header, packet, now: now)
        if let deadline = transports[transport].bandwidth.incoming?.nextDeadline { arm(deadline) }
    }

    mutating func receive(
        _ feedback: TransportWideFeedback, in datagram: RawSpan, _ transport: SlabIndex, now: Instant,
        into out: inout Outbox
    ) {
        let change = transports[transport].bandwidth.outgoing?.receive(feedback, in: datagram, now: now)
        if let change { bandwidthChanged(change, of: transport, now: now, into: &out) }
        armBandwidth(of: transport)
    }

    mutating func receive(
        _ remb: ReceiverEstimatedMaximumBitrate, _ transport: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        let change = transports[transport].bandwidth.outgoing?.receive(remb: remb.bitrateBitsPerSecond, now: now)
        if let change { bandwidthChanged(change, of: transport, now: now, into: &out) }
        armBandwidth(of: transport)
    }

    /// The losses that a receiver tells of its video: where it estimates the bandwidth, they bound it, too. Each stream
    /// counts as much as it has sent since it was told of last, as in libwebrtc: a few lost packets of a small one are no
    /// tenth of the whole.
    mutating func receiveLosses(
        _ blocks: ReportBlocks, in datagram: RawSpan, _ transport: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        guard transports[transport].bandwidth.outgoing?.mechanism == .remb else { return }
        var (lost, expected) = (0.0, 0.0)
        var roundTrip: Duration?
        for position in 0..<blocks.count {
            let block = blocks.block(position, in: datagram)
            guard let sender = transports[transport].senderBySSRC[block.ssrc], senders[sender].kind == .video else {
                continue
            }
            // Before its first report, or when its numbers went back: as a single packet.
            let count = Double(max(1, senders[sender].reports.newlyTold(by: block)))
            lost += Double(block.fractionLost) / 256 * count
            expected += count
            roundTrip =
                CompactNTP.roundTrip(
                    now: clock.ntp(at: now), lastReport: block.lastSenderReport,
                    delay: block.delaySinceLastSenderReport) ?? roundTrip
        }
        guard expected > 0 else { return }
        let loss = lost / expected
        let change = transports[transport].bandwidth.outgoing?.receive(loss: loss, roundTrip: roundTrip, now: now)
        if let change { bandwidthChanged(change, of: transport, now: now, into: &out) }
    }

    // MARK: - Timers

    mutating func armBandwidth(of index: SlabIndex) {
        if let deadline = transports[index].bandwidth.nextDeadline { arm(deadline) }
    }

    mutating func advanceBandwidth(of index: SlabIndex, to now: Instant, into out: inout Outbox) {
        let change = transports[index].bandwidth.outgoing?.advance(to: now)
        let isDue = transports[index].bandwidth.nextDistribution.map { $0 <= now } ?? false
        if let change {
            bandwidthChanged(change, of: index, now: now, into: &out)
        } else if isDue {
            distributeBandwidth(of: index, now: now, into: &out)
        }
        advanceProbation(of: index, to: now, into: &out)
        sendBandwidthFeedback(of: index, now: now, into: &out)
    }

    /// Feedback that is due; each in a compound of its own. Without room in the outbox it stays due.
    private mutating func sendBandwidthFeedback(of index: SlabIndex, now: Instant, into out: inout Outbox) {
        guard let due = transports[index].bandwidth.incoming?.nextDeadline, due <= now else { return }
        var buffer = InlineArray<1292, UInt8>(repeating: 0)
        while out.hasRoom(for: Self.maximumCompound) {
            var span = buffer.mutableSpan
            var bytes = span.mutableBytes
            var rtcp = RTCPBuilder()
            let ssrc = transports[index].bandwidth.lastSSRC
            // Sender 0, as mediasoup: this end of the transport is no source.
            let isWritten = transports[index].bandwidth.incoming?.write(
                senderSSRC: 0, mediaSSRC: ssrc, now: now, into: &rtcp, &bytes)
            guard isWritten == true else { return }
            _ = sendRTCP(bytes.bytes.extracting(0..<rtcp.length), by: index, now: now, into: &out)
        }
    }
}
