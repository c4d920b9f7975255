import Base

/// How closely two codecs must agree.
public enum CodecMatching: Sendable {
    /// The same format: mime type, clock rate, channels (and the streams of multichannel Opus).
    case loose
    /// A decoder for one decodes the other: also the profile of H264 and VP9, and H264's packetization mode.
    case strict
}

/// Whether two codecs are one, as far as `matching` looks. RTX codecs match by format: `apt` isn't compared.
public func codecsMatch(_ a: some RTPCodec, _ b: some RTPCodec, _ matching: CodecMatching) -> Bool {
    let mimeType = a.mimeType.lowercased()
    guard mimeType == b.mimeType.lowercased(), a.clockRate == b.clockRate, a.channels == b.channels else {
        return false
    }
    switch (mimeType, matching) {
    case ("audio/multiopus", _):
        return JSONValue.areIdentical(a.parameters["num_streams"], b.parameters["num_streams"])
            && JSONValue.areIdentical(a.parameters["coupled_streams"], b.parameters["coupled_streams"])
    case ("video/h264", .strict), ("video/h264-svc", .strict):
        return JSONValue.areIdentical(
            a.parameters.valueOrZero("packetization-mode"), b.parameters.valueOrZero("packetization-mode"))
            && H264ProfileLevelID.answer(local: a.parameters, remote: b.parameters) != nil
    case ("video/vp9", .strict):
        return JSONValue.areIdentical(a.parameters.valueOrZero("profile-id"), b.parameters.valueOrZero("profile-id"))
    default:
        return true
    }
}

extension RTPCodecParameters {
    /// Takes the profile-level-id that answers `other` when both are H264 of one profile; else changes nothing.
    mutating func adoptProfileLevelID(answering other: some RTPCodec) {
        let mimeType = mimeType.lowercased()
        guard mimeType == "video/h264" || mimeType == "video/h264-svc" else { return }
        switch H264ProfileLevelID.answer(local: parameters, remote: other.parameters) {
        case .profileLevelID(let text): parameters["profile-level-id"] = .string(text)
        case .noProfileLevelID: parameters["profile-level-id"] = nil
        case nil: break
        }
    }
}

extension [String: JSONValue] {
    /// A parameter whose absence means 0.
    fileprivate func valueOrZero(_ name: String) -> JSONValue {
        guard let value = self[name], value.isTruthy else { return 0 }
        return value
    }
}
