import Base
import Control

// Who speaks, and what the network bears.
extension ProtooPeer {
    /// Everybody who has joined is told, the speaker too. The older dialect knows the loudest only, by its volume; the newer
    /// one has a list of those who are loud, and an active speaker by how speech goes on.
    func tell(_ news: SpeakerNews) {
        switch (news, dialect) {
        case (.volumes(let volumes), .modern):
            let list = volumes.map { entry -> JSONValue in
                ["peerId": .string(entry.member), "volume": JSONValue(entry.volume)]
            }
            notify("speakingPeers", ["peerVolumes": .array(list)])
        case (.volumes(let volumes), _):
            guard let loudest = volumes.first else { return }
            notify("activeSpeaker", ["peerId": .string(loudest.member), "volume": JSONValue(loudest.volume)])
        case (.silence, .modern):
            notify("speakingPeers", ["peerVolumes": []])
            notify("activeSpeaker", [:])
        case (.silence, _): notify("activeSpeaker", ["peerId": nil])
        case (.dominant(let member), .modern): notify("activeSpeaker", ["peerId": .string(member)])
        case (.dominant, _): break
        }
    }

    /// The newer dialect has no word for it.
    func tell(_ estimate: DownlinkEstimate) {
        guard dialect != .modern else { return }
        notify(
            "downlinkBwe",
            [
                "desiredBitrate": JSONValue(estimate.desired),
                "effectiveDesiredBitrate": JSONValue(estimate.effectiveDesired),
                "availableBitrate": JSONValue(estimate.available),
            ])
    }
}
