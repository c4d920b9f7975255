import Base

/// The payload types and header extension ids that a receiver chose itself, for the router's.
///
/// Who is offered a consumer takes the router's numbers. Who makes the offer (WHEP) has numbers of its own, and media
/// has to arrive under those (RFC 3264 §5.1, RFC 8285 §6).
public struct ReceiverNumbering: Sendable, Hashable {
    /// The receiver's for the router's, 0…127; a codec that isn't here isn't received.
    public var payloadTypes: [UInt8: UInt8]
    /// The same for header extensions, 1…14.
    public var extensionIDs: [UInt8: UInt8]

    public init(payloadTypes: [UInt8: UInt8] = [:], extensionIDs: [UInt8: UInt8] = [:]) {
        self.payloadTypes = payloadTypes
        self.extensionIDs = extensionIDs
    }

    /// Nil: the receiver has none, or not one that a packet could carry.
    public func payloadType(for router: UInt8) -> UInt8? { payloadTypes[router].flatMap { $0 < 128 ? $0 : nil } }

    /// Nil: the receiver has none, or not one of both forms (RFC 8285 §4.2, §4.3).
    public func extensionID(for router: UInt8) -> UInt8? {
        extensionIDs[router].flatMap { (1...14).contains($0) ? $0 : nil }
    }

    /// A consumer's parameters as its receiver gets the media. Codecs and extensions that have no number are left out,
    /// and SSRCs for retransmissions with the last RTX codec.
    public func renumbered(_ parameters: RTPParameters) -> RTPParameters {
        var result = parameters
        result.codecs = parameters.codecs.compactMap { codec in
            guard let payloadType = payloadType(for: codec.payloadType) else { return nil }
            var codec = codec
            codec.payloadType = payloadType
            if codec.isRTX {
                guard let media = codec.associatedPayloadType.flatMap(payloadType(for:)) else { return nil }
                codec.parameters["apt"] = JSONValue(media)
            }
            return codec
        }
        result.headerExtensions = parameters.headerExtensions.compactMap { ext in
            guard let id = UInt8(exactly: ext.id).flatMap(extensionID(for:)) else { return nil }
            var ext = ext
            ext.id = Int(id)
            return ext
        }
        let hasRTX = result.codecs.contains(where: \.isRTX)
        for index in result.encodings.indices {
            let encoding = result.encodings[index]
            result.encodings[index].codecPayloadType = encoding.codecPayloadType.flatMap(payloadType(for:))
            if !hasRTX { result.encodings[index].rtxSSRC = nil }
        }
        return result
    }
}
