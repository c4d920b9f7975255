import ArgumentParser
import Pipelines

struct DevicesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "List this machine's cameras and microphones, with the addresses to ingest them by.")

    @Flag(name: .long, help: "As JSON.") var json = false

    func run() async throws {
        let devices = CaptureDevices()
        if json {
            Console.out(devices.json.text)
            return
        }
        for line in devices.lines { Console.out(Console.shown(line)) }
        for line in devices.absences { Console.note(line) }
        if let example = devices.example { Console.note("\nfor instance: ladle ingest \(example) --room demo") }
    }
}
