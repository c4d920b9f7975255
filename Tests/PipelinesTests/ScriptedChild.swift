import Base
import Logging
import PipelineControl
import PipelineDescription
import Pipelines

/// Small shell programs in the place of `ladle-pipeline`.
enum ScriptedChild {
    /// `say '{"type":"ready"}'` reports; `hear` waits for a line, leaves it in `$line` and fails at the end.
    static let prelude = """
        say() { printf '%s\\n' "$1" >&0; }
        hear() { IFS= read -r line; }
        progress='"seconds":1,"tracks":[]'
        opened='{"type":"opened","tracks":[],"leftOut":[]}'

        """

    static func settings(
        _ script: String, _ adjust: (inout PipelineDeadlines) -> Void = { _ in }
    ) -> PipelineSettings {
        var settings = PipelineSettings(executable: "/bin/sh")
        settings.arguments = ["-c", prelude + script]
        adjust(&settings.deadlines)
        return settings
    }

    static let job = PipelineCommand.ingest(
        IngestJob(source: .test(TestSource()), loop: false, videoCodec: .vp8, routerCodecs: []))
    static let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func start(
        _ script: String, kind: PipelineKind = .ingest, logger: Logger = silence,
        _ adjust: (inout PipelineDeadlines) -> Void = { _ in }
    ) async throws -> PipelineProcess {
        try await PipelineProcess.start(
            id: "test", kind: kind, settings: settings(script, adjust), logger: logger)
    }
}

/// Keeps what is logged.
final class LogKeeper: LogHandler, @unchecked Sendable {
    // Safe to share: the two vars of the protocol are set before the logger is handed out, lines are locked.
    struct Line: Sendable {
        let message: String
        let pipeline: String?
    }
    let lines = Locked<[Line]>([])
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let pipeline = metadata["pipeline"].map { "\($0)" }
        lines.withLock { $0.append(Line(message: event.message.description, pipeline: pipeline)) }
    }

    var messages: [String] { lines.withLock { $0.map(\.message) } }
}
