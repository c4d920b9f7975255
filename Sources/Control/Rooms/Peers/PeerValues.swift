import Base
import MediaCore
import ORTC

/// What a protoo client says of itself. Kept as it came, and told to the others so: nobody here reads it.
public struct PeerCard: Sendable, Hashable {
    /// Absent when it was.
    public var displayName: JSONValue?
    public var device: JSONValue?

    public init(displayName: JSONValue? = nil, device: JSONValue? = nil) {
        self.displayName = displayName
        self.device = device
    }

    /// 8 kB: it goes to everybody in the room, and again with each new arrival.
    static let largest = 8 * 1024

    func check() throws(ControlError) {
        let size = (displayName?.text.utf8.count ?? 0) + (device?.text.utf8.count ?? 0)
        guard size <= Self.largest else {
            throw .type("displayName and device have \(size) bytes together; \(Self.largest) are possible")
        }
    }

    /// For events and lists: a short text.
    func name(else id: String) -> String {
        guard let text = displayName?.stringValue, !text.isEmpty else { return id }
        return String(text.prefix(128))
    }
}

/// A protoo client's place in a room.
public struct PeerSeat: Sendable {
    public let id: String
    /// Which of the connections with this id it was: the next one takes its place.
    public let number: Int
    /// How many consumers it gets of each producer besides the first.
    public let replicas: Int
    /// All that happens to it and, once it has joined, in the room; `removed` last.
    ///
    /// Unbounded, as `Room.changes(of:)` is; what its client does not read is bounded where it is written.
    public let changes: AsyncStream<PeerChange>
}

/// What a protoo client's session is told, in the order in which it happened.
public enum PeerChange: Sendable {
    /// Of its own objects.
    case own(MemberChange)
    /// Its `join` was heard; what follows happened after it. With the others who are there.
    case joined(others: [Broadcaster])
    /// Of others, from joining on; the producers that are there come first.
    case room(RoomChange)
    /// A data producer that is for it: from joining on, those that are there behind everybody's producers.
    case dataProducerAdded(RoomDataProducer)
    case renamed(String, from: JSONValue?, to: JSONValue?)
    /// Who speaks, the client itself among them; from joining on.
    case speaking(SpeakerNews)
}

/// A consumer that was made for a client and waits, paused, until the client has its own half.
public struct PeerOffer: Sendable {
    public var consumer: RoomConsumer
    /// The id of who sends.
    public var sender: String
    public var appData: JSONValue
}

extension Broadcaster {
    /// People are shown to each other, and so is what they can see and hear; who only receives is not.
    public var isShown: Bool {
        switch role {
        case .broadcaster, .ingest, .publisher: true
        case .peer: isJoined
        case .recorder, .player: false
        }
    }

    /// As other clients are told. Those who are no protoo clients have the flag that the demo gives its broadcasters.
    public var shownCard: PeerCard {
        card
            ?? PeerCard(
                displayName: .string(displayName),
                device: .object(omittingAbsent: [
                    "flag": "broadcaster", "name": .string(device.name), "version": device.version,
                ]))
    }
}

extension WebRTCStates {
    /// Its client is gone, whatever its signaling says.
    public var isLost: Bool { ice == .disconnected || dtls == .failed || dtls == .closed }
}

extension ClosingReason {
    /// The same client connected again.
    public static let replaced = "replaced"
    /// It ended its signaling connection.
    public static let left = "left"
    /// Its media connection broke, or it closed that.
    public static let lost = "lost"
}
