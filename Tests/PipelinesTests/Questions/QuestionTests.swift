import FoundationEssentials
import Glibc
import PipelineControl
import Pipelines
import Testing

private let plan = GStreamerPlan(launch: "videotestsrc ! appsink name=video")

@Suite(.timeLimit(.minutes(2)))
struct `A check of a description` {
    private func check(
        _ script: String, limit: Duration = .seconds(60)
    ) async throws(PipelinesError) -> [PlanComplaint] {
        try await PlanCheck.run(plan, settings: ScriptedChild.settings(script), limit: limit)
    }

    @Test func `tells what the process finds`() async throws {
        #expect(try await check(#"hear; say '{"type":"checked","value":[]}'"#) == [])
        let found = #"[{"part":"launch","offset":3,"message":"no element \"vidotestsrc\""}]"#
        #expect(
            try await check("hear; say '{\"type\":\"checked\",\"value\":\(found)}'")
                == [PlanComplaint(part: "launch", offset: 3, message: "no element \"vidotestsrc\"")])
    }

    @Test func `hands the description over as it is`() async throws {
        let file = "/tmp/ladle-check-\(UUID().uuidString)"
        defer { unlink(file) }
        _ = try await check("hear; printf '%s\\n' \"$line\" > \(file); say '{\"type\":\"checked\",\"value\":[]}'")
        let line = try Data(contentsOf: URL(filePath: file)).split(separator: 10).first ?? Data()
        #expect(try PipelineCommand(line: line) == .check(plan))
    }

    @Test func `takes a crash for a fault of the description`() async throws {
        let complaints = try await check("hear; kill -SEGV $$")
        #expect(complaints.map(\.part) == ["launch"])
        #expect(
            complaints.first?.message
                == "GStreamer crashes on it (the pipeline process was ended by SIGSEGV without a word)")
    }

    @Test func `takes silence for a fault of the description`() async throws {
        let complaints = try await check("hear; while :; do sleep 1000; done", limit: .milliseconds(50))
        #expect(complaints.first?.message.hasPrefix("GStreamer hangs on it (") == true)
    }

    @Test func `counts what was found before the crash`() async throws {
        #expect(try await check(#"hear; say '{"type":"checked","value":[]}'; kill -SEGV $$"#) == [])
    }

    @Test func `says when it can't be done`() async {
        let failure = #"'{"type":"failed","code":"media","message":"GStreamer is not installed"}'"#
        await #expect(throws: PipelinesError(.failed, "the description can't be checked: GStreamer is not installed")) {
            try await check("hear; say \(failure)")
        }
        await #expect(throws: PipelinesError.self) {
            try await PlanCheck.run(plan, settings: PipelineSettings(executable: "/nowhere/ladle-pipeline"))
        }
    }
}

@Suite(.timeLimit(.minutes(2)))
struct `An explanation of a source` {
    private let job = IngestJob(
        source: .network(NetworkSource(url: "rtsp://u:hunter2@cam/1")), loop: false, videoCodec: .vp8, routerCodecs: [])
    private static let opened =
        #"say '{"type":"opened","tracks":[],"leftOut":["subtitles of hunter2"],"format":"rtsp"}'"#

    private func explain(
        _ script: String, file: String? = nil, limit: Duration = .seconds(60),
        onWaiting: (SourceInterruption) -> Void = { _ in }
    ) async throws(PipelineFailure) -> OpenedSource {
        try await SourceExplanation.run(
            job, file: file, hiding: try? SourceAddress("rtsp://u:hunter2@cam/1"),
            settings: ScriptedChild.settings(script), limit: limit, onWaiting: onWaiting)
    }

    @Test func `is what the process says, without secrets`() async throws {
        #expect(
            try await explain("hear; \(Self.opened); hear")
                == OpenedSource(durationSeconds: nil, tracks: [], format: "rtsp", leftOut: ["subtitles of •••"]))
    }

    @Test func `fails in the process's words`() async {
        let failed = #"say '{"type":"failed","code":"cannot-open","message":"rtsp://u:hunter2@cam/1: refused"}'"#
        await #expect(throws: PipelineFailure(code: .cannotOpen, message: "rtsp://u:•••@cam/1: refused")) {
            try await explain("hear; \(failed)")
        }
    }

    @Test func `waits only so long`() async {
        let waiting = #"say '{"type":"interrupted","reason":"nobody has come","attempts":0}'"#
        var told: [String] = []
        let error = await #expect(throws: PipelineFailure.self) {
            try await explain("hear; \(waiting); \(waiting); hear; sleep 1000", limit: .seconds(3)) {
                told.append($0.reason)
            }
        }
        #expect(error?.message == "nobody has come, for 3 s")
        #expect(told == ["nobody has come"])
    }

    @Test func `opens a file for who asks`() async throws {
        let file = "/tmp/ladle-explain-\(UUID().uuidString)"
        defer { unlink(file) }
        try Data("media".utf8).write(to: URL(filePath: file))
        #expect(try await explain("hear; \(Self.opened); hear", file: file).format == "rtsp")
        await #expect(
            throws: PipelineFailure(
                code: .cannotOpen, message: "\"/nowhere/a.mp4\" can't be opened: No such file or directory")
        ) { try await explain("hear", file: "/nowhere/a.mp4") }
        await #expect(throws: PipelineFailure(code: .cannotOpen, message: "\"/tmp\" is a directory")) {
            try await explain("hear", file: "/tmp")
        }
        #expect(mkfifo(file + ".pipe", 0o600) == 0)
        defer { unlink(file + ".pipe") }
        await #expect(throws: PipelineFailure.self) { try await explain("hear", file: file + ".pipe") }
    }
}
