import ArgumentParser

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print what happened, and with --follow what happens.")

    @OptionGroup var gateway: GatewayOptions
    @Flag(name: .long, help: "Go on with what happens from now on.") var follow = false
    @Option(name: .long, help: "Begin after this event id.") var since: String?
    @Option(name: .long, help: "Only events of this room.") var room: String?
    @Flag(name: .long, help: "One JSON object a line.") var json = false

    func run() async throws {
        try await gateway.withClient { client in
            var query = "?follow=\(follow)"
            if let since { query += "&since=\(since.asPathSegment)" }
            if let room { query += "&room=\(room.asPathSegment)" }
            let accept = json ? "application/x-ndjson" : "text/plain"
            try await client.lines("/api/v1/events" + query, accept: accept) { Console.out($0) }
        }
    }
}
