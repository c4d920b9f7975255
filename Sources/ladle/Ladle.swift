import ArgumentParser

/// The command line: the daemon and the clients of a running one.
@main
struct Ladle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ladle",
        abstract: "Brings files and streams into the rooms of an SFU, and recordings out of them.",
        discussion: """
            Start with `ladle serve` in one terminal and `ladle ingest FILE --room demo` in another.
            `ladle demo` does both with a built-in test source, and records it.
            """,
        subcommands: [
            ServeCommand.self, CheckCommand.self, DemoCommand.self, IngestCommand.self, RecordCommand.self,
            TapCommand.self, EventsCommand.self, RoomsCommand.self, PipelinesCommand.self, ExplainCommand.self,
            DevicesCommand.self, VersionCommand.self,
        ])

    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        CommandLine.hideSecrets()
        await main(arguments)
    }
}
