import Base

/// What routers can forward at all: mediasoup 3.14.16's table, in its order (the order decides matches), and behind it
/// AV1 with its dependency descriptor, which later versions have.
public enum SupportedCapabilities {
    public static let all = RTPCapabilities(codecs: codecs, headerExtensions: headerExtensions)

    /// A payload type stands only where RFC 3551 fixes it.
    public static let codecs: [RTPCodecCapability] = audioCodecs + videoCodecs

    /// The ids are constants on the wire: every consumer gets an extension under the id given here.
    public static let headerExtensions: [RTPHeaderExtension] = [
        both(.mid, 1),
        [video(.rtpStreamID, 2, .recvonly), video(.repairedRTPStreamID, 3, .recvonly)],
        both(.absSendTime, 4),
        // Congestion control looks at video only, so no consumer is sent it with audio.
        [audio(.transportWideCC, 5, .recvonly), video(.transportWideCC, 5)],
        [video(.frameMarking07, 6), video(.frameMarking, 7)],
        [audio(.ssrcAudioLevel, 10), video(.videoOrientation, 11), video(.transmissionOffset, 12)],
        both(.absCaptureTime, 13),
        both(.playoutDelay, 14),
        // Not offered to receivers: after a loss they would wait for frames that we never sent. Pipes get it all the same.
        [video(.dependencyDescriptor, 8, .recvonly)],
    ].flatMap { $0 }

    /// The URIs that parameters may name.
    static let headerExtensionURIs = Set(headerExtensions.map(\.uri))
}

// MARK: - Codecs

extension SupportedCapabilities {
    private static let transportCC = RTCPFeedback("transport-cc")

    private static let audioCodecs: [RTPCodecCapability] = [
        [
            audio("opus", 48_000, channels: 2, feedback: [RTCPFeedback("nack"), transportCC]),
            multiopus(channels: 4, mapping: "0,1,2,3", streams: 2, coupled: 2),
            multiopus(channels: 6, mapping: "0,4,1,2,3,5", streams: 4, coupled: 2),
            multiopus(channels: 8, mapping: "0,6,1,2,3,4,5,7", streams: 5, coupled: 3),
            audio("PCMU", 8000, payloadType: 0),
            audio("PCMA", 8000, payloadType: 8),
            audio("ISAC", 32_000),
            audio("ISAC", 16_000),
            audio("G722", 8000, payloadType: 9),
            audio("iLBC", 8000),
        ],
        [24_000, 16_000, 12_000, 8000].map { audio("SILK", $0) },
        [32_000, 16_000, 8000].map { audio("CN", $0, payloadType: 13, feedback: []) },
        [48_000, 32_000, 16_000, 8000].map { audio("telephone-event", $0, feedback: []) },
    ].flatMap { $0 }

    private static let videoCodecs = [
        video("VP8"),
        video("VP9"),
        video("H264", ["level-asymmetry-allowed": 1]),
        video("H264-SVC", ["level-asymmetry-allowed": 1]),
        video("H265", ["level-asymmetry-allowed": 1]),
        video("AV1"),
    ]

    private static func audio(
        _ name: String, _ clockRate: Int, channels: Int = 1, payloadType: UInt8? = nil,
        parameters: [String: JSONValue] = [:], feedback: [RTCPFeedback] = [transportCC]
    ) -> RTPCodecCapability {
        RTPCodecCapability(
            kind: .audio, mimeType: "audio/\(name)", preferredPayloadType: payloadType, clockRate: clockRate,
            channels: channels, parameters: parameters, rtcpFeedback: feedback)
    }

    private static func multiopus(channels: Int, mapping: String, streams: Int, coupled: Int) -> RTPCodecCapability {
        audio(
            "multiopus", 48_000, channels: channels,
            parameters: [
                "channel_mapping": .string(mapping), "num_streams": JSONValue(streams),
                "coupled_streams": JSONValue(coupled),
            ],
            feedback: [RTCPFeedback("nack"), transportCC])
    }

    private static func video(_ name: String, _ parameters: [String: JSONValue] = [:]) -> RTPCodecCapability {
        RTPCodecCapability(
            kind: .video, mimeType: "video/\(name)", clockRate: 90_000, parameters: parameters,
            rtcpFeedback: [
                RTCPFeedback("nack"), RTCPFeedback("nack", "pli"), RTCPFeedback("ccm", "fir"),
                RTCPFeedback("goog-remb"), transportCC,
            ])
    }
}

// MARK: - Header extensions

/// The RTP header extensions we know by name.
public enum RTPHeaderExtensionURI: String, Sendable, CaseIterable {
    case mid = "urn:ietf:params:rtp-hdrext:sdes:mid"
    case rtpStreamID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    case repairedRTPStreamID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
    case absSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    case transportWideCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    case frameMarking07 = "http://tools.ietf.org/html/draft-ietf-avtext-framemarking-07"
    case frameMarking = "urn:ietf:params:rtp-hdrext:framemarking"
    case ssrcAudioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    case videoOrientation = "urn:3gpp:video-orientation"
    case transmissionOffset = "urn:ietf:params:rtp-hdrext:toffset"
    case absCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
    case playoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
    case dependencyDescriptor =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
}

extension SupportedCapabilities {
    private static func audio(
        _ uri: RTPHeaderExtensionURI, _ id: Int, _ direction: RTPHeaderExtension.Direction = .sendrecv
    ) -> RTPHeaderExtension {
        RTPHeaderExtension(kind: .audio, uri: uri.rawValue, preferredID: id, direction: direction)
    }

    private static func video(
        _ uri: RTPHeaderExtensionURI, _ id: Int, _ direction: RTPHeaderExtension.Direction = .sendrecv
    ) -> RTPHeaderExtension {
        RTPHeaderExtension(kind: .video, uri: uri.rawValue, preferredID: id, direction: direction)
    }

    private static func both(_ uri: RTPHeaderExtensionURI, _ id: Int) -> [RTPHeaderExtension] {
        [audio(uri, id), video(uri, id)]
    }
}
