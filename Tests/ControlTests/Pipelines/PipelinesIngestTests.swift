import Base
import Control
import Events
import MediaCore
import ORTC
import PipelineControl
import Testing

@Suite(.timeLimit(.minutes(1)))
struct `An ingest` {
    private let request = IngestRequest(room: "demo", source: .file("a.mp4"))

    @Test func `enters the room, plays and leaves nothing behind`() async throws {
        let world = try PipelinesWorld()
        let started = try await world.supervisor.startIngest(request)
        #expect(started.state == .starting)
        let status = try await world.end(ofIngest: started.id)
        #expect(status.state == .finished)
        #expect(status.tracks.map(\.codec.mimeType) == ["audio/opus", "video/VP8"])
        #expect(status.durationSeconds == 2)
        #expect(status.progress?.seconds == 2)
        #expect(
            await world.names() == [
                "room.created", "pipeline.starting", "ingest.opened", "broadcaster.created",
                "transport.created", "producer.created", "transport.created", "producer.created",
                "pipeline.running",
                "producer.closed", "transport.closed", "producer.closed", "transport.closed", "broadcaster.closed",
                "pipeline.finished",
            ])
        #expect(await world.isClean())
    }

    @Test func `sends what the producers were made for`() async throws {
        let world = try PipelinesWorld()
        let started = try await world.supervisor.startIngest(request)
        _ = try await world.end(ofIngest: started.id)
        let heard = try world.heard(started.id)
        guard heard.count == 3, case .ingest(let job) = heard[0], case .send(let tracks) = heard[1], heard[2] == .play
        else {
            Issue.record("\(heard)")
            return
        }
        #expect(job.source == .file(name: "a.mp4"))
        #expect(job.routerCodecs.map(\.mimeType) == ["audio/opus", "video/VP8", "video/H264"])
        #expect(tracks.map(\.ip) == ["127.0.0.1", "127.0.0.1"])
        #expect(tracks.map(\.port) == [40_001, 40_002])
        #expect(tracks.map(\.payloadType) == [100, 101])
        #expect(Set(tracks.map(\.cname)).count == 1)
        let produced = await world.core.produced
        #expect(produced.map { $0.rtpParameters.encodings.first?.ssrc } == tracks.map { $0.ssrc })
        #expect(produced.map { $0.rtpParameters.codecs.first?.payloadType } == [100, 101])
        // Only a track that answers key frame requests is asked for key frames.
        #expect(
            produced.map { $0.rtpParameters.codecs.first?.rtcpFeedback } == [
                [], [RTCPFeedback("nack", "pli"), RTCPFeedback("ccm", "fir")],
            ])
        let transports = await world.core.transports.values
        #expect(transports.allSatisfy { $0.comedia && $0.rtcpMux && $0.cname == tracks[0].cname })
    }

    @Test func `stops when it is told to`() async throws {
        let world = try PipelinesWorld(ingest: Script.ingestUntilStopped)
        let started = try await world.supervisor.startIngest(request)
        _ = await world.wait(for: "pipeline.running")
        #expect(try await world.supervisor.stopIngest(started.id).state == .finished)
        #expect(try world.heard(started.id).last == .finish)
        #expect(await world.isClean())
        // An ended one answers at once.
        #expect(try await world.supervisor.stopIngest(started.id).state == .finished)
    }

    @Test(arguments: [
        (
            #"say '{"type":"failed","code":"cannot-open","message":"a.mp4 is no media file"}'"#,
            PipelineFailure(code: .cannotOpen, message: "a.mp4 is no media file")
        ),
        (Script.opened(), PipelineFailure(code: .noPlayableTrack, message: "a.mp4 has no track that can be played")),
        (
            Script.opened(Script.audio) + "; kill -SEGV $$",
            PipelineFailure(code: .crashed, message: "the pipeline process was ended by SIGSEGV without a word")
        ),
        (
            Script.ingestUntilStopped.replacing("while hear", with: "exit 9; while hear"),
            PipelineFailure(code: .crashed, message: "the pipeline process exited with code 9 without a word")
        ),
        (
            Script.opened(Script.video.replacing("VP8", with: "H263")),
            PipelineFailure(
                code: .noPlayableTrack,
                message: "track 1 (mpeg4) became video/H263, which the room's router does not have")
        ),
    ])
    func `that fails says why and leaves nothing behind`(script: String, failure: PipelineFailure) async throws {
        let world = try PipelinesWorld(ingest: script)
        let started = try await world.supervisor.startIngest(request)
        let status = try await world.end(ofIngest: started.id)
        #expect(status.state == .failed)
        #expect(status.failure == failure)
        guard case .pipelineFailed(_, let code, let message)? = await world.facts().last else {
            Issue.record("no pipeline.failed at the end: \(await world.names())")
            return
        }
        #expect(code == failure.code.rawValue)
        #expect(message == failure.message)
        #expect(await world.isClean())
    }

    @Test(arguments: [PipelinesCore.Step.transport, .produce])
    func `fails when the core refuses`(step: PipelinesCore.Step) async throws {
        let world = try PipelinesWorld()
        await world.core.refuse(step)
        let started = try await world.supervisor.startIngest(request)
        let status = try await world.end(ofIngest: started.id)
        #expect(status.failure == PipelineFailure(code: .refused, message: "no more available ports"))
        #expect(await world.isClean())
    }

    @Test(arguments: [PipelinesCore.Step.transport, .produce])
    func `fails when the core hangs`(step: PipelinesCore.Step) async throws {
        // Long enough for everything before the step that hangs, on a machine that is busy.
        let world = try PipelinesWorld(configuration: { $0.roomDeadline = .seconds(3) })
        await world.core.hang(step)
        let started = try await world.supervisor.startIngest(request)
        let status = try await world.end(ofIngest: started.id)
        #expect(status.failure?.code == .refused)
        #expect(status.failure?.message.contains("within 3") == true, "\(String(describing: status.failure))")
    }

    @Test func `fails when its room vanishes`() async throws {
        let world = try PipelinesWorld(ingest: Script.ingestUntilStopped)
        let started = try await world.supervisor.startIngest(request)
        _ = await world.wait(for: "pipeline.running")
        try await world.rooms.close("demo")
        let status = try await world.end(ofIngest: started.id)
        #expect(status.failure == PipelineFailure(code: .refused, message: "room \"demo\" was closed (requested)"))
        #expect(await world.isClean())
    }

    @Test func `fails when all its producers are closed`() async throws {
        let world = try PipelinesWorld(ingest: Script.ingestUntilStopped)
        let started = try await world.supervisor.startIngest(request)
        _ = await world.wait(for: "pipeline.running")
        let room = try await world.rooms.room("demo")
        for producer in await room.snapshot.producers { try await room.closeProducer(producer.id, of: started.id) }
        #expect(try await world.end(ofIngest: started.id).failure?.code == .refused)
        #expect(await world.isClean())
    }

    @Test func `whose process hangs is ended`() async throws {
        let world = try PipelinesWorld(
            ingest: "while :; do sleep 1000; done", deadlines: { $0.firstAnswer = .milliseconds(50) })
        let started = try await world.supervisor.startIngest(request)
        #expect(try await world.end(ofIngest: started.id).failure?.code == .hung)
    }

    @Test(arguments: [
        ("missing.mp4", ControlError.Code.notFound), ("../etc/passwd", .invalid), ("/etc/passwd", .invalid),
        ("a\n.mp4", .invalid), ("", .invalid),
    ])
    func `of a wrong file makes no room`(name: String, code: ControlError.Code) async throws {
        let world = try PipelinesWorld()
        let error = await #expect(throws: ControlError.self) {
            try await world.supervisor.startIngest(IngestRequest(room: "demo", source: .file(name)))
        }
        #expect(error?.code == code)
        #expect(await world.names() == [])
        #expect(await world.supervisor.ingests() == [])
    }

    @Test func `of the test source takes the description's defaults`() async throws {
        let world = try PipelinesWorld()
        let started = try await world.supervisor.startIngest(
            IngestRequest(room: "demo", source: .test, video: .h264))
        _ = try await world.end(ofIngest: started.id)
        guard case .ingest(let job)? = try world.heard(started.id).first else {
            Issue.record("no job")
            return
        }
        #expect(job.source == .test(TestSource(width: 640, height: 360, framesPerSecond: 30, seconds: nil)))
        #expect(job.videoCodec == .h264)
    }

    @Test func `tells its progress from now to the end`() async throws {
        let world = try PipelinesWorld(ingest: Script.ingestUntilStopped)
        let started = try await world.supervisor.startIngest(request)
        var states: [IngestStatus.State] = []
        var stop: Task<Void, any Error>?
        for await status in try await world.supervisor.ingestProgress(started.id) {
            if status.state == .running, status.progress != nil, stop == nil {
                stop = Task { _ = try await world.supervisor.stopIngest(started.id) }
            }
            if states.last != status.state { states.append(status.state) }
        }
        #expect(states.last == .finished)
        #expect(states.contains(.running))
    }

    @Test func `unknown is an error`() async throws {
        let world = try PipelinesWorld()
        await #expect(throws: ControlError.self) { try await world.supervisor.ingest("x") }
        await #expect(throws: ControlError.self) { try await world.supervisor.stopIngest("x") }
        await #expect(throws: ControlError.self) { try await world.supervisor.ingestProgress("x") }
    }

    @Test func `ends with the gateway, and none begins after`() async throws {
        let world = try PipelinesWorld(ingest: Script.ingestUntilStopped)
        let started = try await world.supervisor.startIngest(request)
        _ = await world.wait(for: "pipeline.running")
        await world.supervisor.shutDown()
        #expect(try await world.supervisor.ingest(started.id).state == .finished)
        await #expect(throws: ControlError.self) { try await world.supervisor.startIngest(request) }
    }

    @Test func `beyond the limit is refused until another has ended`() async throws {
        let world = try PipelinesWorld(ingest: Script.ingestUntilStopped, configuration: { $0.limit = 2 })
        let first = try await world.supervisor.startIngest(request)
        _ = try await world.supervisor.startIngest(request)
        let error = await #expect(throws: ControlError.self) { try await world.supervisor.startIngest(request) }
        #expect(error?.code == .exhausted)
        await #expect(throws: ControlError.self) {
            try await world.supervisor.startRecording(RecordingRequest(room: "demo"))
        }
        _ = try await world.supervisor.stopIngest(first.id)
        _ = try await world.supervisor.startIngest(request)
        await world.supervisor.shutDown()
        #expect(await world.isClean())
    }

    @Test func `the limit holds for those that are asked for at once`() async throws {
        let world = try PipelinesWorld(ingest: Script.ingestUntilStopped, configuration: { $0.limit = 3 })
        let started = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<12 {
                group.addTask { [request] in
                    if index.isMultiple(of: 2) {
                        return (try? await world.supervisor.startIngest(request)) != nil
                    }
                    return (try? await world.supervisor.startRecording(RecordingRequest(room: "demo"))) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(started == 3)
        await world.supervisor.shutDown()
        #expect(await world.isClean())
    }

    @Test func `is forgotten when enough others have ended after it`() async throws {
        let world = try PipelinesWorld(configuration: { $0.keptAfterEnd = 2 })
        var ids: [String] = []
        for _ in 0..<4 {
            let started = try await world.supervisor.startIngest(request)
            _ = try await world.end(ofIngest: started.id)
            ids.append(started.id)
        }
        // The last one's task looks back after its final status.
        while await world.supervisor.ingests().count > 2 { await Task.yield() }
        #expect(await world.supervisor.ingests().map(\.id) == Array(ids.suffix(2)))
        await #expect(throws: ControlError.self) { try await world.supervisor.ingest(ids[0]) }
    }

    @Test(arguments: [
        ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("127.0.0.1", "127.0.0.1"), ("192.0.2.1", "192.0.2.1"),
    ])
    func `uses the core's own address, not the announced one`(rtpIP: String, own: String) {
        let configuration = PipelineSupervisorConfiguration(rtpIP: rtpIP)
        #expect(configuration.listenIP == own)
        #expect(configuration.mediaIP == own)
    }
}
