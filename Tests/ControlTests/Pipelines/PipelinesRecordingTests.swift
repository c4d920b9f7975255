import Base
import Control
import Events
import FoundationEssentials
import MediaCore
import ORTC
import PipelineControl
import Testing

@Suite(.timeLimit(.minutes(1)))
struct `A recording` {
    private let request = RecordingRequest(room: "demo")

    /// Those of `names` that are in the list, in the order they happened.
    private func order(_ names: [String], of wanted: [String]) -> [String] { names.filter(wanted.contains) }

    @Test func `gets all of an ingest that starts after it`() async throws {
        let world = try PipelinesWorld()
        let recording = try await world.supervisor.startRecording(request)
        #expect(recording.state == .armed)
        let ingest = try await world.supervisor.startIngest(IngestRequest(room: "demo", source: .file("a.mp4")))
        #expect(try await world.end(ofIngest: ingest.id).state == .finished)
        let status = try await world.end(ofRecording: recording.id)
        #expect(status.state == .finished)
        #expect(status.seconds == 2)

        let facts = await world.facts()
        let names = facts.map(\.name)
        // Both consumers stand resumed before the ingest runs, and it told that it waits for them.
        let resumed = names.indices.filter { names[$0] == "consumer.resumed" }
        let runs = facts.firstIndex {
            if case .pipelineRunning(let subject) = $0 { subject.kind == .ingest } else { false }
        }
        #expect(resumed.count == 2)
        #expect(try #require(resumed.last) < (try #require(runs)))
        guard case .ingestWaiting(_, let recordings, 2)? = facts.first(where: { $0.name == "ingest.waiting" }) else {
            Issue.record("no ingest.waiting: \(names)")
            return
        }
        #expect(recordings == [recording.id])
        #expect(
            order(names, of: ["recording.armed", "recording.started", "recording.finished"]) == [
                "recording.armed", "recording.started", "recording.finished",
            ])
        #expect(await world.isClean())
    }

    @Test func `tells its process what will come, and how tracks end`() async throws {
        let world = try PipelinesWorld()
        let audio = try await world.broadcast(.audio, as: "alice")
        let video = try await world.broadcast(.video, as: "alice")
        let recording = try await world.supervisor.startRecording(request)
        _ = await world.wait(for: "recording.started")
        let room = try await world.rooms.room("demo")
        try await room.closeProducer(audio, of: "alice")
        try await room.closeProducer(video, of: "alice")
        #expect(try await world.end(ofRecording: recording.id).state == .finished)

        let heard = try world.heard(recording.id)
        guard heard.count == 5, case .record(let job) = heard[0], case .receive(let plan) = heard[1],
            case .endTrack(let first) = heard[2], case .endTrack(let second) = heard[3], heard[4] == .finish
        else {
            Issue.record("\(heard)")
            return
        }
        #expect(job.listenIP == "127.0.0.1")
        #expect(recording.file.hasSuffix("/" + job.fileName))
        #expect(plan.ip == "127.0.0.1")
        #expect(plan.port == 40_003)
        #expect(plan.tracks.map(\.codec.mimeType) == ["audio/opus", "video/VP8"])
        #expect(plan.tracks.map(\.payloadType) == [100, 101])
        #expect(plan.tracks.map(\.ssrc) == [1001, 1002])
        #expect(plan.tracks.map(\.id) == [first, second])
        let consumed = await world.core.consumed
        #expect(consumed.map(\.producer) == [audio, video])
        #expect(consumed.allSatisfy { $0.paused && $0.enableRTX == false })
        let capabilities = try #require(consumed.first).rtpCapabilities
        #expect(capabilities.codecs.map(\.mimeType) == ["audio/opus", "video/VP8", "video/H264"])
        #expect(capabilities.headerExtensions.isEmpty)
        #expect(
            capabilities.codecs.map(\.rtcpFeedback) == [
                [], [RTCPFeedback("nack", "pli"), RTCPFeedback("ccm", "fir")],
                [RTCPFeedback("nack", "pli"), RTCPFeedback("ccm", "fir")],
            ])
        #expect(await world.core.remotes.values.first == PlainTransportRemote(ip: "127.0.0.1", port: 50_000))
        #expect(await world.core.transports.values.contains { !$0.comedia && $0.rtcpMux })
    }

    @Test func `goes on with one track when the other ends`() async throws {
        let world = try PipelinesWorld()
        let audio = try await world.broadcast(.audio, as: "alice")
        _ = try await world.broadcast(.video, as: "alice")
        let recording = try await world.supervisor.startRecording(request)
        _ = await world.wait(for: "recording.started")
        try await world.rooms.room("demo").closeProducer(audio, of: "alice")
        while try world.heard(recording.id).count < 3 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try await world.supervisor.recording(recording.id).state == .running)
        #expect(try await world.supervisor.finishRecording(recording.id).state == .finished)
        let kinds = try world.heard(recording.id).suffix(2)
        guard case .endTrack? = kinds.first, kinds.last == .finish else {
            Issue.record("\(kinds)")
            return
        }
    }

    @Test func `takes what there is when nothing more comes`() async throws {
        let world = try PipelinesWorld(configuration: { $0.settleTime = .milliseconds(20) })
        let recording = try await world.supervisor.startRecording(request)
        _ = await world.wait(for: "recording.armed")
        let audio = try await world.broadcast(.audio, as: "alice")
        _ = await world.wait(for: "recording.started")
        #expect(await world.core.consumed.map(\.producer) == [audio])
        _ = try await world.supervisor.finishRecording(recording.id)
    }

    @Test func `does not wait for video of an ingest that has none`() async throws {
        let world = try PipelinesWorld(
            ingest: Script.ingestToEnd.replacing("," + Script.video, with: ""),
            configuration: { $0.settleTime = .seconds(3600) })
        let recording = try await world.supervisor.startRecording(request)
        let ingest = try await world.supervisor.startIngest(IngestRequest(room: "demo", source: .file("a.mp4")))
        #expect(try await world.end(ofIngest: ingest.id).tracks.count == 1)
        #expect(try await world.end(ofRecording: recording.id).state == .finished)
        #expect(await world.core.consumed.count == 1)
    }

    @Test func `of one broadcaster leaves the others alone`() async throws {
        let world = try PipelinesWorld()
        let recording = try await world.supervisor.startRecording(
            RecordingRequest(room: "demo", output: "bob.mkv", broadcaster: "bob"))
        _ = try await world.broadcast(.video, as: "alice")
        _ = try await world.broadcast(.audio, as: "alice")
        let video = try await world.broadcast(.video, as: "bob")
        let audio = try await world.broadcast(.audio, as: "bob")
        _ = await world.wait(for: "recording.started")
        #expect(Set(await world.core.consumed.map(\.producer)) == [video, audio])
        #expect(recording.file.hasSuffix("/recordings/bob.mkv"))
        _ = try await world.supervisor.finishRecording(recording.id)
    }

    @Test func `whose file was deleted meanwhile has failed, and says so`() async throws {
        let world = try PipelinesWorld()
        _ = try await world.broadcast(.audio, as: "alice")
        _ = try await world.broadcast(.video, as: "alice")
        let recording = try await world.supervisor.startRecording(request)
        _ = await world.wait(for: "recording.started")
        try FileManager.default.removeItem(atPath: recording.file)
        let end = try await world.supervisor.finishRecording(recording.id)
        #expect(end.state == .failed && end.failure?.code == .cannotWrite)
        #expect(end.failure?.message == "\(recording.file) was deleted while it was being written")
        #expect(await world.names().contains("recording.failed"))
    }

    @Test func `that is finished before anything came leaves no file`() async throws {
        let world = try PipelinesWorld(
            record: [Script.listening, Script.untilFinish, Script.finished].joined(separator: "\n"))
        let recording = try await world.supervisor.startRecording(request)
        _ = await world.wait(for: "recording.armed")
        #expect(FileManager.default.fileExists(atPath: recording.file))
        #expect(try await world.supervisor.finishRecording(recording.id).state == .finished)
        #expect(!FileManager.default.fileExists(atPath: recording.file))
        #expect(await world.isClean())
    }

    @Test func `is complete when its room closes`() async throws {
        let world = try PipelinesWorld()
        _ = try await world.broadcast(.audio, as: "alice")
        _ = try await world.broadcast(.video, as: "alice")
        let recording = try await world.supervisor.startRecording(request)
        _ = await world.wait(for: "recording.started")
        try await world.rooms.close("demo")
        #expect(try await world.end(ofRecording: recording.id).state == .finished)
        #expect(await world.isClean())
    }

    @Test(arguments: [
        (
            [
                Script.listening, Script.ready,
                #"say '{"type":"failed","code":"no-key-frame","message":"video: none"}'"#,
            ],
            PipelineFailure(code: .noKeyFrame, message: "video: none")
        ),
        (
            [Script.listening, Script.ready, "kill -KILL $$"],
            PipelineFailure(code: .crashed, message: "the pipeline process was ended by SIGKILL without a word")
        ),
        (
            [#"say '{"type":"failed","code":"cannot-write","message":"disk full"}'"#],
            PipelineFailure(code: .cannotWrite, message: "disk full")
        ),
    ])
    func `that fails says why, with its file`(script: [String], failure: PipelineFailure) async throws {
        let world = try PipelinesWorld(record: script.joined(separator: "\n"))
        _ = try await world.broadcast(.audio, as: "alice")
        _ = try await world.broadcast(.video, as: "alice")
        let recording = try await world.supervisor.startRecording(request)
        let status = try await world.end(ofRecording: recording.id)
        #expect(status.failure == failure)
        guard case .recordingFailed(let subject, let code, failure.message)? = await world.wait(for: "recording.failed")
        else {
            Issue.record("no recording.failed")
            return
        }
        #expect(subject.name == recording.file)
        #expect(code == failure.code.rawValue)
        #expect(await world.names().last == "pipeline.failed")
        let room = try await world.rooms.room("demo")
        #expect(await room.snapshot.broadcasters.map(\.id) == ["alice"])
        #expect(await room.snapshot.consumers.isEmpty)
    }

    @Test(arguments: [PipelinesCore.Step.transport, .connect, .consume, .resume], [false, true])
    func `fails when the core refuses or hangs`(step: PipelinesCore.Step, hangs: Bool) async throws {
        let world = try PipelinesWorld(configuration: { $0.roomDeadline = .seconds(3) })
        _ = try await world.broadcast(.audio, as: "alice")
        _ = try await world.broadcast(.video, as: "alice")
        if hangs { await world.core.hang(step) } else { await world.core.refuse(step) }
        let recording = try await world.supervisor.startRecording(request)
        let status = try await world.end(ofRecording: recording.id)
        #expect(status.failure?.code == .refused)
        let room = try await world.rooms.room("demo")
        #expect(await room.snapshot.broadcasters.map(\.id) == ["alice"])
    }

    @Test func `that never gets ready holds an ingest up only so long`() async throws {
        let world = try PipelinesWorld(
            record: [Script.listening, Script.untilFinish, Script.finished].joined(separator: "\n"),
            configuration: { $0.recordingsDeadline = .milliseconds(50) })
        let recording = try await world.supervisor.startRecording(request)
        let ingest = try await world.supervisor.startIngest(IngestRequest(room: "demo", source: .file("a.mp4")))
        #expect(try await world.end(ofIngest: ingest.id).state == .finished)
        #expect(await world.names().contains("ingest.waiting"))
        _ = try await world.supervisor.finishRecording(recording.id)
    }

    @Test func `of somebody else holds no ingest up`() async throws {
        let world = try PipelinesWorld()
        let recording = try await world.supervisor.startRecording(RecordingRequest(room: "demo", broadcaster: "bob"))
        let elsewhere = try await world.supervisor.startRecording(RecordingRequest(room: "other"))
        let ingest = try await world.supervisor.startIngest(IngestRequest(room: "demo", source: .file("a.mp4")))
        #expect(try await world.end(ofIngest: ingest.id).state == .finished)
        #expect(!(await world.names().contains("ingest.waiting")))
        for id in [recording.id, elsewhere.id] { _ = try await world.supervisor.finishRecording(id) }
    }

    @Test(arguments: [
        ("../a.mkv", ControlError.Code.invalid), ("a/b.mkv", .invalid), ("a.avi", .invalid), ("a\u{1}.mkv", .invalid),
    ])
    func `with a wrong name makes no room`(name: String, code: ControlError.Code) async throws {
        let world = try PipelinesWorld()
        let error = await #expect(throws: ControlError.self) {
            try await world.supervisor.startRecording(RecordingRequest(room: "demo", output: name))
        }
        #expect(error?.code == code)
        #expect(await world.names() == [])
    }

    @Test func `never overwrites`() async throws {
        let world = try PipelinesWorld()
        let first = try await world.supervisor.startRecording(RecordingRequest(room: "demo", output: "a.mkv"))
        let error = await #expect(throws: ControlError.self) {
            try await world.supervisor.startRecording(RecordingRequest(room: "demo", output: "a.mkv"))
        }
        #expect(error?.code == .conflict)
        _ = try await world.supervisor.finishRecording(first.id)
    }
}
