import Base
import Control

/// What is written to disk.
struct RecordingRoutes: Sendable {
    let pipelines: any PipelineControlling

    var routes: [Route] {
        [
            Route(.get, "/api/v1/recordings", list),
            Route(.post, "/api/v1/recordings", start),
            Route(.get, "/api/v1/recordings/{recording}", show),
            Route(.delete, "/api/v1/recordings/{recording}", finish),
            Route(.get, "/api/v1/recordings/{recording}/progress", follow),
        ]
    }

    private func list(_ call: Call) async throws -> Answer {
        .json(["recordings": .array(await pipelines.recordings().map(\.json))])
    }

    private func start(_ call: Call) async throws -> Answer {
        let body = try await call.body()
        let room = try body.text("room")
        try NameRules.room(room)
        let output = try body.optionalText("output")
        if let output { try NameRules.file(output) }
        let broadcaster = try body.optionalText("broadcaster")
        if let broadcaster { try NameRules.id(broadcaster, subject: "broadcaster id") }
        let started = try await pipelines.startRecording(
            RecordingRequest(
                room: room, output: output, broadcaster: broadcaster, pipeline: try body.optionalText("pipeline"),
                parameters: try body.optionalObject("parameters")?.objectValue ?? [:]))
        return .created(started.json, at: "/api/v1/recordings/\(started.id)")
    }

    private func show(_ call: Call) async throws -> Answer {
        .json(try await pipelines.recording(call.name("recording")).json)
    }

    /// Answers when the file is finalised.
    private func finish(_ call: Call) async throws -> Answer {
        .json(try await pipelines.finishRecording(call.name("recording")).json)
    }

    /// Server-sent events `status`; ends after the final one.
    private func follow(_ call: Call) async throws -> Answer {
        let progress = try await pipelines.recordingProgress(call.name("recording"))
        let pieces = progress.map { LiveStream.serverSentEvent(name: "status", data: $0.json) }
        return .live(
            LiveStream(AsyncStream(pulling: pieces), heartbeat: LiveStream.serverSentHeartbeat),
            contentType: "text/event-stream")
    }
}
