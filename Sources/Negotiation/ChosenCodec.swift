import Base
import ORTC
import SDP

/// The one codec that a section is accepted with, and its retransmissions. One, so that a producer stays what it is: a
/// client may change between accepted codecs at any time.
struct ChosenCodec: Sendable, Hashable {
    let offered: MediaCodec
    let rtx: MediaCodec?
    let router: RTPCodecCapability
    private let own: RTPCodecParameters
    /// For the answer.
    private(set) var answered: [MediaCodec] = []

    /// The first offered codec that the router has: the order is that of the client's preference (RFC 3264 §6.1).
    /// - Parameter forSimulcast: One that streams side by side can be made of, if there is any.
    init?(_ section: MediaSection, _ kind: MediaKind, _ router: RTPCapabilities, forSimulcast: Bool) {
        var found: [ChosenCodec] = []
        for codec in section.codecs {
            guard let own = codec.parameters(of: kind), let match = router.match(own) else { continue }
            let rtx = section.rtx(repeating: codec.payloadType)
            let routerRTX = router.rtx(repeating: match.preferredPayloadType)
            found.append(ChosenCodec(offered: codec, rtx: routerRTX == nil ? nil : rtx, router: match, own: own))
        }
        let best = forSimulcast ? found.first(where: \.canSimulcast) : nil
        guard let chosen = best ?? found.first else { return nil }
        self = chosen
    }

    private init(offered: MediaCodec, rtx: MediaCodec?, router: RTPCodecCapability, own: RTPCodecParameters) {
        (self.offered, self.rtx, self.router, self.own) = (offered, rtx, router, own)
    }

    var canSimulcast: Bool { ["vp8", "h264"].contains(offered.name.lowercased()) }
    var canHaveLayers: Bool { ["vp8", "vp9", "h264", "h264-svc", "av1"].contains(offered.name.lowercased()) }

    /// What both sides have, and of the two ways of congestion control one.
    private func feedback(_ extensions: [ExtensionMapping]) -> [RTCPFeedback] {
        func has(_ uri: RTPHeaderExtensionURI) -> Bool { extensions.contains { $0.uri == uri.rawValue } }
        let dropped: Set<String> =
            has(.transportWideCC)
            ? ["goog-remb"] : has(.absSendTime) ? ["transport-cc"] : ["goog-remb", "transport-cc"]
        return own.rtcpFeedback.filter { router.rtcpFeedback.contains($0) && !dropped.contains($0.type) }
    }

    /// For the producer: in the client's numbers.
    func parameters(congestionControl extensions: [ExtensionMapping]) -> [RTPCodecParameters] {
        var media = own
        media.rtcpFeedback = feedback(extensions)
        guard let rtx else { return [media] }
        return [
            media,
            RTPCodecParameters(
                mimeType: "\(router.kind.rawValue)/rtx", payloadType: rtx.payloadType, clockRate: rtx.clockRate,
                parameters: ["apt": JSONValue(offered.payloadType)]),
        ]
    }

    func answering(congestionControl extensions: [ExtensionMapping]) -> ChosenCodec {
        var result = self
        var media = offered
        media.feedback = feedback(extensions).map { FeedbackAttribute($0.type, $0.parameter) }
        media.parameters = answeredParameters()
        result.answered = [media]
        if let rtx {
            result.answered.append(
                MediaCodec(
                    payloadType: rtx.payloadType, name: "rtx", clockRate: rtx.clockRate,
                    parameters: [FormatParameter("apt", "\(offered.payloadType)")]))
        }
        return result
    }

    /// The offered format, the level that the router takes, and what the router tells browsers besides.
    private func answeredParameters() -> [FormatParameter] {
        var parameters = OfferedFormat.repeated(of: offered)
        if let level = answeredProfileLevelID() {
            parameters.removeAll { $0.name.lowercased() == "profile-level-id" }
            parameters.append(FormatParameter("profile-level-id", level))
        }
        if offered["sprop-stereo"] == "1", offered["stereo"] == nil {
            // Browsers send one channel unless they are asked for two (RFC 7587 §7.1).
            parameters.append(FormatParameter("stereo", "1"))
        }
        for (name, value) in router.parameters.sorted(by: { $0.key < $1.key }) where name.hasPrefix("x-google-") {
            guard let text = value.stringValue ?? value.integerValue.map({ "\($0)" }) else { continue }
            parameters.append(FormatParameter(name, text))
        }
        return parameters
    }

    /// RFC 6184 §8.2.2: with asymmetric levels each side tells its own, else both use the lower one.
    private func answeredProfileLevelID() -> String? {
        guard offered.name.lowercased().hasPrefix("h264"), let theirs = offered["profile-level-id"],
            let offeredID = H264ProfileLevelID(theirs)
        else { return nil }
        let own = router.parameters["profile-level-id"]?.stringValue.flatMap { H264ProfileLevelID($0) } ?? .assumed
        let asymmetric =
            offered["level-asymmetry-allowed"] == "1" && router.parameters["level-asymmetry-allowed"]?.integerValue == 1
        let level = asymmetric ? own.level : min(own.level, offeredID.level)
        return H264ProfileLevelID(profile: offeredID.profile, level: level).text ?? theirs
    }
}
