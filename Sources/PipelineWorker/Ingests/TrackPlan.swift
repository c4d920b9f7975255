import Base
import LibAV
import PipelineControl

/// What becomes of one track of a source, and why.
struct TrackPlan {
    let stream: InputStream
    let treatment: SourceTrack.Treatment
    let reason: String
    let codec: TrackCodec
    let packetizer: RTPPacketizer.Codec

    func offered(as index: Int) -> SourceTrack {
        SourceTrack(
            index: index, kind: stream.parameters.kind == .video ? .video : .audio, description: stream.description,
            treatment: treatment, reason: reason, codec: codec,
            answersKeyFrameRequests: treatment == .transcode && stream.parameters.kind == .video)
    }
}

/// What the router carries, asked in the terms of a source.
struct RouterCodecs: Sendable {
    let codecs: [TrackCodec]
    /// What the codecs are already used as: nothing but these, as they are.
    private let wire: TrackCodec?

    init(codecs: [TrackCodec]) { (self.codecs, wire) = (codecs, nil) }

    /// For a source that comes back: its track stays what it is on the wire.
    init(onWire codec: TrackCodec) { (codecs, wire) = ([codec], codec) }

    private func all(_ mimeType: String) -> [TrackCodec] {
        codecs.filter { $0.mimeType.lowercased() == mimeType }
    }

    var opus: TrackCodec? {
        all("audio/opus").isEmpty
            ? nil : TrackCodec(mimeType: "audio/opus", clockRate: 48_000, channels: 2, parameters: [:])
    }

    var vp8: TrackCodec? {
        all("video/vp8").isEmpty ? nil : TrackCodec(mimeType: "video/VP8", clockRate: 90_000)
    }

    var vp9Profile0: TrackCodec? {
        let fits = all("video/vp9").contains { codec in
            switch codec.parameters["profile-id"] {
            case nil: true
            case .string(let text)?: text == "0"
            case let value?: value.integerValue == 0
            }
        }
        return fits ? TrackCodec(mimeType: "video/VP9", clockRate: 90_000, parameters: ["profile-id": 0]) : nil
    }

    /// Single pictures of this profile in packetization mode 1, at whatever level.
    func h264(_ profile: H264Profile, level: UInt8) -> TrackCodec? {
        let fits = all("video/h264").contains { codec in
            // RFC 6184 §8.1: without the parameter it is mode 0; the router says numbers, descriptions also text.
            let mode = codec.parameters["packetization-mode"]
            guard mode?.integerValue == 1 || mode?.stringValue == "1" else { return false }
            return H264Profile(profileLevelID: codec.parameters["profile-level-id"]?.stringValue ?? "42e01f") == profile
        }
        guard fits else { return nil }
        if let wire {
            // What was announced is at least what comes: a decoder may have been chosen by it.
            let announced = UInt8(wire.parameters["profile-level-id"]?.stringValue?.suffix(2) ?? "", radix: 16) ?? 0
            return level <= announced ? wire : nil
        }
        let digits = String(level, radix: 16)
        return TrackCodec(
            mimeType: "video/H264", clockRate: 90_000,
            parameters: [
                "packetization-mode": 1, "level-asymmetry-allowed": 1,
                "profile-level-id": .string(profile.prefix + (digits.utf8.count < 2 ? "0" : "") + digits),
            ])
    }

    /// What pictures are encoded to: the wish if the router carries it and we can make it, else the other one.
    func target(wish: VideoTarget, width: Int, height: Int, framesPerSecond: Double) -> VideoPlan? {
        let level = H264Level.needed(width: width, height: height, framesPerSecond: framesPerSecond)
        let choices: [VideoTarget] = wish == .vp8 ? [.vp8, .h264] : [.h264, .vp8]
        for choice in choices {
            switch choice {
            case .vp8:
                if let vp8, Encoder.isAvailable(.vp8) {
                    return VideoPlan(encoder: .vp8, packetizer: .vp8, codec: vp8, name: "VP8")
                }
            case .h264:
                if let wire, wire.mimeType.lowercased() == "video/h264", Encoder.isAvailable(.h264) {
                    // Decoders of every other profile know Constrained Baseline too.
                    return VideoPlan(
                        encoder: .h264, packetizer: .h264, codec: wire, name: "H264 Constrained Baseline")
                }
                if let h264 = h264(.constrainedBaseline, level: level), Encoder.isAvailable(.h264) {
                    return VideoPlan(
                        encoder: .h264, packetizer: .h264, codec: h264, name: "H264 Constrained Baseline")
                }
            }
        }
        return nil
    }
}

/// What pictures are encoded to.
struct VideoPlan: Sendable {
    let encoder: VideoSettings.Codec
    let packetizer: RTPPacketizer.Codec
    let codec: TrackCodec
    let name: String
}

enum H264Level {
    /// The lowest common level for a size and rate (ITU-T H.264 table A-1: macroblocks a frame and a second).
    static func needed(width: Int, height: Int, framesPerSecond: Double) -> UInt8 {
        let frame = ((width + 15) / 16) * ((height + 15) / 16)
        let second = Double(frame) * framesPerSecond
        let levels: [(level: UInt8, frame: Int, second: Double)] = [
            (31, 3600, 108_000), (32, 5120, 216_000), (40, 8192, 245_760), (42, 8704, 522_240), (50, 22_080, 589_824),
        ]
        return levels.first { frame <= $0.frame && second <= $0.second }?.level ?? 51
    }
}

extension InputStream {
    /// For people: "h264 Main, 1280x720, 24 fps".
    var description: String {
        let name = [parameters.codecName, parameters.profileName].compactMap(\.self).joined(separator: " ")
        if parameters.kind == .other { return name }
        guard parameters.kind == .video else {
            let channels = parameters.channels
            return "\(name), \(parameters.sampleRate) Hz, \(channels) channel\(channels == 1 ? "" : "s")"
        }
        let size = "\(name), \(parameters.width)x\(parameters.height)"
        guard let frameRate, frameRate.isFinite, frameRate > 0, frameRate < 1000 else { return size }
        let hundredths = Int((frameRate * 100).rounded())
        let fraction = hundredths % 100
        let digits =
            fraction == 0
            ? "" : fraction % 10 == 0 ? ".\(fraction / 10)" : fraction < 10 ? ".0\(fraction)" : ".\(fraction)"
        return "\(size), \(hundredths / 100)\(digits) fps"
    }
}
