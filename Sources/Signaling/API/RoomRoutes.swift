import Base
import Control
import Events

/// What stands now: the gateway and its rooms. Looking makes no room.
struct RoomRoutes: Sendable {
    let rooms: Rooms
    let events: EventBus
    let version: String

    var routes: [Route] {
        [
            Route(.get, "/api/v1/version", showVersion),
            Route(.get, "/api/v1/rooms", list),
            Route(.get, "/api/v1/rooms/{room}", show),
            Route(.delete, "/api/v1/rooms/{room}", close),
        ]
    }

    private func showVersion(_ call: Call) async throws -> Answer {
        .json(["name": "ladle", "version": .string(version), "boot": .string(events.boot)])
    }

    private func list(_ call: Call) async throws -> Answer {
        .json(["rooms": .array(await rooms.list().map(\.json))])
    }

    private func show(_ call: Call) async throws -> Answer {
        let name = try call.room()
        guard let room = await rooms.existing(name) else {
            throw ControlError.notFound("room \"\(name)\" does not exist")
        }
        return .json(await room.snapshot.json)
    }

    /// Answers with what the room was.
    private func close(_ call: Call) async throws -> Answer {
        let name = try call.room()
        let last = await rooms.existing(name)?.snapshot
        try await rooms.close(name)
        return .json(last?.json ?? ["name": .string(name)])
    }
}
