import ArgumentParser
import Base
import Gateway
import Glibc
import PipelineDescription
import Pipelines
import StrictYAML

struct PipelinesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipelines", abstract: "List the gateway's pipelines, or check a description of one.",
        subcommands: [List.self, Check.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the pipelines that a gateway can run, with their parameters.")

        @OptionGroup var gateway: GatewayOptions
        @Flag(name: .long, help: "As JSON.") var json = false

        func run() async throws {
            try await gateway.withClient { client in
                let answer = try await client.call(.GET, "/api/v1/pipelines")
                if json {
                    Console.out(answer.text)
                } else {
                    for line in PipelineListing.lines(answer["pipelines"]?.arrayValue ?? []) { Console.out(line) }
                }
            }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Say what is wrong with descriptions, with line and column.",
            discussion: "Needs no gateway. GStreamer looks at its descriptions in a process of its own.")

        @Argument(help: "Files as they lie in pipelines/.") var files: [String]

        func run() async throws {
            let processes = try localPipelines { try PipelineSettings.besideRunningProgram() }
            var isGood = true
            var seen = Self.shipped()
            for file in files {
                let complaints = try await Self.complaints(about: file, others: seen, processes)
                for complaint in complaints { Console.out(Console.shown(complaint.description)) }
                if complaints.isEmpty { Console.out("\(file): ok") } else { isGood = false }
                if let blueprint = try? PipelineCatalog.blueprint(at: file) { seen.append(blueprint) }
            }
            if !isGood { throw ExitStatus.failed }
        }

        private static func complaints(
            about file: String, others: [PipelineBlueprint], _ processes: PipelineSettings
        ) async throws -> [YAMLFileError] {
            let blueprint: PipelineBlueprint
            do { blueprint = try PipelineCatalog.blueprint(at: file) } catch { return [error] }
            var complaints: [YAMLFileError] = []
            if let other = others.first(where: { $0.name == blueprint.name && !isSame($0.file, file) }) {
                complaints.append(
                    YAMLFileError(
                        file: file, line: 0, column: 0, key: "name",
                        message: "\"\(blueprint.name)\" is the name of \(other.file) already"))
            }
            guard let plan = blueprint.planForChecking else { return complaints }
            do {
                complaints += try await PlanCheck.run(plan, settings: processes).map(blueprint.error(for:))
            } catch {
                Console.complain("\(file): \(error)")
                throw ExitStatus.failed
            }
            return complaints.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
        }

        /// Their names are taken. Without them, there is nothing to compare with, and the check goes on.
        private static func shipped() -> [PipelineBlueprint] {
            guard let folder = try? PipelinesFolder.find(nil) else { return [] }
            return (try? PipelineCatalog(folder: folder))?.blueprints ?? []
        }

        private static func isSame(_ a: String, _ b: String) -> Bool {
            var (first, second) = (stat(), stat())
            guard stat(a, &first) == 0, stat(b, &second) == 0 else { return false }
            return first.st_ino == second.st_ino && first.st_dev == second.st_dev
        }
    }
}

/// Turns what a command needs of this machine, and does not find, into its line and its exit status.
func localPipelines<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch {
        Console.complain("\(error)")
        throw ExitStatus.failed
    }
}
