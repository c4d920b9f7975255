import Base
import Events
import Logging
import MediaCore
import ORTC
import PipelineControl
import Pipelines

/// One file that a room's media goes into: its process, its place in the room, its end.
///
/// Armed as soon as the process listens; it takes the first audio and the first video that come. Facet:
/// Recording+Consumers.
actor Recording {
    nonisolated let id: String
    nonisolated let board: StatusBoard<RecordingStatus>
    nonisolated let room: Room
    nonisolated let context: PipelineContext
    nonisolated let process: PipelineProcess

    /// Its name and what is written into it; the open file itself is let go at the end.
    private let name: String
    private let format: RecordingFormat
    private var file: OpenedFile?
    /// Only this broadcaster's tracks.
    private let broadcaster: String?
    private let subject: PipelineSubject
    private var isInRoom = false
    /// Where the process listens.
    private var port: UInt16?
    /// What to record is chosen once; set before the first wait of doing so, and when it is too late to.
    private var hasChosen = false
    private var settling: Task<Void, Never>?
    private var isSettled = false
    /// Broadcasters that make no more producers.
    private var completeSources: Set<String> = []
    /// Also those that closed while they were being chosen.
    private var closedProducers: Set<ProducerID> = []
    private var tracks: [RecordedTrack] = []
    private var planIsSent = false
    private var failure: PipelineFailure?

    /// - Parameter room: Retained under `id`; released here.
    init(
        id: String, file: OpenedFile, format: RecordingFormat, broadcaster: String?, status: RecordingStatus,
        room: Room, process: PipelineProcess, context: PipelineContext
    ) {
        self.id = id
        name = file.name
        self.format = format
        self.file = file
        self.broadcaster = broadcaster
        self.room = room
        self.process = process
        self.context = context
        board = StatusBoard(status)
        subject = PipelineSubject(room: status.room, id: id, kind: .record, name: status.file)
    }

    /// The whole life; returns when everything is closed.
    func run() async {
        context.events.publish(.pipelineStarting(subject, processID: Int(process.processID)))
        let watch = Task { await watchRoom() }
        let job = RecordJob(
            fileName: name, container: format.container, listenIP: context.configuration.listenIP,
            plan: format.gstreamer)
        await tell(.record(job), descriptor: file?.descriptor)
        for await report in process.reports { await handle(report) }
        let end = await process.end
        watch.cancel()
        settling?.cancel()
        if let failure { await close(.failed(failure)) } else { await close(await explained(end)) }
    }

    /// Ends it in order; `board` tells when the file is complete.
    func finish() async {
        hasChosen = true
        settling?.cancel()
        climb(to: .draining)
        await process.stop()
    }

    // MARK: Steps

    private func handle(_ report: PipelineReport) async {
        guard failure == nil else { return }
        do throws(PipelineFailure) {
            switch report {
            case .listening(let port):
                try await enter(listeningAt: port)
                await consider()
            case .ready: try await resumeConsumers()
            case .running:
                climb(to: .running)
                context.events.publish(.pipelineRunning(subject))
                context.events.publish(.recordingStarted(subject))
            case .progress(let progress), .finished(let progress):
                board.update { status in
                    status.seconds = progress.seconds
                    status.bytes = progress.fileBytes ?? status.bytes
                }
            case .opened, .interrupted, .resumed, .checked, .failed: break
            }
        } catch {
            await fail(error)
        }
    }

    private func enter(listeningAt port: UInt16) async throws(PipelineFailure) {
        isInRoom = true
        let broadcaster = Broadcaster(
            id: id, displayName: name, device: Broadcaster.Device(name: "Ladle"), role: .recorder,
            rtpCapabilities: room.routerCapabilities.recordable(as: format))
        try await context.ask("the room took no recorder") { [room] in try await room.addBroadcaster(broadcaster) }
        self.port = port
        context.events.publish(.recordingArmed(subject))
    }

    /// Looks whether the media that it waits for is there, and begins if so. Called whenever that may have changed.
    private func consider() async {
        guard !hasChosen, failure == nil, let port else { return }
        do throws(PipelineFailure) {
            let snapshot = try await context.ask("the room said nothing") { [room] in await room.snapshot }
            guard !hasChosen, failure == nil else { return }
            // Armed in an empty room, it meets only now what it can't hold. Without its picture, or without its sound,
            // it would be a surprise afterwards.
            if let refusal = format.refusal(of: snapshot, broadcaster: broadcaster) {
                throw PipelineFailure(code: .refused, message: refusal)
            }
            let choice = RecordedTrack.choice(of: snapshot.producers, broadcaster: broadcaster, format: format)
            guard let first = choice.first else { return }
            guard choice.count == 2 || isSettled || completeSources.contains(first.broadcaster) else {
                settle()
                return
            }
            hasChosen = true
            climb(to: .starting)
            await context.armed.chosen(id, Set(choice.map(\.id)))
            tracks = try await consume(choice, port: port)
            guard let plan = RecordedTrack.plan(tracks, at: context) else {
                throw PipelineFailure(code: .refused, message: "nothing that was chosen can be recorded")
            }
            await tell(.receive(plan))
            planIsSent = true
            for index in tracks.indices where closedProducers.contains(tracks[index].producer) {
                tracks[index].isClosed = true
            }
            await endTracks()
        } catch {
            await fail(error)
        }
    }

    /// Another kind of media may follow the first at once; it is waited for a little.
    private func settle() {
        guard settling == nil else { return }
        settling = Task { [clock = context.clock, time = context.configuration.settleTime] in
            guard (try? await clock.sleep(for: time)) != nil else { return }
            isSettled = true
            await consider()
        }
    }

    /// An ingest has made all its producers: what is there is all there is.
    func sourceIsComplete(_ broadcaster: String) async {
        completeSources.insert(broadcaster)
        await consider()
    }

    private func resumeConsumers() async throws(PipelineFailure) {
        let (room, id) = (room, id)
        for track in tracks where !track.isClosed {
            let consumer = track.consumer.id
            do {
                try await context.ask("the room resumed no consumer") { try await room.resume(consumer, of: id) }
            } catch {
                // Its producer may have gone in between; then the track ends, and that is all.
                guard isClosed(consumer) else { throw error }
            }
        }
        await context.armed.ready(id)
    }

    private func watchRoom() async {
        for await change in await room.changes() {
            switch change {
            case .producerAdded: await consider()
            case .memberAdded, .memberClosed: break
            case .producerClosed(let producer, _):
                closedProducers.insert(producer)
                for index in tracks.indices where tracks[index].producer == producer { tracks[index].isClosed = true }
                await endTracks()
            case .closed:
                isInRoom = false
                // The room took its media along; what came until then is a good recording.
                await finish()
            }
        }
    }

    /// Tells the process which tracks bring nothing more; without any left, the file is finished.
    private func endTracks() async {
        guard planIsSent, failure == nil else { return }
        for index in tracks.indices where tracks[index].isClosed && !tracks[index].isEnded {
            tracks[index].isEnded = true
            await tell(.endTrack(tracks[index].consumer.id.rawValue))
        }
        if tracks.allSatisfy(\.isEnded) { await finish() }
    }

    private func isClosed(_ consumer: ConsumerID) -> Bool {
        tracks.first { $0.consumer.id == consumer }?.isClosed ?? true
    }

    // MARK: The end

    /// The process hears nothing before the first key frame, since the core holds back what can't be decoded: when
    /// its producer does send, it is the key frame that is missing.
    private func explained(_ end: PipelineEnd) async -> PipelineEnd {
        guard case .failed(let failure) = end, failure.code == .noMedia else { return end }
        let snapshot = try? await context.ask("the room said nothing") { [room] in await room.snapshot }
        let waiting = snapshot?.producers.first { producer in
            producer.kind == .video && producer.flowing && tracks.contains { $0.producer == producer.id }
        }
        guard let waiting else { return end }
        // What is told beside the stream (in SDP) does not reach those who look at the stream.
        let sets = waiting.codec.lowercased().hasSuffix("h264") ? ", with SPS and PPS in the stream" : ""
        return .failed(
            PipelineFailure(
                code: .noKeyFrame,
                message: "no key frame came for \(name) within 5 s: \(waiting.broadcasterName) sends \(waiting.codec), "
                    + "but no picture to start with; its encoder must give one more often, or when asked by PLI\(sets)"
            ))
    }

    private var deleted: PipelineFailure {
        PipelineFailure(code: .cannotWrite, message: "\(subject.name) was deleted while it was being written")
    }

    private func fail(_ failure: PipelineFailure) async {
        guard self.failure == nil else { return }
        self.failure = failure
        climb(to: .draining)
        await process.stop()
    }

    /// The one place that closes what it had, however it ended. The file stays, unless nothing is in it.
    private func close(_ reported: PipelineEnd) async {
        climb(to: .draining)
        // The process wrote to the end and knows nothing of it.
        let end = file?.isDeleted == true && reported.failure == nil ? .failed(deleted) : reported
        await context.armed.ready(id)
        if isInRoom {
            isInRoom = false
            let reason = end.failure == nil ? "finished" : "failed"
            // A room that has gone has closed it already.
            try? await context.ask("the room kept the recorder") { [room, id] in
                try await room.removeBroadcaster(id, reason: reason)
            }
        }
        try? await context.ask("the room was not released") { [room, id] in await room.release(id) }
        let bytes = file?.size ?? 0
        if file?.removeIfEmpty() == true {
            context.logger.info("nothing was recorded, the file is removed", metadata: ["file": "\(subject.name)"])
        }
        // An ended recording stays listed; its descriptor must not stay with it.
        file = nil
        switch end {
        case .finished(let progress):
            context.events.publish(.recordingFinished(subject, seconds: progress.seconds, bytes: bytes))
            context.events.publish(.pipelineFinished(subject, seconds: progress.seconds))
            board.update(final: true) { status in
                status.state = .finished
                (status.seconds, status.bytes) = (progress.seconds, bytes)
            }
        case .failed(let failure):
            let code = failure.code.rawValue
            context.events.publish(.recordingFailed(subject, code: code, message: failure.message))
            context.events.publish(.pipelineFailed(subject, code: code, message: failure.message))
            board.update(final: true) { status in
                status.state = .failed
                (status.failure, status.bytes) = (failure, bytes)
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

    private func climb(to state: RecordingStatus.State) {
        board.update { status in
            if status.state.step < state.step { status.state = state }
        }
    }
}

extension RecordingStatus.State {
    fileprivate var step: Int {
        switch self {
        case .armed: 0
        case .starting: 1
        case .running: 2
        case .draining: 3
        case .finished, .failed: 4
        }
    }
}
