import Base
import RTP

extension ReceiveStream {
    /// What became of a packet.
    struct Receipt {
        var isNewStream = false
        /// It belongs to the stream, whatever became of it.
        var isOurs = false
        /// The sender's numbers begin anew.
        var hasRestarted = false
        /// It lies in the log now.
        var isKept = false
        var isKeyFrame = false
        var layers = PacketLayers()
        /// It was silent for so long that it counted as dead, or a spatial layer of it was.
        var hasRisen = false
        /// Packets are missing that should be asked for now.
        var wantsPackets = false
        /// Too many are missing to ask for.
        var wantsKeyFrame = false
    }

    /// Closing a lap at a key frame keeps a stream with short groups from ever touching the rest of its log.
    static let leastLap = 1 << 20

    /// Takes in a packet that the listener found to be the producer's. Counts what it drops.
    mutating func receive(
        _ header: RTPHeader, _ packet: RawSpan, of producer: borrowing Producer, now: Instant,
        drops: inout DropCounters
    ) -> Receipt {
        var receipt = Receipt()
        let routerPayloadType: UInt8
        let codec: PayloadCodec
        switch producer.codecs[header.payloadType] {
        case .media(let mapped, let payloadCodec): (routerPayloadType, codec) = (mapped, payloadCodec)
        case .retransmission:
            drops.retransmission += 1
            return receipt
        case .unknown:
            drops.payloadType += 1
            return receipt
        }
        if reception == nil {
            // An announced stream is known by its SSRC alone: neither a MID nor the SSRC of its retransmissions, which
            // the listener knows too, makes another one of it.
            guard expectedSSRC == nil || expectedSSRC == header.ssrc else {
                drops.otherStream += 1
                return receipt
            }
            // Probes don't make a stream.
            guard header.payloadLength > 0 else {
                drops.empty += 1
                return receipt
            }
            guard begin(header, of: producer) else { return receipt }
            receipt.isNewStream = true
            risen = now
        }
        guard reception?.ssrc == header.ssrc else {
            drops.otherStream += 1
            return receipt
        }
        receipt.isOurs = true
        lastPacket = now
        if isDead {
            isDead = false
            reception?.score.set(10)
            receipt.hasRisen = true
        }
        let restarts = reception?.restarts
        let arrival = reception?.receive(header, packet.byteCount, now: now, drops: &drops)
        receipt.hasRestarted = reception?.restarts != restarts
        guard let arrival else { return receipt }
        guard !producer.paused else {
            if arrival.forwarded != nil { drops.paused += 1 }
            return receipt
        }
        let layers =
            arrival.forwarded == nil ? PacketLayers() : reader.layers(of: packet, header, codec: codec)
        receipt.layers = layers
        receipt.isKeyFrame = detectsKeyFrames && layers.startsKeyFrame
        trackLosses(arrival.incoming, now: now, &receipt)
        guard let index = arrival.forwarded else { return receipt }
        if meter.received(layers, size: packet.byteCount, now: now), !isWatched { receipt.hasRisen = true }
        receipt.isKept = keep(header, packet, index, routerPayloadType, producer.extensions, layers, now: now)
        return receipt
    }

    private mutating func begin(_ header: RTPHeader, of producer: borrowing Producer) -> Bool {
        let codec = producer.rtpParameters.codecs.first { $0.payloadType == header.payloadType }
        guard let codec else { return false }
        reception = Reception(
            ssrc: header.ssrc, clockRate: codec.clockRate, mimeType: codec.mimeType, usesNACK: usesNACK)
        return true
    }

    /// Appends it to the log, its header extension in the router's terms, a VP8 picture id in two bytes.
    mutating func keep(
        _ header: RTPHeader, _ packet: RawSpan, _ index: UInt64, _ payloadType: UInt8, _ extensions: ExtensionMap,
        _ layers: PacketLayers, now: Instant
    ) -> Bool {
        let isKeyFrame = detectsKeyFrames && layers.startsKeyFrame
        // Not between packets of one group: the rest of the lap would count as its own.
        if isKeyFrame, log.lapLength >= Self.leastLap, !gop.isOvertaken(index) { log.closeLap() }
        // The low byte is the second byte of the header as consumers get it.
        var flags = UInt16(header.marker ? 0x80 : 0) | UInt16(payloadType)
        let body = packet.extracting(header.payloadOffset..<packet.byteCount)
        let expands = layers.hasPictureID && VP8DescriptorRewriting.hasShortPictureID(body)
        let position: UInt64?
        if header.hasExtension || expands {
            var head = PacketHead()
            let headerLength = extensions.rewrite(header, of: packet, into: &head)
            if head.hasLongForm(header) { flags |= RTPRewriter.longFormFlag }
            if expands {
                let start = VP8DescriptorRewriting.expandedHead(body)
                head.append(start.0)
                head.append(start.1)
                head.append(start.2)
            }
            let rest = body.extracting((expands ? VP8DescriptorRewriting.replacedLength : 0)..<body.byteCount)
            position = log.append(
                head: head.bytes.span.bytes.extracting(0..<head.length), headerLength: headerLength, body: rest,
                index: index, flags: flags, layers: layers, arrival: now)
        } else {
            // A retransmission's header ends before the original number that stands in front of the payload.
            position = log.append(
                head: packet.extracting(0..<RTPHeader.minimumLength + 4 * Int(header.csrcCount)), body: body,
                index: index, flags: flags, layers: layers, arrival: now)
        }
        guard let position else { return false }
        if detectsKeyFrames {
            gop.appended(
                position: position, index: index, isKeyFrame: isKeyFrame, timestamp: header.timestamp, now: now)
        }
        return true
    }
}
