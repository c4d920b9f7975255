import Base
import RTCP

// What a receiver misses is sent again, out of the logs that the packets still lie in.
extension MediaEngine {
    /// Of the outbox's slots: the rest is left to live media and RTCP. What finds no room is asked for again.
    private static func roomForRetransmissions(_ out: borrowing Outbox) -> Int { out.slots.capacity * 3 / 4 }

    /// A receiver asks for packets: they leave at once, each at most once in a round trip.
    mutating func retransmit(
        _ nack: NACK, in datagram: RawSpan, by index: SlabIndex, now: Instant, into out: inout Outbox
    ) {
        senders[index].nackCount += 1
        let path = transports[senders[index].transport].link.rtpPath
        out.beginRun(of: index)
        for position in 0..<nack.count {
            let item = nack.item(position, in: datagram)
            senders[index].nackPacketCount += item.count
            guard let path else { continue }
            var number = item.packetID
            var rest = item.lossBitmap
            while true {
                retransmit(number, by: index, to: path, now: now, into: &out)
                guard rest != 0 else { break }
                number = item.packetID &+ UInt16(rest.trailingZeroBitCount) &+ 1
                rest &= rest - 1
            }
        }
        out.beginRun(of: nil)
    }

    private mutating func retransmit(
        _ number: UInt16, by index: SlabIndex, to path: TransportPath, now: Instant, into out: inout Outbox
    ) {
        guard out.used < Self.roomForRetransmissions(out), mayRetransmit(senders[index].transport, now: now),
            case .packet(let packet) = senders[index].forwarder.retransmission?.find(
                number, roundTrip: senders[index].reports.roundTrip, now: now)
        else { return }
        // Layers have been switched since, perhaps: it lies in the log that it was sent from.
        let all = producers[consumers[senders[index].consumer].producer].streams
        guard Int(packet.encoding) < all.count else { return }
        let stream = all[Int(packet.encoding)]
        guard let form = form(of: packet, from: stream, by: index),
            case .written(let size) = Self.write(
                packet, as: form, senders, index, streams, stream, &transports[senders[index].transport], now: now,
                into: &out)
        else { return }
        out.add(size: size, to: path.remote, on: path.socket)
        if case .rtx = form { senders[index].rtxIndex += 1 }
        senders[index].packetsRetransmitted += 1
        if senders[index].forwarder.markResent(number, now: now) { senders[index].packetsRepaired += 1 }
        transports[senders[index].transport].sent.count(size, now: now)
        transports[senders[index].transport].sent.countRTX(size, now: now)
        meter.forwarded(1)
    }

    /// Where the path is estimated, what is sent again takes half of that at most, within a second: of a path that has become
    /// too narrow a receiver misses most, and all of it once more each round trip would keep it full (libwebrtc: all of it).
    private func mayRetransmit(_ transport: SlabIndex, now: Instant) -> Bool {
        // A receiver that announces feedback and sends none would be held to the first guess for ever.
        guard transports[transport].bandwidth.outgoing?.wasHeard == true,
            let available = transports[transport].bandwidth.outgoing?.availableBitrate
        else { return true }
        return transports[transport].sent.rtxRate.bitsPerSecond(now: now) < available / 2
    }

    /// Nil: its log has overwritten it.
    private func form(
        of packet: SentPacket, from stream: SlabIndex, by index: SlabIndex
    ) -> PacketForwarder.Form? {
        guard let payloadType = senders[index].forwarder.payloadType(of: packet, in: streams[stream].log) else {
            return nil
        }
        guard let ssrc = senders[index].rtxSSRC,
            let rtx = senders[index].rtxPayloadTypes.first(where: { $0.media == payloadType })?.rtx
        else { return .same }
        return .rtx(
            ssrc: ssrc, payloadType: rtx, index: senders[index].rtxIndex &+ 1)
    }

    // Both slabs are parameters: two elements of two properties can't be told apart by the exclusivity checks.
    private static func write(
        _ packet: SentPacket, as form: PacketForwarder.Form, _ senders: borrowing Slab<SendStream>, _ index: SlabIndex,
        _ streams: borrowing Slab<ReceiveStream>, _ stream: SlabIndex, _ transport: inout Transport, now: Instant,
        into out: inout Outbox
    ) -> PacketForwarder.Repetition {
        senders[index].forwarder.write(
            packet, of: streams[stream].log, as: form, under: &transport.security, counting: &transport.bandwidth,
            now: now, into: &out)
    }
}
