import Base
import Control
import HTTPTypes

/// WHEP's extensions: what happens to what is played, and which layers of it.
struct PlayerRoutes: Sendable {
    let sessions: ClientSessions

    private static let path = "/rooms/{room}/whep/{session}"

    var routes: [Route] {
        [
            Route(.get, "\(Self.path)/events", followAll),
            Route(.post, "\(Self.path)/events", takes: "application/json", addStream),
            Route(.get, "\(Self.path)/events/{stream}", follow),
            Route(.delete, "\(Self.path)/events/{stream}", removeStream),
            Route(.post, "\(Self.path)/layer", takes: "application/json", choose),
        ]
    }

    private func session(_ call: Call) async throws -> ClientSession {
        try await sessions.session(call.name("session"), .player, in: try call.room())
    }

    private func stream(_ call: Call) throws(ControlError) -> Int {
        guard let stream = Int(call.name("stream")) else { throw .notFound("there is no such event stream") }
        return stream
    }

    // MARK: - Events

    /// An array of the events that are wanted; without a body: all. Those that are never sent are no mistake.
    private func addStream(_ call: Call) async throws -> Answer {
        let session = try await session(call)
        let wanted = try await call.list().map { names in
            Set(names.compactMap { $0.stringValue.flatMap(SessionEvent.Name.init(rawValue:)) })
        }
        let stream = try await session.addListener(wanted ?? Set(SessionEvent.Name.allCases))
        var created = Answer.text("")
        created.location = "\(SessionDoor.path(of: session))/events/\(stream)"
        return created
    }

    private func follow(_ call: Call) async throws -> Answer {
        let session = try await session(call)
        return try await live(session, try stream(call), onEnd: {})
    }

    /// All events, for clients that open an EventSource right there.
    private func followAll(_ call: Call) async throws -> Answer {
        let session = try await session(call)
        guard call.request.method != .head else { return .nothing }
        let stream = try await session.addListener(Set(SessionEvent.Name.allCases))
        return try await live(session, stream, onEnd: { try? await session.removeListener(stream) })
    }

    private func live(
        _ session: ClientSession, _ stream: Int, onEnd: @escaping @Sendable () async -> Void
    ) async throws -> Answer {
        let viewers = await sessions.viewers(in: session.room)
        let events = try await session.listen(stream, viewers: viewers)
        let pieces = events.map { event in
            LiveStream.serverSentEvent(name: event.name.rawValue, data: event.json)
        }
        return .live(
            LiveStream(AsyncStream(pulling: pieces), heartbeat: LiveStream.serverSentHeartbeat, onEnd: onEnd),
            contentType: "text/event-stream")
    }

    private func removeStream(_ call: Call) async throws -> Answer {
        let session = try await session(call)
        try await session.removeListener(try stream(call))
        return .text("event stream deleted")
    }

    // MARK: - Layers

    /// `{mediaId?, rid? | encodingId?, spatialLayerId?, temporalLayerId?}`; without them the best that there is room for.
    private func choose(_ call: Call) async throws -> Answer {
        let session = try await session(call)
        let body = try await call.body()
        try await session.prefer(
            LayerWish(
                mediaID: try body.number("mediaId"),
                rid: try body.optionalText("rid") ?? body.optionalText("encodingId"),
                spatialLayer: try body.number("spatialLayerId") ?? body.number("maxSpatialLayerId"),
                temporalLayer: try body.number("temporalLayerId") ?? body.number("maxTemporalLayerId")))
        return .empty
    }
}

extension SessionEvent {
    fileprivate var json: JSONValue {
        switch self {
        case .active, .inactive: [:]
        case .viewers(let count): ["viewercount": JSONValue(count)]
        case .layers(let sections):
            .object(
                Dictionary(
                    uniqueKeysWithValues: sections.map { ("\($0.key)", JSONValue.array($0.value.map(\.json))) }))
        }
    }
}

extension MediaLayer {
    /// The draft's members; `encodingId` as its earlier versions called `rid`, and `forwarded` besides.
    fileprivate var json: JSONValue {
        .object(omittingAbsent: [
            "rid": rid.map { .string($0) }, "encodingId": rid.map { .string($0) },
            "spatialLayerId": JSONValue(spatialLayer), "temporalLayerId": JSONValue(temporalLayer),
            "bitrate": bitrate.map { JSONValue($0) }, "forwarded": .bool(isForwarded),
        ])
    }
}

extension JSONBody {
    /// A whole number from 0, or a text of one: `mediaId` is a text in the draft, the others are numbers.
    fileprivate func number(_ name: String) throws(ControlError) -> Int? {
        guard let value = self[name] else { return nil }
        guard let number = value.integerValue.map({ Int($0) }) ?? value.stringValue.flatMap({ Int($0) }),
            (0...1000).contains(number)
        else { throw .type("body.\(name) is not a number from 0") }
        return number
    }
}
