import Base

/// How a consumer's streams carry their layers: as its producer does, or everything when it is a pipe.
public enum ConsumerType: String, Sendable, Hashable, CaseIterable {
    case simple, simulcast, svc, pipe

    public init(of producer: ProducerType, pipe: Bool = false) {
        self =
            switch (pipe, producer) {
            case (true, _): .pipe
            case (false, .simple): .simple
            case (false, .simulcast): .simulcast
            case (false, .svc): .svc
            }
    }
}

/// Whether an endpoint can play a producer. Capabilities that don't validate can play nothing.
/// - Parameter consumable: `ProducerNegotiation.consumableRTPParameters`.
public func canConsume(_ consumable: RTPParameters, _ capabilities: RTPCapabilities) -> Bool {
    guard let capabilities = try? capabilities.normalised() else { return false }
    let first = consumable.codecs.first { codec in
        capabilities.codecs.contains { codecsMatch($0, codec, .strict) }
    }
    return first.map { !$0.isRTX } ?? false
}

/// The same from JSON, as requests bring it.
public func canConsume(_ consumable: RTPParameters, json capabilities: JSONValue) -> Bool {
    guard let capabilities = try? RTPCapabilities(json: capabilities) else { return false }
    return canConsume(consumable, capabilities)
}

/// Whether consumers of a kind get retransmissions when nobody says: video does. Opus conceals its losses.
public func enablesRTXByDefault(_ kind: MediaKind) -> Bool { kind == .video }

/// Negotiates a consumer: what of a producer's media an endpoint gets, in the router's payload types and extension ids.
///
/// Without `pipe` there is one encoding, whatever the producer has: the router chooses layers. With it, all are passed
/// on as they are.
/// - Parameters:
///   - consumable: `ProducerNegotiation.consumableRTPParameters`.
///   - capabilities: of the endpoint.
///   - ssrc: of the first encoding; each further one gets the next number. Chosen at random by the caller.
///   - rtxSSRC: the same for retransmissions. By default the numbers that follow those of the media.
///   - mid: left out when `pipe` is set.
/// - Throws: an `UnsupportedError` when the endpoint has none of the codecs, a `TypeError` for bad capabilities.
public func negotiateConsumer(
    consumable: RTPParameters, capabilities: RTPCapabilities, pipe: Bool = false, enableRTX: Bool,
    ssrc: UInt32, rtxSSRC: UInt32? = nil, mid: String?
) throws(ORTCError) -> RTPParameters {
    let capabilities = try capabilities.normalised()
    var consumer = RTPParameters(mid: pipe ? nil : mid, codecs: [], rtcp: consumable.rtcp)
    consumer.codecs = consumableCodecs(of: consumable, for: capabilities, enableRTX: enableRTX)
    guard let first = consumer.codecs.first, !first.isRTX else { throw .unsupported("no compatible media codecs") }
    consumer.headerExtensions = consumable.headerExtensions.filter { ext in
        capabilities.headerExtensions.contains { $0.preferredID == ext.id && $0.uri == ext.uri }
    }
    consumer.keepOneCongestionControl()

    let hasRTX = consumer.codecs.contains(where: \.isRTX)
    let encodings = pipe ? consumable.encodings : [mergedEncoding(of: consumable.encodings)]
    consumer.encodings = numbered(encodings, ssrc: ssrc, rtxSSRC: rtxSSRC, hasRTX: hasRTX)
    return consumer
}

/// The consumable codecs that the endpoint has, with its feedback; RTX only beside its media codec.
private func consumableCodecs(
    of consumable: RTPParameters, for capabilities: RTPCapabilities, enableRTX: Bool
) -> [RTPCodecParameters] {
    var kept: [RTPCodecParameters] = []
    for var codec in consumable.codecs where enableRTX || !codec.isRTX {
        guard let capability = capabilities.codecs.first(where: { codecsMatch($0, codec, .strict) }) else { continue }
        codec.rtcpFeedback = capability.rtcpFeedback.filter { enableRTX || !$0.isPlainNACK }
        kept.append(codec)
    }
    return kept.filter { codec in
        !codec.isRTX || kept.contains { $0.payloadType == codec.associatedPayloadType }
    }
}

extension RTCPFeedback {
    /// RFC 4585 §6.2.1, as opposed to `nack pli`.
    var isPlainNACK: Bool { type == "nack" && parameter.isEmpty }
}

extension RTPParameters {
    /// A receiver reports by one means: transport-wide feedback when its extension is there, else REMB, else nothing.
    fileprivate mutating func keepOneCongestionControl() {
        let dropped: Set<String> =
            if id(of: .transportWideCC) != nil {
                ["goog-remb"]
            } else if id(of: .absSendTime) != nil {
                ["transport-cc"]
            } else {
                ["transport-cc", "goog-remb"]
            }
        for index in codecs.indices { codecs[index].rtcpFeedback.removeAll { dropped.contains($0.type) } }
    }
}

// MARK: - Encodings

/// One encoding that stands for all: as many spatial layers as there are encodings, the highest bit rate of any.
private func mergedEncoding(of encodings: [RTPEncodingParameters]) -> RTPEncodingParameters {
    var mode = encodings.lazy.compactMap(\.scalabilityMode).first { !$0.isEmpty }
    if encodings.count > 1 {
        mode = "L\(encodings.count)T\(ScalabilityMode(parsing: mode).temporalLayers)"
    }
    let maxBitrate = encodings.lazy.compactMap(\.maxBitrate).max() ?? 0
    return RTPEncodingParameters(scalabilityMode: mode, maxBitrate: maxBitrate > 0 ? maxBitrate : nil)
}

/// Gives encodings their SSRCs; one for retransmissions only when there are any.
func numbered(
    _ encodings: [RTPEncodingParameters], ssrc: UInt32, rtxSSRC: UInt32?, hasRTX: Bool
) -> [RTPEncodingParameters] {
    let firstRTX = rtxSSRC ?? ssrc &+ UInt32(truncatingIfNeeded: encodings.count)
    return encodings.enumerated().map { index, given in
        var encoding = given
        let offset = UInt32(truncatingIfNeeded: index)
        encoding.ssrc = ssrc &+ offset
        encoding.rtxSSRC = hasRTX ? firstRTX &+ offset : nil
        return encoding
    }
}
