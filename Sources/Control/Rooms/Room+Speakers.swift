import Base
import Events
import MediaCore

/// A room's two observers, made with it as mediasoup's demo makes them.
struct RoomObservers: Sendable {
    var levels: RTPObserverID
    var speakers: RTPObserverID

    /// The demo's: ten are told of at most, each 0.8 s.
    static let levelOptions = AudioLevelObserverOptions(
        maximumEntries: 10, threshold: -80, interval: .milliseconds(800))
    static let speakerInterval = Duration.milliseconds(300)

    static func make(on router: RouterID, of core: any MediaCore) async throws(MediaCoreError) -> RoomObservers {
        RoomObservers(
            levels: try await core.createAudioLevelObserver(on: router, levelOptions),
            speakers: try await core.createActiveSpeakerObserver(on: router, interval: speakerInterval))
    }
}

/// Who speaks in a room.
public struct RoomSpeakers: Sendable, Hashable {
    /// Nil: nobody is loud.
    public var loudest: ProducerID?
    /// Who leads the conversation; stays through a silence.
    public var dominant: ProducerID?
}

/// What people are told of who speaks; by members, not by producers.
public enum SpeakerNews: Sendable, Hashable {
    /// The loudest first, each member once; told again and again while somebody is loud.
    case volumes([MemberVolume])
    case silence
    /// Another member leads the conversation.
    case dominant(String)
}

public struct MemberVolume: Sendable, Hashable {
    /// The member's id.
    public var member: String
    /// In dBov: −127 (silence) … 0 (loudest).
    public var volume: Int
}

extension Room {
    /// Lets the observers hear a producer. One that has gone meanwhile, or whose core cannot hear it, is not missed: it is
    /// forwarded all the same.
    func hear(_ producer: RoomProducer) async {
        guard producer.kind == .audio else { return }
        try? await core.addProducer(producer.id, to: observers.levels)
        try? await core.addProducer(producer.id, to: observers.speakers)
    }

    func apply(volumes: [AudioVolume]) {
        let known = volumes.compactMap { entry in
            producers[entry.producer].map { (producer: $0.value, volume: entry.volume) }
        }
        guard let first = known.first else { return }
        if speakers.loudest != first.producer.id {
            speakers.loudest = first.producer.id
            events.publish(.speakerLoudest(subject(of: first.producer), volume: first.volume))
        }
        var members: [MemberVolume] = []
        for (producer, volume) in known where !members.contains(where: { $0.member == producer.broadcaster }) {
            members.append(MemberVolume(member: producer.broadcaster, volume: volume))
        }
        tellPeers(.volumes(members))
    }

    func applySilence() {
        if speakers.loudest != nil { events.publish(.speakerSilence(room: name)) }
        speakers.loudest = nil
        tellPeers(.silence)
    }

    func apply(dominant id: ProducerID) {
        guard let producer = producers[id]?.value else { return }
        speakers.dominant = id
        events.publish(.speakerDominant(subject(of: producer)))
        tellPeers(.dominant(producer.broadcaster))
    }

    private func tellPeers(_ news: SpeakerNews) {
        for reader in peers.values where reader.hearsRoom { reader.continuation.yield(.speaking(news)) }
    }
}
