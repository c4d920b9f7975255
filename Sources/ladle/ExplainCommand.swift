import ArgumentParser
import Base
import Control
import Gateway
import ORTC
import PipelineControl
import Pipelines

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Open a source and say what would become of it.",
        discussion: """
            Shows, for each track, whether it would be copied or transcoded, into what, and why, in a room with the \
            usual codecs. Needs no gateway, and sends nothing anywhere.
            """)

    @OptionGroup var source: SourceOptions
    @Option(name: .long, help: "A further folder of pipeline descriptions. May be repeated.") var pipelines: [String] =
        []
    @Flag(name: .long, help: "As JSON.") var json = false

    func validate() throws {
        guard !source.isEmpty else { throw ValidationError("name a source, or a --pipeline that makes its own") }
        try source.check()
    }

    func run() async throws {
        let request = try usage { try wanted() }
        let (plan, processes) = try localPipelines {
            let catalog = try PipelineCatalog(folders: [try PipelinesFolder.find(nil)] + pipelines)
            var plan = try IngestJobs(catalog: catalog).plan(request)
            plan.job.routerCodecs = IngestJobs.routerCodecs(
                of: try RouterCapabilities.make(mediaCodecs: RouterCodecs.standard))
            return (plan, try PipelineSettings.besideRunningProgram())
        }
        do {
            let opened = try await SourceExplanation.run(
                plan.job, file: plan.file, hiding: plan.address, settings: processes,
                onWaiting: { Console.note("waiting: \($0.reason)") })
            if json {
                Console.out(opened.json(name: plan.shownSource).text)
            } else {
                for line in opened.lines(name: plan.shownSource) { Console.out(Console.shown(line)) }
            }
            guard !opened.tracks.isEmpty else {
                Console.complain("\(plan.shownSource) has no track that can be played")
                throw ExitStatus.failed
            }
        } catch let failure as PipelineFailure {
            Console.complain(failure.message)
            throw ExitStatus.failed
        }
    }

    private func wanted() throws -> IngestRequest {
        let text = try source.sourceText()
        let kind: IngestRequest.Source =
            switch text {
            case nil: .pipeline
            case "test"?: .test
            case let text?: SourceAddress.looksLikeAddress(text) ? .address(try SourceAddress(text)) : .file(text)
            }
        return IngestRequest(
            room: "explain", source: kind, video: source.video.flatMap(VideoTarget.init), pipeline: source.pipeline,
            // A source that can't be opened is told about, not waited for.
            parameters: try source.parameters(), retry: .never)
    }
}
