import ArgumentParser
import Base
import FoundationEssentials
import PipelineControl
import Pipelines

struct IngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Bring a source into a room: a file, a stream, a camera, a pipeline of your own.",
        discussion: """
            The ingest lives as long as this command: Ctrl-C ends it in order. With --detach it goes on by itself, and \
            `ladle ingest --stop ID` ends it.
            """)

    @OptionGroup var gateway: GatewayOptions
    @OptionGroup var source: SourceOptions
    @Option(name: .long, help: "The room; it is made when it does not exist.") var room = "demo"
    @Flag(name: .long, help: "Begin again at the end of the file.") var loop = false
    @Option(
        name: .long,
        help:
            "When a source that fails is tried again: never, once-opened (usual for addresses) or always, also at first."
    )
    var retry: String?
    @Option(name: .long, help: "What the room calls it.") var name: String?
    @Flag(name: .long, help: "Leave it running and print its id.") var detach = false
    @Option(name: .long, help: "End the detached ingest with this id.") var stop: String?
    @Flag(name: .long, help: "Its status as one JSON object a line.") var json = false

    func validate() throws {
        guard source.isEmpty == (stop != nil) else {
            throw ValidationError("name a source or a --pipeline to ingest, or an ingest to --stop")
        }
        try source.check()
        if let retry, RetryPolicy(rawValue: retry) == nil {
            let possible = RetryPolicy.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--retry is '\(retry)'; it can be \(possible)")
        }
    }

    func run() async throws {
        let request = try usage { try wanted() }
        try await gateway.withClient { client in
            if let stop {
                let status = try await client.call(.DELETE, "/api/v1/ingests/\(stop.asPathSegment)")
                if json { Console.out(status.text) }
                try PipelineWatch.requireFinished(status)
                return
            }
            let status = try await client.call(.POST, "/api/v1/ingests", request)
            guard let id = status["id"]?.stringValue else {
                throw GatewayRefusal(status: 200, message: "an ingest without id")
            }
            if detach {
                Console.out(json ? status.text : id)
                return
            }
            let path = "/api/v1/ingests/\(id.asPathSegment)"
            try await PipelineWatch(
                client: client, path: path, json: json, describe: { IngestLines().describe($0, after: $1) }
            )
            .run(query: "?owner=true")
        }
    }

    private func wanted() throws -> JSONValue {
        let parameters = try source.parameters()
        return .object(omittingAbsent: [
            "room": .string(room), "source": try source.sourceText().map { .string(Self.forGateway($0)) },
            "pipeline": source.pipeline.map { .string($0) },
            "parameters": parameters.isEmpty ? nil : .object(parameters),
            "retry": retry.map { .string($0) }, "loop": .bool(loop), "video": source.video.map { .string($0) },
            "displayName": name.map { .string($0) }, "attached": .bool(!detach),
        ])
    }

    /// The gateway has another working directory: what exists here is named from the root.
    private static func forGateway(_ source: String) -> String {
        guard source != "test", !source.hasPrefix("/"), !SourceAddress.looksLikeAddress(source),
            FileManager.default.fileExists(atPath: source)
        else { return source }
        return FileManager.default.currentDirectoryPath + "/" + source
    }
}
