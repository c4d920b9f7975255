import ArgumentParser
import Base
import FoundationEssentials

struct IngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest", abstract: "Bring a file, or the built-in test source, into a room.",
        discussion: """
            The ingest lives as long as this command: Ctrl-C ends it in order. With --detach it goes on by itself, and \
            `ladle ingest --stop ID` ends it.
            """)

    @OptionGroup var gateway: GatewayOptions
    @Argument(help: "A media file below a folder that the gateway allows, or `test`.") var source: String?
    @Option(name: .long, help: "The room; it is made when it does not exist.") var room = "demo"
    @Flag(name: .long, help: "Begin again at the end.") var loop = false
    @Option(name: .long, help: "What video becomes when it can't be copied: vp8 or h264.") var video = "vp8"
    @Option(name: .long, help: "What the room calls it.") var name: String?
    @Flag(name: .long, help: "Leave it running and print its id.") var detach = false
    @Option(name: .long, help: "End the detached ingest with this id.") var stop: String?
    @Flag(name: .long, help: "Its status as one JSON object a line.") var json = false

    func validate() throws {
        guard (source == nil) != (stop == nil) else {
            throw ValidationError("name a source to ingest, or an ingest to --stop")
        }
        guard ["vp8", "h264"].contains(video) else {
            throw ValidationError("--video is '\(video)'; it can be vp8 or h264")
        }
    }

    func run() async throws {
        try await gateway.withClient { client in
            if let stop {
                let status = try await client.call(.DELETE, "/api/v1/ingests/\(stop.asPathSegment)")
                if json { Console.out(status.text) }
                try PipelineWatch.requireFinished(status)
                return
            }
            var request: [String: JSONValue] = [
                "room": JSONValue(room), "source": JSONValue(sourceForGateway), "loop": JSONValue(loop),
                "video": JSONValue(video), "attached": JSONValue(!detach),
            ]
            if let name { request["displayName"] = JSONValue(name) }
            let status = try await client.call(.POST, "/api/v1/ingests", .object(request))
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

    /// The gateway has another working directory: what exists here is named from the root.
    private var sourceForGateway: String {
        guard let source, source != "test", !source.hasPrefix("/"), FileManager.default.fileExists(atPath: source)
        else {
            return source ?? ""
        }
        return FileManager.default.currentDirectoryPath + "/" + source
    }
}

/// What a person reads of an ingest: the tracks once, states as they change, progress as it comes.
struct IngestLines {
    func describe(_ status: JSONValue, after previous: JSONValue?) -> [String] {
        var lines: [String] = []
        let tracks = status["tracks"]?.arrayValue ?? []
        if previous?["tracks"]?.arrayValue?.isEmpty ?? true {
            for track in tracks {
                lines.append(
                    "\(text(track, "kind")): \(text(track, "description")) → \(text(track, "treatment")): \(text(track, "reason"))"
                )
            }
        }
        if status["state"] != previous?["state"] { lines.append(text(status, "state")) }
        if let progress = status["progress"], progress != previous?["progress"] {
            let rates = zip(tracks, progress["tracks"]?.arrayValue ?? []).map { track, counts in
                let kilobits = (counts["bitrateBitsPerSecond"]?.doubleValue ?? 0) / 1000
                return "\(text(track, "kind")) \(Int(kilobits)) kb/s \(counts["frames"]?.integerValue ?? 0) frames"
            }
            lines.append("\(clock(progress["seconds"]?.doubleValue ?? 0))  " + rates.joined(separator: "  "))
        }
        return lines
    }

    private func text(_ value: JSONValue, _ member: String) -> String { value[member]?.stringValue ?? "?" }
}

/// hh:mm:ss of media time.
func clock(_ seconds: Double) -> String {
    let whole = Int(seconds)
    return [whole / 3600, whole / 60 % 60, whole % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
}
