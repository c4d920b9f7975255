import Base
import RTCP
import RTP

/// A stream of retransmissions (RFC 4588) since its first packet: it has an SSRC, numbers and reports of its own.
struct RetransmissionReception: Sendable {
    let ssrc: UInt32
    var statistics: ReceptionStatistics
    /// Its own numbers were far off.
    var discarded: UInt64 = 0

    init(ssrc: UInt32, clockRate: Int) {
        self.ssrc = ssrc
        statistics = ReceptionStatistics(clockRate: clockRate)
    }
}

extension ReceiveStream {
    /// Whether the source repeats packets in a stream of its own.
    var hasRTX: Bool { expectedRTXSSRC != nil || retransmission != nil }

    /// Notes what an original shows to be missing.
    mutating func trackLosses(_ incoming: Int64, now: Instant, _ receipt: inout Receipt) {
        guard reception?.nack != nil else { return }
        let (hasRTX, isKeyFrame) = (hasRTX, receipt.isKeyFrame)
        receipt.wantsKeyFrame =
            reception?.trackLosses(incoming, isKeyFrame: isKeyFrame, hasRTX: hasRTX, now: now) ?? false
        receipt.wantsPackets = reception?.nack?.nextDeadline != nil
    }

    /// Takes in a packet of the stream of retransmissions. Only what was asked for is kept.
    mutating func receiveRetransmission(
        _ header: RTPHeader, _ packet: RawSpan, of producer: borrowing Producer, now: Instant,
        drops: inout DropCounters
    ) -> (Receipt, original: RTPHeader)? {
        guard reception?.nack != nil, let ssrc = reception?.ssrc, let clockRate = reception?.clockRate,
            let payloadType = producer.codecs.payloadType(repeatedBy: header.payloadType),
            case .media(let routerPayloadType, let codec) = producer.codecs[payloadType]
        else {
            drops.retransmission += 1
            return nil
        }
        if retransmission == nil {
            retransmission = RetransmissionReception(ssrc: header.ssrc, clockRate: clockRate)
        }
        guard retransmission?.ssrc == header.ssrc else {
            drops.otherStream += 1
            return nil
        }
        let verdict = retransmission?.statistics.receive(
            sequenceNumber: header.sequenceNumber, timestamp: header.timestamp, at: now)
        guard verdict?.index != nil else {
            retransmission?.discarded += 1
            drops.sequence += 1
            return nil
        }
        // Without an original payload it is a probe.
        let naming = Retransmission.Naming(ssrc: ssrc, payloadType: payloadType)
        guard let original = Retransmission.originalHeader(header, of: packet, named: naming),
            original.payloadLength > 0
        else {
            drops.empty += 1
            return nil
        }
        let index = reception?.receiveRetransmitted(
            original.sequenceNumber, packet.byteCount - Retransmission.overhead, now: now, drops: &drops)
        guard let index, !producer.paused else { return nil }
        var receipt = Receipt(isOurs: true)
        let layers = reader.layers(of: packet, original, codec: codec)
        receipt.layers = layers
        receipt.isKeyFrame = detectsKeyFrames && layers.startsKeyFrame
        receipt.isKept = keep(original, packet, index, routerPayloadType, producer.extensions, layers, now: now)
        return (receipt, original)
    }
}
