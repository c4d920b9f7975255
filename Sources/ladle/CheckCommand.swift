import ArgumentParser
import FoundationEssentials
import Gateway

/// Everything that is wrong with the settings and with this machine, without starting anything.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say what is wrong with the settings, as `ladle serve` would find them.",
        discussion: """
            Reads the settings file, the environment and flags, and looks at folders, addresses, ports and pipeline \
            descriptions. Ends with the status that `ladle serve` would fail with.
            """)

    @Option(
        name: .long, help: "The settings file. Default: LADLE_CONFIG, or \(LoadedSettings.standardFile) if it exists.")
    var config: String?
    @Flag(name: .long, help: "Print every setting as it counts, and who said so.") var show = false
    @OptionGroup var options: ServeOptions

    func run() async throws {
        let file = LoadedSettings.file(named: config, environment: ProcessInfo.processInfo.environment)
        let loaded = try options.load(file: file)
        for warning in loaded.warnings { Console.complain("warning: \(warning)") }
        if show { Console.out(loaded.text) }
        let machine = MachineCheck(loaded.settings)
        for warning in machine.warnings { Console.complain("warning: \(warning)") }
        let problems = machine.problems
        for problem in problems { Console.complain(problem) }
        guard problems.isEmpty else { throw ExitStatus.failed }
        if !show { Console.out("\(file ?? "settings"): ok") }
    }
}
