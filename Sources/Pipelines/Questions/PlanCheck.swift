import Logging
import PipelineControl

/// Asks GStreamer, in a process of its own, what is wrong with a description.
public enum PlanCheck {
    /// 60 s: the first start after an installation looks into every plugin there is.
    public static let limit: Duration = .seconds(60)

    /// Runs `check` and gives back what is wrong; nothing: it can be run. Bounded; a description that crashes or hangs
    /// GStreamer is a complaint about it.
    /// - Throws: When nothing can be said: no program, no GStreamer.
    public static func run(
        _ plan: GStreamerPlan, settings: PipelineSettings, limit: Duration = limit,
        logger: Logger = Logger(label: "ladle.check") { _ in SwiftLogNoOpLogHandler() }
    ) async throws(PipelinesError) -> [PlanComplaint] {
        var settings = settings
        settings.deadlines.firstAnswer = limit
        // The kind plays no part in it.
        let process = try await PipelineProcess.start(id: "check", kind: .ingest, settings: settings, logger: logger)
        // One that takes no command has ended already, and its end says why.
        try? await process.send(.check(plan))
        var complaints: [PlanComplaint]?
        for await report in process.reports {
            if case .checked(let found) = report { complaints = found }
        }
        let end = await process.end
        // What it says behind its answer, and how it ends, is of no interest.
        if let complaints { return complaints }
        switch end.failure?.code {
        case .crashed?:
            return [PlanComplaint(part: "launch", offset: nil, message: "GStreamer crashes on it (\(end.words))")]
        case .hung?:
            return [PlanComplaint(part: "launch", offset: nil, message: "GStreamer hangs on it (\(end.words))")]
        default: throw PipelinesError(.failed, "the description can't be checked: \(end.words)")
        }
    }
}

extension PipelineEnd {
    fileprivate var words: String { failure?.message ?? "the pipeline process said nothing about it" }
}
