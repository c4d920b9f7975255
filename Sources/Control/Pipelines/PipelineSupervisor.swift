import Base
import Events
import Logging
import PipelineControl
import PipelineDescription
import Pipelines

/// All ingests and recordings: starts them, knows them, ends them.
///
/// Each lives in a task of its own that ends by itself; see `Ingest.run` and `Recording.run`.
public actor PipelineSupervisor: PipelineControlling {
    private let rooms: Rooms
    private let catalog: PipelineCatalog
    private let folders: MediaFolders
    private let settings: PipelineSettings
    private let context: PipelineContext
    private var ingests = Registry<Ingest>()
    private var recordings = Registry<Recording>()
    /// Those that are being started, and are in no list yet.
    private var coming = 0
    private var isStopped = false

    /// - Parameters:
    ///   - settings: How `ladle-pipeline` is started.
    ///   - clock: For deadlines towards rooms, and those of the processes.
    public init(
        rooms: Rooms, catalog: PipelineCatalog, folders: MediaFolders, settings: PipelineSettings, events: EventBus,
        configuration: PipelineSupervisorConfiguration = PipelineSupervisorConfiguration(),
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.rooms = rooms
        self.catalog = catalog
        self.folders = folders
        self.settings = settings
        context = PipelineContext(
            configuration: configuration, events: events, armed: ArmedRecordings(), clock: clock, logger: logger)
    }

    // MARK: Ingests

    public func startIngest(_ request: IngestRequest) async throws(ControlError) -> IngestStatus {
        try checkLimit()
        var plan = try IngestJobs(catalog: catalog).plan(request)
        coming += 1
        defer { coming -= 1 }
        // Before the room: a wrong name must not make one.
        let file = try plan.file.map { name throws(ControlError) in try open(name) }
        let id = Self.newID("ingest")
        let room = try await enter(request.room, as: id)
        plan.job.routerCodecs = room.routerCapabilities.trackCodecs
        let process = try await start(id, .ingest, hiding: plan.address, leaving: room)
        let status = IngestStatus(id: id, room: request.room, source: plan.shownSource, state: .starting)
        let ingest = Ingest(
            id: id, job: plan.job, displayName: request.displayName ?? plan.displayName, status: status, file: file,
            room: room, process: process, context: context)
        ingests.add(ingest, id: id)
        Task {
            await ingest.run()
            ended()
        }
        return ingest.board.status
    }

    public func ingests() async -> [IngestStatus] { ingests.all.map(\.board.status) }

    public func ingest(_ id: String) async throws(ControlError) -> IngestStatus { try find(ingest: id).board.status }

    public func stopIngest(_ id: String) async throws(ControlError) -> IngestStatus {
        let ingest = try find(ingest: id)
        await ingest.stop()
        return await ingest.board.ended()
    }

    public func ingestProgress(_ id: String) async throws(ControlError) -> AsyncStream<IngestStatus> {
        try find(ingest: id).board.changes()
    }

    // MARK: Recordings

    public func startRecording(_ request: RecordingRequest) async throws(ControlError) -> RecordingStatus {
        try checkLimit()
        let format = try RecordingJobs(catalog: catalog).plan(request)
        coming += 1
        defer { coming -= 1 }
        let made: NewRecording
        do {
            // Without a description, the name decides, and the folder says which ones could.
            let isFixed = request.pipeline != nil || request.output == nil
            made = try folders.createRecording(
                named: request.output, room: request.room, container: isFixed ? format.container : nil)
        } catch {
            throw ControlError(error)
        }
        let id = Self.newID("recording")
        let room: Room
        let process: PipelineProcess
        do {
            room = try await enter(request.room, as: id)
            try await format.check(room, for: request, leaving: id)
            process = try await start(id, .record, leaving: room)
        } catch {
            made.file.removeIfEmpty()
            throw error
        }
        let status = RecordingStatus(id: id, room: request.room, file: made.file.path, state: .armed)
        let recording = Recording(
            id: id, file: made.file, format: format, broadcaster: request.broadcaster, status: status, room: room,
            process: process, context: context)
        recordings.add(recording, id: id)
        // Before the answer: an ingest that is started after it waits for this one.
        await context.armed.arm(id, room: request.room, broadcaster: request.broadcaster) { broadcaster in
            await recording.sourceIsComplete(broadcaster)
        }
        Task {
            await recording.run()
            ended()
        }
        return recording.board.status
    }

    public func recordings() async -> [RecordingStatus] { recordings.all.map(\.board.status) }

    public func recording(_ id: String) async throws(ControlError) -> RecordingStatus {
        try find(recording: id).board.status
    }

    public func finishRecording(_ id: String) async throws(ControlError) -> RecordingStatus {
        let recording = try find(recording: id)
        await recording.finish()
        return await recording.board.ended()
    }

    public func recordingProgress(_ id: String) async throws(ControlError) -> AsyncStream<RecordingStatus> {
        try find(recording: id).board.changes()
    }

    public func blueprints() async -> [PipelineBlueprint] { catalog.blueprints }

    // MARK: The end

    /// Ends everything in order, and starts nothing more. Bounded by the deadlines of the processes.
    public func shutDown() async {
        isStopped = true
        // Sources first, so that recordings get their end.
        await withTaskGroup { group in
            for ingest in ingests.all {
                group.addTask {
                    await ingest.stop()
                    _ = await ingest.board.ended()
                }
            }
        }
        await withTaskGroup { group in
            for recording in recordings.all {
                group.addTask {
                    await recording.finish()
                    _ = await recording.board.ended()
                }
            }
        }
    }

    /// Forgets the oldest of those that have ended.
    private func ended() {
        ingests.trim(to: context.configuration.keptAfterEnd, isEnded: \.board.isFinal)
        recordings.trim(to: context.configuration.keptAfterEnd, isEnded: \.board.isFinal)
    }

    // MARK: Helpers

    private func open(_ name: String) throws(ControlError) -> OpenedFile {
        do { return try folders.openSource(name) } catch { throw ControlError(error) }
    }

    /// Whether one more may be started.
    private func checkLimit() throws(ControlError) {
        guard !isStopped else { throw .shuttingDown }
        let limit = context.configuration.limit
        let running = coming + ingests.all.count { !$0.board.isFinal } + recordings.all.count { !$0.board.isFinal }
        guard running < limit else {
            throw ControlError(.exhausted, "\(running) ingests and recordings run already, and \(limit) may")
        }
    }

    /// The room, kept open under `id`.
    private func enter(_ name: String, as id: String) async throws(ControlError) -> Room {
        do {
            return try await context.ask("room \"\(name)\" was not made") { [rooms] in
                // It may close between being found and being kept.
                for _ in 0..<3 {
                    let room = try await rooms.room(name)
                    if (try? await room.retain(id)) != nil { return room }
                }
                throw ControlError(.failed, "room \"\(name)\" closes again and again")
            }
        } catch {
            throw isStopped ? .shuttingDown : ControlError(.failed, error.message)
        }
    }

    private func start(
        _ id: String, _ kind: PipelineKind, hiding secrets: SourceAddress? = nil, leaving room: Room
    ) async throws(ControlError) -> PipelineProcess {
        let process: PipelineProcess
        do {
            process = try await PipelineProcess.start(
                id: id, kind: kind, settings: settings, hiding: secrets, clock: context.clock, logger: context.logger)
        } catch {
            await room.release(id)
            throw ControlError(error)
        }
        guard isStopped else { return process }
        await process.kill()
        await room.release(id)
        throw .shuttingDown
    }

    private func find(ingest id: String) throws(ControlError) -> Ingest {
        guard let ingest = ingests[id] else { throw .notFound("ingest \"\(id)\" does not exist") }
        return ingest
    }

    private func find(recording id: String) throws(ControlError) -> Recording {
        guard let recording = recordings[id] else { throw .notFound("recording \"\(id)\" does not exist") }
        return recording
    }

    private static func newID(_ kind: String) -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return "\(kind)-" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}

extension ControlError {
    init(_ error: PipelinesError) {
        let code: Code =
            switch error.code {
            case .invalid, .forbidden: .invalid
            case .notFound: .notFound
            case .exists: .conflict
            case .unavailable, .failed: .failed
            }
        self.init(code, error.message)
    }
}
