import Base
import Events
import Logging
import MediaCore
import ORTC
import PipelineControl
import Pipelines

/// One source that goes into a room: its process, its place in the room, its end.
///
/// The process leads; each of its reports is answered by one step here. Facet: Ingest+Tracks.
actor Ingest {
    nonisolated let id: String
    nonisolated let board: StatusBoard<IngestStatus>
    nonisolated let room: Room
    nonisolated let context: PipelineContext
    nonisolated let process: PipelineProcess

    private let job: IngestJob
    private let displayName: String
    private let subject: PipelineSubject
    /// Kept until the process has it.
    private var file: OpenedFile?
    private var isInRoom = false
    private var producers: Set<ProducerID> = []
    /// Why we ended it, when that was no wish of anybody.
    private var failure: PipelineFailure?
    private var interruptions = Interruptions()
    private let sinceStart: @Sendable () -> Duration

    /// - Parameter room: Retained under `id`; released here.
    init(
        id: String, job: IngestJob, displayName: String, status: IngestStatus, file: OpenedFile?, room: Room,
        process: PipelineProcess, context: PipelineContext
    ) {
        self.id = id
        self.job = job
        self.displayName = displayName
        self.file = file
        self.room = room
        self.process = process
        self.context = context
        sinceStart = stopwatch(context.clock)
        board = StatusBoard(status)
        subject = PipelineSubject(room: status.room, id: id, kind: .ingest, name: status.source)
    }

    /// The whole life; returns when everything is closed.
    func run() async {
        context.events.publish(.pipelineStarting(subject, processID: Int(process.processID)))
        let watch = Task { await watchRoom() }
        await tell(.ingest(job), descriptor: file?.descriptor)
        file = nil
        for await report in process.reports { await handle(report) }
        let end = await process.end
        watch.cancel()
        await close(failure.map { .failed($0) } ?? end)
    }

    /// Ends it in order; `board` tells when it has ended.
    func stop() async {
        climb(to: .draining)
        await process.stop()
    }

    // MARK: Steps

    private func handle(_ report: PipelineReport) async {
        // After a failure of ours only the end of the process is awaited.
        guard failure == nil else { return }
        do throws(PipelineFailure) {
            switch report {
            case .opened(let source):
                resumed()
                try await enter(with: source)
            case .ready: await play()
            case .running:
                climb(to: .running)
                context.events.publish(.pipelineRunning(subject))
            case .progress(let progress), .finished(let progress):
                board.update { $0.progress = progress }
            case .interrupted(let interruption): interrupted(interruption)
            case .resumed: resumed()
            case .listening, .checked, .failed: break
            }
        } catch {
            await fail(error)
        }
    }

    /// The source is open: into the room with it.
    private func enter(with source: OpenedSource) async throws(PipelineFailure) {
        board.update { status in
            status.tracks = source.tracks
            status.durationSeconds = source.durationSeconds
        }
        context.events.publish(
            .ingestOpened(subject, durationSeconds: source.durationSeconds, tracks: source.tracks.map(OpenedTrack.init))
        )
        guard !source.tracks.isEmpty else {
            throw PipelineFailure(code: .noPlayableTrack, message: "\(subject.name) has no track that can be played")
        }
        let broadcaster = Broadcaster(
            id: id, displayName: displayName, device: Broadcaster.Device(name: "Ladle"), role: .ingest)
        isInRoom = true
        try await context.ask("the room took no broadcaster") { [room] in try await room.addBroadcaster(broadcaster) }
        var tracks: [SendTrack] = []
        for track in source.tracks {
            let (producer, sent) = try await produce(track, cname: broadcaster.cname)
            producers.insert(producer)
            tracks.append(sent)
        }
        await context.armed.complete(id, room: room.name)
        await tell(.send(tracks))
    }

    /// Everything stands: let recordings of the room get ready too, and go.
    private func play() async {
        let (armed, id, producers, room) = (context.armed, id, producers, room.name)
        let recordings = await armed.awaited(by: id, producers, room: room)
        if !recordings.isEmpty {
            let limit = context.configuration.recordingsDeadline
            climb(to: .waiting)
            context.events.publish(
                .ingestWaiting(subject, recordings: recordings, atMostSeconds: limit.seconds))
            // Too late is no failure: it plays without them.
            try? await within(limit, on: context.clock, "recordings were not ready") {
                await armed.wait(for: id, producers, room: room)
            }
        }
        await tell(.play)
    }

    /// It brings nothing, and is waited for.
    private func interrupted(_ interruption: SourceInterruption) {
        board.update { $0.interruption = interruption }
        guard interruptions.note(interruption, now: sinceStart()) else { return }
        context.events.publish(
            .ingestInterrupted(
                subject, reason: interruption.reason, attempts: interruption.attempts,
                retrySeconds: interruption.retrySeconds))
    }

    private func resumed() {
        guard let time = interruptions.end(now: sinceStart()) else { return }
        board.update { $0.interruption = nil }
        context.events.publish(.ingestResumed(subject, afterSeconds: time.seconds))
    }

    private func watchRoom() async {
        for await change in await room.changes() {
            switch change {
            case .producerAdded, .memberAdded, .memberClosed: break
            case .producerClosed(let producer, _):
                guard producers.remove(producer) != nil, producers.isEmpty, isInRoom else { continue }
                // A room that closes takes its producers along, and says so next.
                guard await room.isOpen else { continue }
                await fail(PipelineFailure(code: .refused, message: "all producers of \(id) were closed"))
            case .closed(let reason):
                isInRoom = false
                await fail(PipelineFailure(code: .refused, message: "room \"\(room.name)\" was closed (\(reason))"))
            }
        }
    }

    // MARK: The end

    private func fail(_ failure: PipelineFailure) async {
        guard self.failure == nil else { return }
        self.failure = failure
        climb(to: .draining)
        await process.stop()
    }

    /// The one place that closes what it had, however it ended.
    private func close(_ end: PipelineEnd) async {
        climb(to: .draining)
        file = nil
        if isInRoom {
            isInRoom = false
            let reason = end.failure == nil ? "finished" : "failed"
            // A room that has gone has closed it already.
            try? await context.ask("the room kept the broadcaster") { [room, id] in
                try await room.removeBroadcaster(id, reason: reason)
            }
        }
        try? await context.ask("the room was not released") { [room, id] in await room.release(id) }
        switch end {
        case .finished(let progress):
            context.events.publish(.pipelineFinished(subject, seconds: progress.seconds))
            board.update(final: true) { status in
                (status.state, status.interruption) = (.finished, nil)
                status.progress = progress
            }
        case .failed(let failure):
            context.events.publish(
                .pipelineFailed(subject, code: failure.code.rawValue, message: failure.message))
            board.update(final: true) { status in
                (status.state, status.interruption) = (.failed, nil)
                status.failure = failure
            }
        }
    }

    // MARK: Helpers

    /// A process that takes no command is about to end, and its end says why.
    private func tell(_ command: PipelineCommand, descriptor: Int32? = nil) async {
        do {
            try await process.send(command, descriptor: descriptor)
        } catch {
            context.logger.debug("command not taken: \(error.message)", metadata: ["pipeline": "\(id)"])
        }
    }

    private func climb(to state: IngestStatus.State) {
        board.update { status in
            if status.state.step < state.step { status.state = state }
        }
    }
}

extension IngestStatus.State {
    fileprivate var step: Int {
        switch self {
        case .starting: 0
        case .waiting: 1
        case .running: 2
        case .draining: 3
        case .finished, .failed: 4
        }
    }
}

extension OpenedTrack {
    fileprivate init(_ track: SourceTrack) {
        self.init(
            kind: track.kind.rawValue, description: track.description, treatment: track.treatment.rawValue,
            reason: track.reason, codec: track.codec.mimeType)
    }
}
