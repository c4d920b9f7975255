import ORTC
import RTP

/// What a producer's payload types are: looked up for each packet, so a plain table.
struct CodecTable: Sendable {
    enum Kind {
        case media(routerPayloadType: UInt8, PayloadCodec)
        case retransmission
        case unknown
    }

    private static let none: UInt8 = 0xFF
    private static let rtx: UInt8 = 0xFE

    private var routerPayloadTypes = InlineArray<128, UInt8>(repeating: none)
    private var codecs = InlineArray<128, PayloadCodec>(repeating: .other)
    /// Of a retransmission's payload type: the one that it repeats.
    private var repeated = InlineArray<128, UInt8>(repeating: none)

    init(_ parameters: RTPParameters, _ mapping: RTPMapping) {
        for mapped in mapping.codecs {
            let slot = Int(mapped.payloadType & 0x7F)
            guard let codec = parameters.codecs.first(where: { $0.payloadType == mapped.payloadType }) else { continue }
            routerPayloadTypes[slot] = codec.isRTX ? Self.rtx : mapped.mappedPayloadType
            codecs[slot] = PayloadCodec(mimeType: codec.mimeType)
            if codec.isRTX, let media = codec.associatedPayloadType { repeated[slot] = media & 0x7F }
        }
    }

    func isRetransmission(_ payloadType: UInt8) -> Bool {
        routerPayloadTypes[Int(payloadType & 0x7F)] == Self.rtx
    }

    /// The payload type that a retransmission's stands for; nil: it is none.
    func payloadType(repeatedBy payloadType: UInt8) -> UInt8? {
        let media = repeated[Int(payloadType & 0x7F)]
        return media == Self.none ? nil : media
    }

    subscript(payloadType: UInt8) -> Kind {
        let slot = Int(payloadType & 0x7F)
        return switch routerPayloadTypes[slot] {
        case Self.none: .unknown
        case Self.rtx: .retransmission
        default: .media(routerPayloadType: routerPayloadTypes[slot], codecs[slot])
        }
    }
}

/// A set of payload types.
struct PayloadTypeSet: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init(_ payloadTypes: some Sequence<UInt8>) {
        for type in payloadTypes {
            if type < 64 { low |= 1 << UInt64(type) } else { high |= 1 << UInt64(type & 63) }
        }
    }

    func contains(_ payloadType: UInt8) -> Bool {
        (payloadType < 64 ? low : high) & 1 << UInt64(payloadType & 63) != 0
    }
}
