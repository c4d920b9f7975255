/// What the media side demands of a producer, in the order in which mediasoup's media process finds faults, with its
/// words. Returns the producer's type.
func checkForMediaPlane(_ parameters: RTPParameters, mapping: RTPMapping) throws(ORTCError) -> ProducerType {
    for ext in parameters.headerExtensions where !SupportedCapabilities.headerExtensionURIs.contains(ext.uri) {
        throw .type("invalid RtpHeaderExtensionUri: \(ext.uri)")
    }
    if parameters.mid?.isEmpty == true { throw .atProduce("empty mid") }
    if parameters.codecs.isEmpty { throw .atProduce("empty codecs") }
    for ext in parameters.headerExtensions where ext.id == 0 { throw .atProduce("invalid id 0") }
    try checkPayloadTypes(parameters)
    let type = try producerType(parameters)
    try checkStreams(parameters, mapping: mapping)
    return type
}

extension ORTCError {
    /// mediasoup marks errors of its media process with the name of the request.
    fileprivate static func atProduce(_ message: String, _ name: Name = .type) -> ORTCError {
        ORTCError(name, "\(message) [method:transport.produce]")
    }
}

private func checkPayloadTypes(_ parameters: RTPParameters) throws(ORTCError) {
    var seen: Set<UInt8> = []
    for codec in parameters.codecs where !seen.insert(codec.payloadType).inserted {
        throw .atProduce("duplicated payloadType")
    }
    guard parameters.codecs.contains(where: \.isMedia) else { throw .atProduce("no media codecs found") }
    let isSimulcast = parameters.encodings.count > 1
    for encoding in parameters.encodings {
        if isSimulcast, ScalabilityMode(parsing: encoding.scalabilityMode).spatialLayers > 1 {
            throw .atProduce("cannot use both simulcast and encodings with multiple SVC spatial layers")
        }
        guard let codec = parameters.codec(for: encoding) else { throw .atProduce("unknown codecPayloadType") }
        guard codec.isMedia else { throw .atProduce("invalid codecPayloadType") }
    }
}

// MARK: - Type

private func producerType(_ parameters: RTPParameters) throws(ORTCError) -> ProducerType {
    // Both are there: `checkPayloadTypes` looked.
    guard let first = parameters.encodings.first, let codec = parameters.codec(for: first) else {
        throw .atProduce("invalid RTP parameters")
    }
    let codecName = codec.mimeType.lowercased()
    let canSimulcast = codecName == "video/vp8" || codecName == "video/h264"
    let canSVC = ["video/vp9", "video/h264-svc", "video/av1"].contains(codecName)
    guard parameters.encodings.count == 1 else {
        guard canSimulcast else {
            let name = SupportedCapabilities.codecs.first { $0.mimeType.lowercased() == codecName }?.mimeType
            throw .atProduce("\(name ?? codec.mimeType) codec not supported for simulcast")
        }
        return .simulcast
    }
    let mode = ScalabilityMode(parsing: first.scalabilityMode)
    guard mode.spatialLayers > 1 || mode.temporalLayers > 1 else { return .simple }
    if canSVC { return .svc }
    guard canSimulcast else { throw .atProduce("invalid RTP parameters") }
    return .simulcast
}

// MARK: - Streams

/// Every stream must be recognisable, and only once among the producer's own.
private func checkStreams(_ parameters: RTPParameters, mapping: RTPMapping) throws(ORTCError) {
    let isSimulcast = mapping.encodings.count > 1
    for encoding in mapping.encodings where encoding.ssrc == nil && encoding.rid == nil {
        if isSimulcast { throw .atProduce("wrong entry in rtpMapping.encodings (missing ssrc or rid)") }
        if parameters.mid == nil {
            throw .atProduce("wrong entry in rtpMapping.encodings (missing ssrc or rid, or rtpParameters.mid)")
        }
    }
    var seen: Set<UInt32> = [0]
    for encoding in parameters.encodings {
        if let ssrc = encoding.ssrc, ssrc != 0, !seen.insert(ssrc).inserted {
            throw .atProduce("ssrc already exists in RTP listener [ssrc:\(ssrc)]", .plain)
        }
        if let ssrc = encoding.rtxSSRC, ssrc != 0, !seen.insert(ssrc).inserted {
            throw .atProduce("RTX ssrc already exists in RTP listener [ssrc:\(ssrc)]", .plain)
        }
    }
    // With a mid, packets are told apart by mid and rid together.
    guard parameters.mid == nil else { return }
    var rids: Set<String> = []
    for rid in mapping.encodings.compactMap(\.rid) where !rids.insert(rid).inserted {
        throw .atProduce("RID already exists in RTP listener and no MID is given [rid:\(rid)]", .plain)
    }
}
