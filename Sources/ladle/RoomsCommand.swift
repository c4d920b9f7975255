import ArgumentParser
import Base

struct RoomsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rooms", abstract: "List the rooms and what is in them.")

    @OptionGroup var gateway: GatewayOptions
    @Flag(name: .long, help: "As JSON.") var json = false

    func run() async throws {
        try await gateway.withClient { client in
            let answer = try await client.call(.GET, "/api/v1/rooms")
            if json {
                Console.out(answer.text)
                return
            }
            let rooms = answer["rooms"]?.arrayValue ?? []
            if rooms.isEmpty { Console.note("no rooms yet; `ladle ingest FILE --room demo` makes one") }
            for room in rooms {
                Console.out("\(room["name"]?.stringValue ?? "?")")
                for producer in room["producers"]?.arrayValue ?? [] {
                    let state =
                        producer["paused"]?.boolValue == true
                        ? "paused" : producer["flowing"]?.boolValue == true ? "flowing" : "silent"
                    Console.out(
                        "  \(producer["kind"]?.stringValue ?? "?")  \(producer["codec"]?.stringValue ?? "?")  \(state)  "
                            + "by \(producer["broadcasterName"]?.stringValue ?? "?")  \(producer["id"]?.stringValue ?? "")"
                    )
                }
            }
        }
    }
}
