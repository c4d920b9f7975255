import ArgumentParser
import Base
import Gateway

struct VersionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    @Flag(name: .long, help: "As JSON.") var json = false

    func run() async throws {
        let value: JSONValue = ["name": "ladle", "version": JSONValue(LadleVersion.current)]
        Console.out(json ? value.text : "ladle \(LadleVersion.current)")
    }
}
