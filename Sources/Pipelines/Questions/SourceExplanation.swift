import Glibc
import Logging
import PipelineControl

/// Opens a source in a process of its own, just to say what would become of it.
public enum SourceExplanation {
    /// 60 s: a listener waits for somebody to come, and who asks will not wait for ever.
    public static let limit: Duration = .seconds(60)

    /// Runs the job up to `opened`. Bounded.
    /// - Parameters:
    ///   - file: The path of the file that rides along, if the job wants one; for who asks, with their rights.
    ///   - hiding: Its secrets appear in no message.
    ///   - onWaiting: Told when the source is waited for, once.
    /// - Throws: What the process said, or how it ended without.
    public static func run(
        _ job: IngestJob, file: String? = nil, hiding: SourceAddress? = nil, settings: PipelineSettings,
        limit: Duration = limit, clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger = Logger(label: "ladle.explain") { _ in SwiftLogNoOpLogHandler() },
        onWaiting: (SourceInterruption) -> Void = { _ in }
    ) async throws(PipelineFailure) -> OpenedSource {
        let opened = try file.map { path throws(PipelineFailure) in try open(path) }
        var settings = settings
        // Nothing is under way that would have to be brought to an end.
        settings.deadlines.finish = .seconds(2)
        let process: PipelineProcess
        do {
            process = try await PipelineProcess.start(
                id: "explain", kind: .ingest, settings: settings, hiding: hiding, clock: clock, logger: logger)
        } catch {
            throw PipelineFailure(code: .cannotOpen, message: error.message)
        }
        let timer = Task {
            guard (try? await clock.sleep(for: limit)) != nil else { return }
            await process.kill()
        }
        defer { timer.cancel() }
        // One that takes no command has ended already, and its end says why.
        try? await process.send(.ingest(job), descriptor: opened?.descriptor)
        var source: OpenedSource?
        var waiting: SourceInterruption?
        for await report in process.reports {
            switch report {
            case .opened(let found):
                source = found
                await process.stop()
            case .interrupted(let interruption):
                if waiting == nil { onWaiting(interruption) }
                waiting = interruption
            default: break
            }
        }
        let end = await process.end
        if let source { return source }
        // Killed by the timer above: what it waited for says more than how it ended.
        if let waiting, end.failure?.code == .crashed {
            throw PipelineFailure(code: .cannotOpen, message: "\(waiting.reason), for \(Int(limit.seconds)) s")
        }
        throw end.failure ?? PipelineFailure(code: .cannotOpen, message: "the source was not opened")
    }

    private static func open(_ path: String) throws(PipelineFailure) -> OpenedFile {
        func refuse(_ why: String) -> PipelineFailure {
            PipelineFailure(code: .cannotOpen, message: "\(quoted(path)) \(why)")
        }
        // O_NONBLOCK: a pipe without a writer would keep us waiting.
        let descriptor = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw refuse("can't be opened: \(systemText(errno))") }
        let file = OpenedFile(descriptor: descriptor, path: path)
        var about = stat()
        guard fstat(descriptor, &about) == 0 else { throw refuse("can't be opened: \(systemText(errno))") }
        guard about.st_mode & S_IFMT == S_IFREG else {
            throw refuse(about.st_mode & S_IFMT == S_IFDIR ? "is a directory" : "is no regular file")
        }
        return file
    }
}
