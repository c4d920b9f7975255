import Logging
import PipelineControl
import Pipelines
import Testing

@Suite(.timeLimit(.minutes(2)))
struct `What a pipeline process says about its source` {
    @Test func `is in no log line and no report with its secrets`() async throws {
        let keeper = LogKeeper()
        let address = try SourceAddress("srt://user:hunter2@h:9?passphrase=swordfish&streamid=k%65y9")
        let process = try await PipelineProcess.start(
            id: "test", kind: .ingest,
            settings: ScriptedChild.settings(
                """
                hear; echo "libav: hunter2 swordfish key9 k%65y9 refused"
                say '{"type":"interrupted","reason":"swordfish","attempts":1}'
                say '{"type":"failed","code":"cannot-open","message":"hunter2 and key9"}'
                """),
            hiding: address, logger: Logger(label: "test") { _ in keeper })
        try await process.send(ScriptedChild.job)
        var reports: [PipelineReport] = []
        for await report in process.reports { reports.append(report) }
        #expect(
            reports == [
                .interrupted(SourceInterruption(reason: "•••", attempts: 1)),
                .failed(PipelineFailure(code: .cannotOpen, message: "••• and •••")),
            ])
        #expect(await process.end == .failed(PipelineFailure(code: .cannotOpen, message: "••• and •••")))
        #expect(keeper.messages.contains("libav: ••• ••• ••• ••• refused"), "\(keeper.messages)")
    }

    @Test func `is shown without secrets when it can't be read`() async throws {
        let process = try await PipelineProcess.start(
            id: "test", kind: .ingest, settings: ScriptedChild.settings(#"hear; say '{"type":"hunter2"}'; hear"#),
            hiding: try SourceAddress("rtsp://user:hunter2@cam/1"), logger: ScriptedChild.silence)
        try await process.send(ScriptedChild.job)
        let failure = await process.end.failure
        #expect(failure?.code == .protocolError)
        #expect(failure?.message.contains("hunter2") == false, "\(String(describing: failure))")
    }
}
