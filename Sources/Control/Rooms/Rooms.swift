import Base
import Events
import MediaCore
import ORTC

public struct RoomsConfiguration: Sendable, Hashable {
    /// How long a room without broadcaster and pipeline stays; zero: for ever.
    public var idleTimeout: Duration
    /// What routers of new rooms can carry; nil: what the core thinks right.
    public var codecs: [RTPCodecCapability]?

    public init(idleTimeout: Duration = .seconds(60), codecs: [RTPCodecCapability]? = nil) {
        self.idleTimeout = idleTimeout
        self.codecs = codecs
    }
}

/// All rooms of one core. A room is made by the first who asks for it.
public actor Rooms {
    private let core: any MediaCore
    private let events: EventBus
    private let configuration: RoomsConfiguration
    private let clock: any Clock<Duration>
    private let objects = CoreObjects()
    private var rooms: [String: Room] = [:]
    /// Rooms that are being made; everybody who asks meanwhile gets the same one.
    private var coming: [String: Task<Room, any Error>] = [:]
    private var isStopped = false

    /// - Parameter clock: For idle rooms.
    public init(
        core: any MediaCore, events: EventBus, configuration: RoomsConfiguration = RoomsConfiguration(),
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.core = core
        self.events = events
        self.configuration = configuration
        self.clock = clock
    }

    /// The room of this name, made when there is none.
    public func room(_ name: String) async throws(ControlError) -> Room {
        while true {
            guard !isStopped else { throw .shuttingDown }
            if let room = rooms[name] {
                if await room.touch() { return room }
                // It closed just now and has not said so here yet.
                if rooms[name] === room { rooms[name] = nil }
                continue
            }
            let task = coming[name] ?? Task { try await self.make(name) }
            coming[name] = task
            do {
                let room = try await task.value
                if coming[name] == task { coming[name] = nil }
                return room
            } catch {
                if coming[name] == task { coming[name] = nil }
                throw error as? ControlError ?? ControlError(.failed, "\(error)")
            }
        }
    }

    /// The room of this name; nil when there is none.
    public func existing(_ name: String) async -> Room? {
        guard let room = rooms[name], await room.isOpen else { return nil }
        return room
    }

    /// Sorted by name.
    public func list() async -> [RoomSnapshot] {
        var snapshots: [RoomSnapshot] = []
        for room in rooms.values { snapshots.append(await room.snapshot) }
        return snapshots.sorted { $0.name < $1.name }
    }

    public func close(_ name: String, reason: String = ClosingReason.requested) async throws(ControlError) {
        guard let room = await existing(name) else { throw .notFound("room \"\(name)\" does not exist") }
        await room.close(reason: reason)
    }

    /// Closes every room and makes no new ones.
    public func shutDown(reason: String = ClosingReason.shutdown) async {
        isStopped = true
        await closeAll(reason: reason)
    }

    /// Carries the core's events to the rooms; returns when the core ends or the task is cancelled. To be run once,
    /// as long as the gateway lives.
    public func run() async {
        for await event in core.events {
            if case .died = event {
                await closeAll(reason: ClosingReason.coreDied)
            } else if let room = objects.room(for: event) {
                await room.apply(event)
            }
        }
    }

    // MARK: - Helpers

    private func make(_ name: String) async throws(ControlError) -> Room {
        let router: RouterDescription
        do { router = try await core.createRouter(mediaCodecs: configuration.codecs) } catch {
            throw ControlError(error)
        }
        let observers: RoomObservers
        do { observers = try await RoomObservers.make(on: router.id, of: core) } catch {
            await core.close(router.id)
            throw ControlError(error)
        }
        guard !isStopped else {
            await core.close(router.id)
            throw ControlError.shuttingDown
        }
        let room = Room(
            name: name, router: router, observers: observers, core: core, events: events, objects: objects,
            idleTimeout: configuration.idleTimeout, clock: clock,
            onClosed: { [weak self] room in await self?.forget(room) })
        rooms[name] = room
        // They hear nobody yet: nothing came early.
        for observer in [observers.levels, observers.speakers] { _ = objects.register(.observer(observer), room) }
        events.publish(.roomCreated(room: name))
        _ = await room.touch()
        return room
    }

    private func forget(_ room: Room) {
        if rooms[room.name] === room { rooms[room.name] = nil }
    }

    private func closeAll(reason: String) async {
        for room in Array(rooms.values) { await room.close(reason: reason) }
    }
}
