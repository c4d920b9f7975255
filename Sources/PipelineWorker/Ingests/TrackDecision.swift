import LibAV
import PipelineControl

/// Copied where the router can carry it and WebRTC receivers can play it, else transcoded.
struct TrackDecision {
    let router: RouterCodecs
    let wish: VideoTarget
    /// The first packets of each stream, by its index.
    let probe: SourceProbe

    /// Nil with a reason when the router carries nothing that the track could become.
    func audio(_ stream: InputStream) -> (plan: TrackPlan?, reason: String) {
        guard let opus = router.opus else { return (nil, "the router carries no Opus") }
        let why: String
        if stream.parameters.codecName == "opus" {
            if stream.parameters.channels > 2 {
                why = "Opus of \(stream.parameters.channels) channels can't be played by WebRTC receivers"
            } else if probe.largest(of: stream.index) > RTPLimits.payload {
                why = "its Opus packets of up to \(probe.largest(of: stream.index)) bytes don't fit into one RTP packet"
            } else {
                let reason = "Opus is what WebRTC receivers play"
                return (
                    TrackPlan(stream: stream, treatment: .copy, reason: reason, codec: opus, packetizer: .opus), reason
                )
            }
        } else {
            why = "\(stream.parameters.codecName) can't be played by WebRTC receivers"
        }
        guard stream.parameters.isDecodable else { return (nil, "no decoder for \(stream.parameters.codecName)") }
        let reason = "\(why): becomes Opus"
        return (
            TrackPlan(stream: stream, treatment: .transcode, reason: reason, codec: opus, packetizer: .opus), reason
        )
    }

    func video(_ stream: InputStream) -> (plan: TrackPlan?, reason: String) {
        let why: String
        switch copyable(stream) {
        case .copy(let codec, let packetizer, let reason):
            return (
                TrackPlan(stream: stream, treatment: .copy, reason: reason, codec: codec, packetizer: packetizer),
                reason
            )
        case .not(let reason): why = reason
        }
        guard stream.parameters.isDecodable else { return (nil, "no decoder for \(stream.parameters.codecName)") }
        guard
            let target = router.target(
                wish: wish, width: stream.parameters.width, height: stream.parameters.height,
                framesPerSecond: stream.frameRate ?? 30)
        else { return (nil, "the router carries neither VP8 nor H264 Constrained Baseline") }
        let reason = "\(why): becomes \(target.name)"
        return (
            TrackPlan(
                stream: stream, treatment: .transcode, reason: reason, codec: target.codec,
                packetizer: target.packetizer),
            reason
        )
    }

    private enum Copyable {
        case copy(TrackCodec, RTPPacketizer.Codec, String)
        case not(String)
    }

    private func copyable(_ stream: InputStream) -> Copyable {
        if stream.rotation != 0 {
            // RTP could say so in a header extension that few senders of files and few receivers know.
            return .not("its picture is turned by \(stream.rotation) degrees, which receivers would not see")
        }
        if probe.hasHiddenStart(stream.index) {
            return .not("its edit list begins between key frames, and what lies before would be seen")
        }
        let distance = probe.keyFrameNote(of: stream.index)
        switch stream.parameters.codecName {
        case "vp8":
            guard let vp8 = router.vp8 else { return .not("the router carries no VP8") }
            return .copy(vp8, .vp8, "VP8 is carried as it is" + distance)
        case "vp9":
            guard let profile = probe.vp9Profile(of: stream.index) else { return .not("its VP9 profile is not known") }
            guard profile == 0 else { return .not("VP9 profile \(profile) can't be played by WebRTC receivers") }
            guard let vp9 = router.vp9Profile0 else { return .not("the router carries no VP9 profile 0") }
            return .copy(vp9, .vp9, "VP9 profile 0 is carried as it is" + distance)
        case "h264":
            return h264(stream, distance)
        default:
            return .not("\(stream.parameters.codecName) can't be played by WebRTC receivers")
        }
    }

    private func h264(_ stream: InputStream, _ distance: String) -> Copyable {
        let h264 = probe.h264
        guard h264.parameterSets.hasParameterSets else { return .not("its H264 parameter sets are not complete") }
        guard let (profile, level) = h264.parameterSets.profileLevelID, let profile else {
            return .not("its H264 profile is none that WebRTC receivers play")
        }
        guard let codec = router.h264(profile, level: level) else {
            return .not("the router carries no H264 \(profile.rawValue)")
        }
        if h264.hasB || probe.isReordered(stream.index) {
            return .not("its H264 has B-frames, which WebRTC receivers can't put in order")
        }
        if stream.parameters.reorderDelay > 0 {
            return .not("its H264 announces B-frames, which WebRTC receivers can't put in order")
        }
        guard h264.hasIDR || probe.isLive else { return .not("its H264 has no IDR picture at the start") }
        return .copy(codec, .h264, "H264 \(profile.rawValue) without B-frames is carried as it is" + distance)
    }
}

enum RTPLimits {
    /// The largest datagram we send, and what is left in it behind the RTP head.
    static let packet = 1200
    static let payload = packet - 12
}
