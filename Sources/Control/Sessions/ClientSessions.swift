import Base
import MediaCore

/// All sessions of clients that come with one offer (WHIP, WHEP), whatever their rooms.
public actor ClientSessions {
    /// How long clients are waited for.
    public struct Patience: Sendable, Hashable {
        /// From the answer to the end of the DTLS handshake. 30 s: trickled candidates, a relay, two lost packets.
        public var setUp: Duration
        /// After consent has expired (20 s without a word): a phone that changes networks restarts ICE within seconds.
        public var reconnect: Duration

        public init(setUp: Duration = .seconds(30), reconnect: Duration = .seconds(5)) {
            self.setUp = setUp
            self.reconnect = reconnect
        }
    }

    private let patience: Patience
    private let clock: any Clock<Duration>
    private var sessions: [String: ClientSession] = [:]
    /// Counted for their names.
    private var publishers = 0
    private var players = 0

    public init(patience: Patience = Patience(), clock: any Clock<Duration> = ContinuousClock()) {
        self.patience = patience
        self.clock = clock
    }

    /// How many there are.
    public var count: Int { sessions.count }

    /// A new member of the room with its transport.
    /// - Parameter name: For people; nil: "WHIP 1" and so on.
    public func open(
        _ role: ClientSession.Role, in room: Room, name: String?
    ) async throws(ControlError) -> ClientSession {
        let member = newMember(role, name: name)
        try await room.addBroadcaster(member)
        let session: ClientSession
        do throws(ControlError) {
            let changes = try await room.changes(of: member.id)
            let transport = try await room.createWebRTCTransport(
                for: member.id, WebRTCTransportRequest(producing: role == .publisher, consuming: role == .player))
            session = ClientSession(
                id: Self.secret(), role: role, room: room, member: member, transport: transport, patience: patience,
                clock: clock, onEnd: { [weak self] session in await self?.forget(session) })
            sessions[session.id] = session
            await session.start(changes)
        } catch {
            try? await room.removeBroadcaster(member.id)
            throw error
        }
        if role == .player { await tellViewers(in: room) }
        return session
    }

    public func session(
        _ id: String, _ role: ClientSession.Role, in room: String
    ) throws(ControlError) -> ClientSession {
        guard let session = sessions[id], session.role == role, session.room.name == room else {
            throw .notFound("there is no such session; it may have ended")
        }
        return session
    }

    /// How many players a room has.
    public func viewers(in room: Room) -> Int {
        sessions.values.count { $0.role == .player && $0.room === room }
    }

    // MARK: - Helpers

    private func forget(_ session: ClientSession) async {
        guard sessions.removeValue(forKey: session.id) != nil, session.role == .player else { return }
        await tellViewers(in: session.room)
    }

    private func tellViewers(in room: Room) async {
        for session in sessions.values where session.role == .player && session.room === room {
            await session.tell(.viewers(viewers(in: room)))
        }
    }

    /// Its id isn't the session's: members of a room are known to everybody there.
    private func newMember(_ role: ClientSession.Role, name: String?) -> Broadcaster {
        let digits = String(Self.secret().prefix(8))
        switch role {
        case .publisher:
            publishers += 1
            return Broadcaster(
                id: "whip-\(digits)", displayName: name ?? "WHIP \(publishers)", device: .init(name: "WHIP"),
                role: .publisher)
        case .player:
            players += 1
            return Broadcaster(
                id: "whep-\(digits)", displayName: name ?? "WHEP \(players)", device: .init(name: "WHEP"),
                role: .player)
        }
    }

    /// 128 bits of the system's generator (RFC 9725 §5: session addresses must not be guessed), as 32 hexadecimal digits.
    private static func secret() -> String {
        (0..<2).map { _ in
            let digits = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
