import ArgumentParser
import Base
import Pipelines

struct RecordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record", abstract: "Record a room until Ctrl-C or until its sources end.",
        discussion: """
            The recording may be started before there is anything to record: it waits, and a source that is ingested \
            then is recorded from its first frame. The path of the finished file is printed on standard output.
            """)

    @OptionGroup var gateway: GatewayOptions
    @Option(name: .long, help: "The room.") var room = "demo"
    @Option(name: .long, help: "A file name in the gateway's recordings folder; by default room, date and time.")
    var output: String?
    @Option(name: .long, help: "Only the tracks of the broadcaster with this id.") var broadcaster: String?
    @Option(name: .long, help: "The description that writes it; see `ladle pipelines`.") var pipeline: String?
    @Option(name: .long, help: "NAME=VALUE: what the description lets you choose. May be repeated.") var set: [String] =
        []
    @Flag(name: .long, help: "Leave it running and print its id.") var detach = false
    @Option(name: .long, help: "Finish the recording with this id.") var stop: String?
    @Flag(name: .long, help: "Its status as one JSON object a line.") var json = false

    func run() async throws {
        let parameters = try usage { try SourceOptions.parameters(set) }
        try await gateway.withClient { client in
            if let stop {
                let status = try await client.call(.DELETE, "/api/v1/recordings/\(stop.asPathSegment)")
                if json { Console.out(status.text) }
                try PipelineWatch.requireFinished(status)
                if !json { Console.out(status["file"]?.stringValue ?? "") }
                return
            }
            var request: [String: JSONValue] = ["room": JSONValue(room)]
            if let output { request["output"] = JSONValue(output) }
            if let broadcaster { request["broadcaster"] = JSONValue(broadcaster) }
            if let pipeline { request["pipeline"] = JSONValue(pipeline) }
            if !parameters.isEmpty { request["parameters"] = .object(parameters) }
            let status = try await client.call(.POST, "/api/v1/recordings", .object(request))
            guard let id = status["id"]?.stringValue else {
                throw GatewayRefusal(status: 200, message: "a recording without id")
            }
            if detach {
                Console.out(json ? status.text : id)
                return
            }
            let path = "/api/v1/recordings/\(id.asPathSegment)"
            let last = try await PipelineWatch(client: client, path: path, json: json, describe: Self.describe).run()
            if !json { Console.out(last["file"]?.stringValue ?? "") }
        }
    }

    @Sendable private static func describe(_ status: JSONValue, after previous: JSONValue?) -> [String] {
        var lines: [String] = []
        if status["state"] != previous?["state"] {
            lines.append("\(status["state"]?.stringValue ?? "?")  \(status["file"]?.stringValue ?? "")")
        }
        if let bytes = status["bytes"]?.integerValue, bytes > 0, status["seconds"] != previous?["seconds"] {
            lines.append("\(clock(status["seconds"]?.doubleValue ?? 0))  \(bytes / 1024) KiB")
        }
        return lines
    }
}
