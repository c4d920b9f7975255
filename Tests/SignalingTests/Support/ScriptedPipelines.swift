import Base
import Control
import PipelineControl
import PipelineDescription

/// Pipelines that do what the test says.
actor ScriptedPipelines: PipelineControlling {
    private(set) var ingestRequests: [IngestRequest] = []
    private(set) var recordingRequests: [RecordingRequest] = []
    private var ingestsByID: [String: IngestStatus] = [:]
    private var recordingsByID: [String: RecordingStatus] = [:]
    private var progress: [String: AsyncStream<IngestStatus>.Continuation] = [:]
    private var isStopping = false
    private var stopWatchers: [CheckedContinuation<Void, Never>] = []

    static let track = SourceTrack(
        index: 0, kind: .video, description: "h264 Main, 1280x720, 25 fps", treatment: .transcode,
        reason: "it has B-frames", codec: TrackCodec(mimeType: "video/VP8", clockRate: 90_000),
        answersKeyFrameRequests: true)

    func startIngest(_ request: IngestRequest) async throws(ControlError) -> IngestStatus {
        if isStopping { throw ControlError(.stopping, "the gateway is shutting down") }
        if request.source.text == "missing.mp4" { throw .notFound("missing.mp4: there is no such file") }
        ingestRequests.append(request)
        let status = IngestStatus(
            id: "ingest-\(ingestRequests.count)", room: request.room, source: request.source.text, state: .starting)
        ingestsByID[status.id] = status
        return status
    }

    func blueprints() async -> [PipelineBlueprint] {
        [
            PipelineBlueprint(
                name: "ingest-test", kind: .ingest, engine: .libav(.ingest(.test)), help: "Plays the built-in picture.",
                parameters: [
                    PipelineParameter(
                        name: "width", type: .integer, defaultValue: 640, minimum: 160, help: "In pixels.")
                ], slots: [.codecs, .endpoints], file: "ingest-test.yaml")
        ]
    }

    func ingests() async -> [IngestStatus] { ingestsByID.values.sorted { $0.id < $1.id } }

    func ingest(_ id: String) async throws(ControlError) -> IngestStatus {
        guard let status = ingestsByID[id] else { throw .notFound("there is no ingest \"\(id)\"") }
        return status
    }

    func stopIngest(_ id: String) async throws(ControlError) -> IngestStatus {
        var status = try await ingest(id)
        status.state = .finished
        set(status)
        for watcher in stopWatchers { watcher.resume() }
        stopWatchers.removeAll()
        return status
    }

    func ingestProgress(_ id: String) async throws(ControlError) -> AsyncStream<IngestStatus> {
        let status = try await ingest(id)
        let (stream, continuation) = AsyncStream.makeStream(of: IngestStatus.self)
        continuation.yield(status)
        progress[id] = continuation
        return stream
    }

    func startRecording(_ request: RecordingRequest) async throws(ControlError) -> RecordingStatus {
        if isStopping { throw ControlError(.stopping, "the gateway is shutting down") }
        recordingRequests.append(request)
        let id = "recording-\(recordingRequests.count)"
        let status = RecordingStatus(
            id: id, room: request.room, file: "recordings/\(request.output ?? "\(id).mkv")", state: .armed)
        recordingsByID[id] = status
        return status
    }

    func recordings() async -> [RecordingStatus] { recordingsByID.values.sorted { $0.id < $1.id } }

    func recording(_ id: String) async throws(ControlError) -> RecordingStatus {
        guard let status = recordingsByID[id] else { throw .notFound("there is no recording \"\(id)\"") }
        return status
    }

    func finishRecording(_ id: String) async throws(ControlError) -> RecordingStatus {
        var status = try await recording(id)
        status.state = .failed
        status.failure = PipelineFailure(code: .noMedia, message: "\(status.file): no packet came within 5 s")
        recordingsByID[id] = status
        return status
    }

    func recordingProgress(_ id: String) async throws(ControlError) -> AsyncStream<RecordingStatus> {
        let status = try await recording(id)
        return AsyncStream { continuation in
            continuation.yield(status)
            continuation.finish()
        }
    }

    // MARK: - The script

    /// Nothing more is started.
    func stopping() { isStopping = true }

    /// The state changes, and readers of its progress are told; a final state ends their streams.
    func set(_ status: IngestStatus) {
        ingestsByID[status.id] = status
        progress[status.id]?.yield(status)
        if status.state == .finished || status.state == .failed { progress.removeValue(forKey: status.id)?.finish() }
    }

    /// Returns when the ingest has been stopped.
    func isStopped(_ id: String) async {
        while ingestsByID[id]?.state != .finished { await withCheckedContinuation { stopWatchers.append($0) } }
    }
}
