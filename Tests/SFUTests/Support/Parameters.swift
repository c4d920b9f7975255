import Base
import ORTC

/// What the broadcaster scripts send, and what a receiver of everything can take.
enum Parameters {
    static let routerCodecs = RouterCodecs.standard

    static func vp8(
        ssrc: UInt32? = 2222, payloadType: UInt8 = 96, mid: String? = nil, cname: String? = nil,
        feedback: [RTCPFeedback] = [RTCPFeedback("nack", "pli")],
        extensions: [RTPHeaderExtensionParameters] = []
    ) -> RTPParameters {
        RTPParameters(
            mid: mid,
            codecs: [
                RTPCodecParameters(
                    mimeType: "video/VP8", payloadType: payloadType, clockRate: 90_000, rtcpFeedback: feedback)
            ],
            headerExtensions: extensions, encodings: [RTPEncodingParameters(ssrc: ssrc)],
            rtcp: RTCPParameters(cname: cname))
    }

    static func h264(ssrc: UInt32 = 2222, payloadType: UInt8 = 112) -> RTPParameters {
        RTPParameters(
            codecs: [
                RTPCodecParameters(
                    mimeType: "video/H264", payloadType: payloadType, clockRate: 90_000,
                    parameters: [
                        "packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1,
                    ], rtcpFeedback: [RTCPFeedback("ccm", "fir")])
            ], encodings: [RTPEncodingParameters(ssrc: ssrc)])
    }

    static func opus(
        ssrc: UInt32? = 1111, payloadType: UInt8 = 100, mid: String? = nil, cname: String? = nil,
        extensions: [RTPHeaderExtensionParameters] = []
    ) -> RTPParameters {
        RTPParameters(
            mid: mid,
            codecs: [
                RTPCodecParameters(mimeType: "audio/opus", payloadType: payloadType, clockRate: 48_000, channels: 2)
            ],
            headerExtensions: extensions, encodings: [RTPEncodingParameters(ssrc: ssrc)],
            rtcp: RTCPParameters(cname: cname))
    }

    /// All codecs of the standard router, no header extensions.
    static var everything: RTPCapabilities {
        let router = try? RouterCapabilities.make(mediaCodecs: routerCodecs)
        return RTPCapabilities(codecs: router?.codecs ?? [])
    }

    static var everythingWithMID: RTPCapabilities {
        var capabilities = everything
        capabilities.headerExtensions = [
            RTPHeaderExtension(kind: .audio, uri: RTPHeaderExtensionURI.mid.rawValue, preferredID: 1),
            RTPHeaderExtension(kind: .video, uri: RTPHeaderExtensionURI.mid.rawValue, preferredID: 1),
        ]
        return capabilities
    }
}
