import Control
import Events
import HTTPTypes

/// The stream of facts: server-sent events, lines for people, or JSON lines, as `Accept` says.
struct EventRoutes: Sendable {
    let events: EventBus

    var routes: [Route] { [Route(.get, "/api/v1/events", follow)] }

    private func follow(_ call: Call) async throws -> Answer {
        let accept = call.request.headers[.accept]?.lowercased() ?? ""
        let follow = try call.flag("follow", default: true)
        let start = try start(call, follow: follow)
        let room = call.query["room"]
        if let room { try NameRules.room(room) }
        let stream = events.subscribe(start, room: room, follow: follow)
        if accept.contains("text/plain") {
            return .live(
                LiveStream(AsyncStream(pulling: stream.map { "\($0.line())\n" })), contentType: Answer.textType)
        }
        guard accept.contains("text/event-stream") else {
            let lines = stream.map { "\($0.json.text)\n" }
            return .live(LiveStream(AsyncStream(pulling: lines)), contentType: "application/x-ndjson; charset=utf-8")
        }
        let pieces = stream.map { event in
            LiveStream.serverSentEvent(id: event.id.description, name: event.fact.name, data: event.json)
        }
        return .live(
            LiveStream(AsyncStream(pulling: pieces), heartbeat: LiveStream.serverSentHeartbeat),
            contentType: "text/event-stream")
    }

    /// `Last-Event-ID` is what a browser sends when it comes back by itself, so it knows better than the address.
    /// Without either: everything that is kept, or, for those who follow, what comes from now on.
    private func start(_ call: Call, follow: Bool) throws(ControlError) -> EventBus.Start {
        let header = HTTPField.Name("Last-Event-ID").flatMap { call.request.headers[$0] }
        guard let text = header ?? call.query["since"], !text.isEmpty else { return follow ? .now : .beginning }
        switch text {
        case "beginning": return .beginning
        case "now": return .now
        default:
            guard let id = EventID(text) else {
                throw .type("\"\(text)\" is no event id; it must be like 5f3a9c01-42, or beginning, or now")
            }
            return .after(id)
        }
    }
}
