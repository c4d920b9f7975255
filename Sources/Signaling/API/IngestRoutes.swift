import Base
import Control
import PipelineControl

/// Sources that the gateway pours into rooms by itself.
struct IngestRoutes: Sendable {
    let pipelines: any PipelineControlling
    let owners: IngestOwners

    var routes: [Route] {
        [
            Route(.get, "/api/v1/ingests", list),
            Route(.post, "/api/v1/ingests", start),
            Route(.get, "/api/v1/ingests/{ingest}", show),
            Route(.delete, "/api/v1/ingests/{ingest}", stop),
            Route(.get, "/api/v1/ingests/{ingest}/progress", follow),
        ]
    }

    private func list(_ call: Call) async throws -> Answer {
        .json(["ingests": .array(await pipelines.ingests().map(\.json))])
    }

    private func start(_ call: Call) async throws -> Answer {
        let body = try await call.body()
        let room = try body.text("room")
        try NameRules.room(room)
        let displayName = try body.optionalText("displayName")
        if let displayName { try NameRules.displayName(displayName) }
        let request = IngestRequest(
            room: room, source: try source(body), loop: try body.flag("loop", default: false),
            video: try body.optionalWord("video", ignoringCase: true), displayName: displayName,
            attached: try body.flag("attached", default: false), pipeline: try body.optionalText("pipeline"),
            parameters: try body.optionalObject("parameters")?.objectValue ?? [:],
            retry: try body.optionalWord("retry"))
        let started = try await pipelines.startIngest(request)
        if request.attached { await owners.expectOwner(of: started.id) }
        return .created(started.json, at: "/api/v1/ingests/\(started.id)")
    }

    /// "test", an address, or a path; without it the pipeline must make its own.
    private func source(_ body: JSONBody) throws(ControlError) -> IngestRequest.Source {
        guard let text = try body.optionalText("source") else {
            guard try body.optionalText("pipeline") != nil else { throw .type("missing body.source, or body.pipeline") }
            return .pipeline
        }
        guard !text.isEmpty else { throw .type("body.source is empty") }
        if text == "test" { return .test }
        guard SourceAddress.looksLikeAddress(text) else { return .file(text) }
        do { return .address(try SourceAddress(text)) } catch { throw .type(error.description) }
    }

    private func show(_ call: Call) async throws -> Answer {
        .json(try await pipelines.ingest(call.name("ingest")).json)
    }

    private func stop(_ call: Call) async throws -> Answer {
        .json(try await pipelines.stopIngest(call.name("ingest")).json)
    }

    /// Server-sent events `status`; ends after the final one. With `owner=true` the ingest ends with this connection.
    private func follow(_ call: Call) async throws -> Answer {
        let id = call.name("ingest")
        let isOwner = try call.flag("owner", default: false)
        let progress = try await pipelines.ingestProgress(id)
        let pieces = progress.map { LiveStream.serverSentEvent(name: "status", data: $0.json) }
        return .live(
            LiveStream(
                AsyncStream(pulling: pieces), heartbeat: LiveStream.serverSentHeartbeat,
                // Not before the answer is under way: a HEAD owns nothing.
                onBegin: { [owners] in if isOwner { await owners.claim(id) } },
                onEnd: { [owners] in if isOwner { await owners.release(id) } }),
            contentType: "text/event-stream")
    }
}

extension AsyncStream where Element == String {
    /// The same, pulled one by one.
    init<Base: AsyncSequence & Sendable>(pulling base: Base) where Base.Element == String, Base.Failure == Never {
        let iterator = IteratorBox(base.makeAsyncIterator())
        self.init(unfolding: { await iterator.next() })
    }
}

/// `@unchecked` holds: a stream has one reader, which asks for the next element after it had the last.
private final class IteratorBox<Iterator: AsyncIteratorProtocol>: @unchecked Sendable
where Iterator.Failure == Never {
    private var iterator: Iterator

    init(_ iterator: Iterator) { self.iterator = iterator }

    func next() async -> Iterator.Element? { await iterator.next(isolation: nil) }
}
