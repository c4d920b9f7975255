import Base
import Control
import MediaCore
import ORTC

/// The broadcaster API as mediasoup's demo of October 2024 has it, with the additions of docs/http-api.md.
struct BroadcasterRoutes: Sendable {
    let rooms: Rooms

    static let base = "/rooms/{room}/broadcasters/{broadcaster}"

    var routes: [Route] {
        [
            Route(.get, "/rooms/{room}", capabilities),
            Route(.post, "/rooms/{room}/broadcasters", create),
            Route(.delete, Self.base, remove),
        ] + transportRoutes + producerRoutes + consumerRoutes + dataRoutes
    }

    /// Makes the room when there is none.
    private func capabilities(_ call: Call) async throws -> Answer {
        .json(try await rooms.room(try call.room()).routerCapabilities.json)
    }

    private func create(_ call: Call) async throws -> Answer {
        let name = try call.room()
        let body = try await call.lenientBody()
        let id = try body.text("id")
        try NameRules.id(id, subject: "broadcaster id")
        let displayName = try body.text("displayName")
        try NameRules.displayName(displayName)
        let device = JSONBody(body["device"]?.objectValue ?? [:])
        guard let deviceName = device["name"]?.stringValue, !deviceName.isEmpty else {
            throw ControlError.type("missing body.device.name")
        }
        let capabilities = try body.optionalObject("rtpCapabilities")
        let broadcaster = Broadcaster(
            id: id, displayName: displayName, device: .init(name: deviceName, version: device["version"]),
            rtpCapabilities: try capabilities.map { try RTPCapabilities(json: $0) })
        let room = try await rooms.room(name)
        try await room.addBroadcaster(broadcaster)
        return .json(["peers": .array(try await peers(of: room, for: broadcaster))])
    }

    /// The people at browsers, with what the newcomer could consume of them; nobody when it can't consume.
    private func peers(of room: Room, for newcomer: Broadcaster) async throws -> [JSONValue] {
        guard let capabilities = newcomer.rtpCapabilities else { return [] }
        return await room.joinedPeers(for: capabilities).map { peer, producers in
            let list = producers.map {
                ["id": .string($0.id.rawValue), "kind": .string($0.kind.rawValue)] as JSONValue
            }
            return .object(omittingAbsent: [
                "id": .string(peer.id), "displayName": peer.shownCard.displayName, "device": peer.shownCard.device,
                "producers": .array(list),
            ])
        }
    }

    private func remove(_ call: Call) async throws -> Answer {
        try await room(of: call).removeBroadcaster(call.name("broadcaster"))
        return .text("broadcaster deleted")
    }

    // MARK: - Helpers of all facets

    /// The room of a broadcaster. A room that is not there is not made: the broadcaster would not be in it.
    func room(of call: Call) async throws -> Room {
        let name = try call.room()
        guard let room = await rooms.existing(name) else {
            throw ControlError.notFound("broadcaster with id \"\(call.name("broadcaster"))\" does not exist")
        }
        return room
    }

    func transport(_ call: Call) -> TransportID { TransportID(rawValue: call.name("transport")) }
    func producer(_ call: Call) -> ProducerID { ProducerID(rawValue: call.name("producer")) }
    func consumer(_ call: Call) -> ConsumerID { ConsumerID(rawValue: call.name("consumer")) }
}
