import Base

/// What a router offers: its media codecs with payload types, an RTX codec beside each video codec, and all extensions.
public enum RouterCapabilities {
    /// In the order they are given out.
    private static let dynamicPayloadTypes: [UInt8] = Array(100...127) + Array(96...99)

    /// - Parameter mediaCodecs: the order is that of preference. A payload type that is named is kept; it must not have
    ///   been given out to an earlier codec or its RTX. RTCP feedback is always that of the supported codec.
    /// - Throws: a `TypeError` for malformed codecs and payload types used twice, an `UnsupportedError` for a codec that
    ///   isn't in `SupportedCapabilities`, an `Error` when there are more codecs than payload types.
    public static func make(mediaCodecs: [RTPCodecCapability]) throws(ORTCError) -> RTPCapabilities {
        try make(json: .array(mediaCodecs.map(\.json)))
    }

    /// The same from the JSON list `mediaCodecs`; nil (an absent list) gives a router without codecs.
    public static func make(json: JSONValue?) throws(ORTCError) -> RTPCapabilities {
        guard let mediaCodecs = (json ?? []).arrayValue else { throw .type("mediaCodecs must be an Array") }
        var free = dynamicPayloadTypes[...]
        var capabilities = RTPCapabilities(headerExtensions: SupportedCapabilities.headerExtensions)
        for json in mediaCodecs {
            let wanted = try RTPCodecCapability(json: json)
            guard var codec = SupportedCapabilities.codecs.first(where: { codecsMatch(wanted, $0, .loose) }) else {
                throw .unsupported("media codec not supported [mimeType:\(wanted.mimeType)]")
            }
            if let named = wanted.preferredPayloadType { free.removeAll { $0 == named } }
            let fixed = wanted.preferredPayloadType ?? codec.preferredPayloadType
            let payloadType = if let fixed { fixed } else { try next(of: &free) }
            guard !capabilities.codecs.contains(where: { $0.preferredPayloadType == payloadType }) else {
                throw .type("duplicated codec.preferredPayloadType")
            }
            codec.preferredPayloadType = payloadType
            codec.parameters.merge(wanted.parameters) { $1 }
            capabilities.codecs.append(codec)
            guard codec.kind == .video else { continue }
            capabilities.codecs.append(rtx(for: codec, repeating: payloadType, as: try next(of: &free)))
        }
        if !capabilities.codecs.contains(where: { $0.mimeType.lowercased() == "video/av1" }) {
            // mediasoup 3.14 doesn't know it: without AV1 our answers equal its own.
            capabilities.headerExtensions.removeAll { $0.uri == RTPHeaderExtensionURI.dependencyDescriptor.rawValue }
        }
        return capabilities
    }

    private static func next(of free: inout ArraySlice<UInt8>) throws(ORTCError) -> UInt8 {
        guard let payloadType = free.popFirst() else {
            throw ORTCError(.plain, "cannot allocate more dynamic codec payload types")
        }
        return payloadType
    }

    private static func rtx(
        for codec: RTPCodecCapability, repeating apt: UInt8, as payloadType: UInt8
    ) -> RTPCodecCapability {
        RTPCodecCapability(
            kind: codec.kind, mimeType: "\(codec.kind.rawValue)/rtx", preferredPayloadType: payloadType,
            clockRate: codec.clockRate, parameters: ["apt": JSONValue(apt)])
    }
}

/// Codec lists for routers.
public enum RouterCodecs {
    /// Those of the mediasoup demo in its order (payload types 100 to 108), so that applications written against it find
    /// what they expect. After them VP9 profile 0 (109, 110), which is what most encoders make, AV1 (111, 112) and
    /// H265 (113, 114).
    public static let standard: [RTPCodecCapability] = [
        RTPCodecCapability(kind: .audio, mimeType: "audio/opus", clockRate: 48_000, channels: 2),
        video("VP8", [:]),
        video("VP9", ["profile-id": 2]),
        video("H264", ["packetization-mode": 1, "profile-level-id": "4d0032", "level-asymmetry-allowed": 1]),
        video("H264", ["packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1]),
        video("VP9", ["profile-id": 0]),
        video("AV1", [:]),
        video("H265", [:]),
    ]

    /// Browsers begin at 300 kbit/s unless told; the demo tells 1000.
    private static func video(_ name: String, _ parameters: [String: JSONValue]) -> RTPCodecCapability {
        RTPCodecCapability(
            kind: .video, mimeType: "video/\(name)", clockRate: 90_000,
            parameters: parameters.merging(["x-google-start-bitrate": 1000]) { $1 })
    }
}
