import Base
import ORTC
import SDP

// A codec of a description as one of ORTC, and the other way round.

extension MediaCodec {
    var isRTX: Bool { name.lowercased() == "rtx" }

    /// The payload type that an RTX codec repeats.
    var repeated: UInt8? { self["apt"].flatMap { UInt8($0) } }

    /// Nil where the codec is none that carries media (retransmission, redundancy, error correction, noise, tones).
    func parameters(of kind: MediaKind) -> RTPCodecParameters? {
        switch name.lowercased() {
        case "rtx", "red", "ulpfec", "flexfec", "flexfec-03", "cn", "telephone-event": return nil
        default: break
        }
        var values: [String: JSONValue] = [:]
        for parameter in parameters {
            guard let value = parameter.value else { continue }
            values[parameter.name.lowercased()] = Self.value(value, of: parameter.name)
        }
        return RTPCodecParameters(
            mimeType: "\(kind.rawValue)/\(name)", payloadType: payloadType, clockRate: clockRate,
            channels: kind == .audio ? channels ?? 1 : nil, parameters: values,
            rtcpFeedback: feedback.map { RTCPFeedback($0.type, $0.parameter) })
    }

    /// Numbers become numbers, as ORTC tells 1 and "1" apart; digits that aren't one (640028) stay text.
    private static func value(_ text: String, of name: String) -> JSONValue {
        switch name.lowercased() {
        case "profile-level-id", "sprop-parameter-sets", "config": return .string(text)
        default: break
        }
        guard let number = Int(text), text.utf8.count <= 15, "\(number)" == text else { return .string(text) }
        return JSONValue(number)
    }

    /// - Parameter format: What the other side said of the format; a codec's own parameters stand above it.
    init(_ codec: RTPCodecParameters, format: [FormatParameter] = []) {
        let name = codec.mimeType.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1).last
        self.init(
            payloadType: codec.payloadType, name: name.map { String(Substring($0)) } ?? codec.mimeType,
            clockRate: codec.clockRate, channels: codec.channels.flatMap { $0 > 1 ? $0 : nil }, parameters: format,
            feedback: codec.rtcpFeedback.map { FeedbackAttribute($0.type, $0.parameter) })
        for (name, value) in codec.parameters.sorted(by: { $0.key < $1.key }) {
            guard let text = value.stringValue ?? value.integerValue.map({ "\($0)" }) else { continue }
            parameters.removeAll { $0.name.lowercased() == name.lowercased() }
            parameters.append(FormatParameter(name, text))
        }
    }
}

/// What an answer repeats of an offered format, because a stream of another is another format. The rest (`max-fs`,
/// `sprop-…`) describes the side that says it.
enum OfferedFormat {
    static func repeated(of codec: MediaCodec) -> [FormatParameter] {
        let names: Set<String> =
            switch codec.name.lowercased() {
            case "vp9": ["profile-id"]
            case "av1": ["profile", "level-idx", "tier"]
            case "h264", "h264-svc": ["packetization-mode", "profile-level-id", "level-asymmetry-allowed"]
            case "h265": ["profile-id", "tier-flag", "level-id", "tx-mode"]
            case "opus": ["minptime", "useinbandfec", "stereo"]
            default: []
            }
        return codec.parameters.filter { names.contains($0.name.lowercased()) }
    }
}

extension MediaSection {
    var mediaKind: MediaKind? {
        switch kind {
        case .audio: .audio
        case .video: .video
        default: nil
        }
    }

    /// The RTX codec of a codec.
    func rtx(repeating payloadType: UInt8) -> MediaCodec? {
        codecs.first { $0.isRTX && $0.repeated == payloadType }
    }

    /// "VP8, H264", for sentences.
    func codecNames() -> String {
        var names: [String] = []
        for codec in codecs where !names.contains(codec.name) && !codec.isRTX { names.append(codec.name) }
        return names.isEmpty ? "none that is known" : names.joined(separator: ", ")
    }
}

extension RTPCapabilities {
    func codecNames(of kind: MediaKind) -> String {
        var names: [String] = []
        for codec in codecs where codec.kind == kind && codec.isMedia {
            let name = String(codec.mimeType.dropFirst(kind.rawValue.count + 1))
            if !names.contains(name) { names.append(name) }
        }
        return names.isEmpty ? "none" : names.joined(separator: ", ")
    }

    /// The router's codec that an offered one is.
    func match(_ codec: RTPCodecParameters) -> RTPCodecCapability? {
        codecs.first { $0.isMedia && codecsMatch(codec, $0, .strict) }
    }

    func rtx(repeating payloadType: UInt8?) -> RTPCodecCapability? {
        codecs.first { $0.isRTX && payloadType != nil && $0.associatedPayloadType == payloadType }
    }
}
