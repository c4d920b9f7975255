import Base
import DTLS
import ICE

// What getStats() and dump() of a WebRTC transport have beyond the others', by mediasoup's names.
extension MediaEngine {
    func webRTCStats(of index: SlabIndex) -> [String: JSONValue] {
        guard let link = transports[index].webRTC else { return [:] }
        var members: [String: JSONValue] = [
            "iceRole": "controlled", "iceState": JSONValue(webRTCLinks[link].agent.state.rawValue),
            "dtlsState": JSONValue(webRTCLinks[link].dtls.state.name),
        ]
        if let tuple = webRTCLinks[link].selected { members["iceSelectedTuple"] = tuple.stats }
        return members
    }

    func webRTCDump(of index: SlabIndex) -> [String: JSONValue] {
        guard let link = transports[index].webRTC else { return [:] }
        let credentials = webRTCLinks[link].agent.credentials
        let fingerprints = (identity?.fingerprints ?? []).map { fingerprint -> JSONValue in
            ["algorithm": JSONValue(fingerprint.algorithm.rawValue), "value": JSONValue(fingerprint.value)]
        }
        var members = webRTCStats(of: index)
        members["iceParameters"] = [
            "usernameFragment": JSONValue(credentials.usernameFragment.description),
            "password": JSONValue(credentials.password), "iceLite": true,
        ]
        members["iceCandidates"] = .array(webRTCLinks[link].candidates.map(\.json))
        members["dtlsParameters"] = [
            "role": JSONValue(webRTCLinks[link].role?.rawValue ?? "auto"), "fingerprints": .array(fingerprints),
        ]
        return members
    }
}
