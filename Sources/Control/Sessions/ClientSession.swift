import Base
import MediaCore

/// A client that came with one offer (WHIP, WHEP): a member of a room with one WebRTC transport and what that carries.
///
/// It ends once, whoever ends it: the client's DELETE, its DTLS goodbye or failure, lost consent that isn't regained, a
/// connection that never came, the closing of all it sends or receives, or of its room. Its member goes with it.
/// Facets: +Tracks (what it carries), +Events (what its client is told).
public actor ClientSession {
    public enum Role: Sendable, Hashable {
        /// Sends (WHIP).
        case publisher
        /// Receives (WHEP).
        case player
    }

    /// The ICE session that stands now (RFC 9725 §4.3): who restarts it has to know which.
    public struct ICESession: Sendable, Hashable {
        /// The client's; others mean a restart.
        public var remoteFragment: String
        /// Counts restarts, from 1.
        public var generation: Int
    }

    /// Known to its client only, as whoever has it may end the session.
    public nonisolated let id: String
    public nonisolated let role: Role
    public nonisolated let room: Room
    /// In the room.
    public nonisolated let member: Broadcaster
    public nonisolated let transport: WebRTCTransportDescription

    public private(set) var isOpen = true
    public private(set) var ice = ICESession(remoteFragment: "", generation: 1)
    var tracks: [SessionTrack] = []
    /// Closed before `carry` was called.
    var gone: Set<ConsumerID> = []
    var goneProducers: Set<ProducerID> = []
    var isCarrying = false
    var listeners: [Int: SessionListener] = [:]
    var nextListener = 1
    var layerNews: Task<Void, Never>?

    let clock: any Clock<Duration>
    private let patience: ClientSessions.Patience
    private let onEnd: @Sendable (ClientSession) async -> Void
    private var timer: Task<Void, Never>?

    init(
        id: String, role: Role, room: Room, member: Broadcaster, transport: WebRTCTransportDescription,
        patience: ClientSessions.Patience, clock: any Clock<Duration>,
        onEnd: @escaping @Sendable (ClientSession) async -> Void
    ) {
        self.id = id
        self.role = role
        self.room = room
        self.member = member
        self.transport = transport
        self.patience = patience
        self.clock = clock
        self.onEnd = onEnd
    }

    /// Tells the transport who the client is; the handshake may begin at once.
    public func connect(_ remote: DTLSParameters, remoteFragment: String) async throws(ControlError) {
        ice.remoteFragment = remoteFragment
        try await room.connect(transport.id, of: member.id, remote)
    }

    /// New credentials of ours for new ones of the client's. If it fails, the old ones stand.
    public func restartICE(
        remoteFragment: String
    ) async throws(ControlError) -> (parameters: ICEParameters, session: ICESession) {
        let parameters = try await room.restartICE(transport.id, of: member.id)
        ice = ICESession(remoteFragment: remoteFragment, generation: ice.generation + 1)
        return (parameters, ice)
    }

    /// Idempotent.
    public func end(reason: String) async {
        guard isOpen else { return }
        isOpen = false
        timer?.cancel()
        // First it can't be found any more, then its client hears of it.
        await onEnd(self)
        endListeners()
        // It may be what ended the session: then it is gone already.
        try? await room.removeBroadcaster(member.id, reason: reason)
    }

    // MARK: - What happens to it

    func start(_ changes: AsyncStream<MemberChange>) {
        end(after: patience.setUp, reason: ClosingReason.neverConnected)
        // Ends with the member.
        Task { for await change in changes { await self.apply(change) } }
    }

    private func apply(_ change: MemberChange) async {
        guard isOpen else { return }
        switch change {
        case .transportState(_, let states): await follow(states)
        case .producerClosed(let id): await lost(id)
        case .consumerClosed(let id): await lost(id)
        case .consumerLayers(let id, let layers): forwarded(layers, by: id)
        case .consumerProducerPaused(let id, let paused): setProducerPaused(id, paused)
        case .producerScore, .consumerScore, .downlink, .dataProducerClosed, .dataConsumerClosed: break
        case .transportClosed: await end(reason: ClosingReason.transportClosed)
        case .removed(let reason): await end(reason: reason)
        }
    }

    private func follow(_ states: WebRTCStates) async {
        switch (states.ice, states.dtls) {
        case (_, .failed): await end(reason: ClosingReason.dtlsFailed)
        case (_, .closed): await end(reason: ClosingReason.dtlsClosed)
        case (.disconnected, _): end(after: patience.reconnect, reason: ClosingReason.iceDisconnected)
        case (.connected, .connected), (.completed, .connected): timer?.cancel()
        // It is on its way: the timer of its beginning runs on.
        case (.new, _), (.connected, _), (.completed, _): break
        }
    }

    private func end(after delay: Duration, reason: String) {
        timer?.cancel()
        timer = Task { [clock, weak self] in
            guard (try? await clock.sleep(for: delay)) != nil else { return }
            await self?.endUnlessCancelled(reason: reason)
        }
    }

    /// A cancellation may come after the sleep has ended.
    private func endUnlessCancelled(reason: String) async {
        guard !Task.isCancelled else { return }
        await end(reason: reason)
    }
}

extension ClosingReason {
    /// The client has said goodbye.
    public static let dtlsClosed = "dtlsclosed"
    public static let dtlsFailed = "dtlsfailed"
    /// Nothing was heard of the client for some time.
    public static let iceDisconnected = "icedisconnected"
    /// The client had its answer and never came.
    public static let neverConnected = "neverconnected"
}
