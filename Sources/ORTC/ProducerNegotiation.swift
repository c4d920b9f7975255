import Base

/// What a router makes of a producer's parameters.
public struct ProducerNegotiation: Sendable, Hashable {
    /// As given, with defaults filled in and profile-level-ids answered.
    public var rtpParameters: RTPParameters
    public var mapping: RTPMapping
    /// In the router's terms: what consumers are negotiated from.
    public var consumableRTPParameters: RTPParameters
    public var type: ProducerType
}

/// How a producer's streams carry their layers.
public enum ProducerType: String, Sendable, Hashable, CaseIterable {
    /// One stream, one layer.
    case simple
    /// Streams side by side, or temporal layers in a codec without spatial ones.
    case simulcast
    /// Layers within one stream.
    case svc
}

/// Negotiates a producer: validates its parameters, finds its codecs among the router's, and maps them.
///
/// The CNAME is taken as given: see `SharedCNAME` for the rule of transports.
/// - Parameters:
///   - kind: decides which header extensions consumers get. It isn't held against the codecs.
///   - firstMappedSSRC: of the first encoding; each further one gets the next number. Chosen at random by the caller.
/// - Throws: a `TypeError` for malformed or contradicting parameters, an `UnsupportedError` for a codec that the router
///   doesn't have, an `Error` for a stream that is there twice. Conflicts with other producers are for the transport.
public func negotiateProducer(
    kind: MediaKind, rtpParameters: RTPParameters, routerCapabilities: RTPCapabilities, firstMappedSSRC: UInt32
) throws(ORTCError) -> ProducerNegotiation {
    var parameters = try rtpParameters.normalised()
    if parameters.encodings.isEmpty { parameters.encodings = [RTPEncodingParameters()] }

    let matches = try matchCodecs(of: &parameters, in: routerCapabilities)
    let mapping = RTPMapping(
        codecs: matches.map { match in
            RTPMapping.Codec(
                payloadType: parameters.codecs[match.codec].payloadType, mappedPayloadType: match.routerPayloadType)
        },
        encodings: parameters.encodings.enumerated().map { index, encoding in
            RTPMapping.Encoding(
                ssrc: encoding.ssrc == 0 ? nil : encoding.ssrc,
                rid: encoding.rid?.isEmpty == true ? nil : encoding.rid,
                scalabilityMode: encoding.scalabilityMode?.isEmpty == true ? nil : encoding.scalabilityMode,
                mappedSSRC: firstMappedSSRC &+ UInt32(truncatingIfNeeded: index))
        })
    let consumable = consumableParameters(
        kind: kind, parameters: parameters, matches: matches, mapping: mapping, router: routerCapabilities)
    let type = try checkForMediaPlane(parameters, mapping: mapping)
    return ProducerNegotiation(
        rtpParameters: parameters, mapping: mapping, consumableRTPParameters: consumable, type: type)
}

extension ProducerNegotiation {
    /// The same from JSON, as `produce` requests bring it.
    public init(
        kind: JSONValue?, rtpParameters: JSONValue?, routerCapabilities: RTPCapabilities, firstMappedSSRC: UInt32
    ) throws(ORTCError) {
        let kind = try MediaKind(json: kind)
        self = try negotiateProducer(
            kind: kind, rtpParameters: try RTPParameters(json: rtpParameters ?? .null),
            routerCapabilities: routerCapabilities, firstMappedSSRC: firstMappedSSRC)
    }
}

// MARK: - Mapping

/// A codec of the producer (by position) and the router's codec that it is.
private struct CodecMatch {
    let codec: Int
    let routerCodec: RTPCodecCapability
    let routerPayloadType: UInt8
}

/// Media codecs first, then RTX codecs. Profile-level-ids are rewritten to what the router answers.
private func matchCodecs(
    of parameters: inout RTPParameters, in router: RTPCapabilities
) throws(ORTCError) -> [CodecMatch] {
    var matches: [CodecMatch] = []
    for (index, codec) in parameters.codecs.enumerated() where !codec.isRTX {
        guard let routerCodec = router.codecs.first(where: { codecsMatch(codec, $0, .strict) }),
            let payloadType = routerCodec.preferredPayloadType
        else {
            throw .unsupported("unsupported codec [mimeType:\(codec.mimeType), payloadType:\(codec.payloadType)]")
        }
        parameters.codecs[index].adoptProfileLevelID(answering: routerCodec)
        matches.append(CodecMatch(codec: index, routerCodec: routerCodec, routerPayloadType: payloadType))
    }
    let media = matches
    for (index, codec) in parameters.codecs.enumerated() where codec.isRTX {
        let repeated = codec.associatedPayloadType.flatMap { apt in
            parameters.codecs.firstIndex { $0.payloadType == apt }
        }
        guard let match = media.first(where: { $0.codec == repeated }) else {
            throw .type("missing media codec found for RTX PT \(codec.payloadType)")
        }
        guard let routerCodec = router.rtxCodec(repeating: match.routerPayloadType),
            let payloadType = routerCodec.preferredPayloadType
        else {
            throw .unsupported("no RTX codec for capability codec PT \(match.routerPayloadType)")
        }
        matches.append(CodecMatch(codec: index, routerCodec: routerCodec, routerPayloadType: payloadType))
    }
    return matches
}

extension RTPCapabilities {
    fileprivate func rtxCodec(repeating payloadType: UInt8) -> RTPCodecCapability? {
        codecs.first { $0.isRTX && $0.associatedPayloadType == payloadType }
    }
}

// MARK: - Consumable parameters

/// The router's codecs with the producer's codec parameters, the router's RTX codecs (also when the producer has none:
/// the router retransmits by itself) and the router's extension ids.
private func consumableParameters(
    kind: MediaKind, parameters: RTPParameters, matches: [CodecMatch], mapping: RTPMapping, router: RTPCapabilities
) -> RTPParameters {
    var consumable = RTPParameters(codecs: [], rtcp: RTCPParameters(cname: parameters.rtcp.cname))
    for match in matches where !parameters.codecs[match.codec].isRTX {
        var codec = RTPCodecParameters(match.routerCodec, payloadType: match.routerPayloadType)
        codec.parameters = parameters.codecs[match.codec].parameters
        consumable.codecs.append(codec)
        if let rtx = router.rtxCodec(repeating: match.routerPayloadType), let payloadType = rtx.preferredPayloadType {
            consumable.codecs.append(RTPCodecParameters(rtx, payloadType: payloadType))
        }
    }
    consumable.headerExtensions = router.headerExtensions
        .filter { $0.kind == kind && ($0.direction == .sendrecv || $0.direction == .sendonly) }
        .map { RTPHeaderExtensionParameters(uri: $0.uri, id: $0.preferredID, encrypt: $0.preferredEncrypt) }
    consumable.encodings = zip(parameters.encodings, mapping.encodings).map { given, mapped in
        var encoding = given
        (encoding.rid, encoding.rtxSSRC, encoding.codecPayloadType) = (nil, nil, nil)
        encoding.ssrc = mapped.mappedSSRC
        return encoding
    }
    return consumable
}

extension RTPCodecParameters {
    fileprivate init(_ capability: RTPCodecCapability, payloadType: UInt8) {
        self.init(
            mimeType: capability.mimeType, payloadType: payloadType, clockRate: capability.clockRate,
            channels: capability.channels, parameters: capability.parameters, rtcpFeedback: capability.rtcpFeedback)
    }
}
