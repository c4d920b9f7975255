import Base

/// One packet of a compound, as a small value; lists stay in the datagram and are read from it by position.
public enum RTCPPacket: Sendable, Hashable {
    case senderReport(SenderReport)
    case receiverReport(ReceiverReport)
    case sourceDescription(SourceDescription)
    case bye(Bye)
    /// Recognised and skipped.
    case application
    case nack(NACK)
    case pictureLoss(PictureLossIndication)
    case fullIntraRequest(FullIntraRequest)
    case remb(ReceiverEstimatedMaximumBitrate)
    case transportWideFeedback(TransportWideFeedback)
    case extendedReport(ExtendedReport)
    /// A type, or a feedback format, that we do not know.
    case unknown(type: UInt8, count: UInt8)

    init(_ slice: RTCPSlice, in datagram: RawSpan) throws(RTCPParseError) {
        switch slice.type {
        case RTCPType.senderReport: self = .senderReport(try SenderReport(slice, in: datagram))
        case RTCPType.receiverReport: self = .receiverReport(try ReceiverReport(slice, in: datagram))
        case RTCPType.sourceDescription: self = .sourceDescription(try SourceDescription(slice, in: datagram))
        case RTCPType.bye: self = .bye(try Bye(slice))
        case RTCPType.application: self = .application
        case RTCPType.transportFeedback:
            switch slice.count {
            case 1: self = .nack(try NACK(slice, in: datagram))
            case 15: self = .transportWideFeedback(try TransportWideFeedback(slice, in: datagram))
            default: self = .unknown(type: slice.type, count: slice.count)
            }
        case RTCPType.payloadFeedback:
            switch slice.count {
            case 1: self = .pictureLoss(try PictureLossIndication(slice, in: datagram))
            case 4: self = .fullIntraRequest(try FullIntraRequest(slice, in: datagram))
            case 15:
                // Application layer feedback; REMB is the one that says its name.
                try slice.require(8)
                guard slice.contentEnd - slice.content >= 12,
                    datagram.uint32(at: slice.content + 8) == ReceiverEstimatedMaximumBitrate.name
                else {
                    self = .unknown(type: slice.type, count: slice.count)
                    return
                }
                self = .remb(try ReceiverEstimatedMaximumBitrate(slice, in: datagram))
            default: self = .unknown(type: slice.type, count: slice.count)
            }
        case RTCPType.extendedReport: self = .extendedReport(try ExtendedReport(slice, in: datagram))
        default: self = .unknown(type: slice.type, count: slice.count)
        }
    }
}
