import FoundationEssentials
import PipelineDescription
import StrictYAML

/// Everything that is wrong with folders of descriptions, so that one start shows it all.
public struct PipelineCatalogError: Error, Sendable, Hashable, CustomStringConvertible {
    public let errors: [YAMLFileError]

    /// One line an error.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// The pipelines that can be started: the checked descriptions of some folders.
///
/// Checked as YAML, no more: whether GStreamer has the elements shows when a pipeline starts, or by `PlanCheck`. A start
/// of the daemon shall not wait for plugins to load.
public struct PipelineCatalog: Sendable {
    /// Sorted by name.
    public let blueprints: [PipelineBlueprint]

    /// A description is some kilobytes; more is no description.
    static let fileLimit = 64 * 1024

    /// Reads every `*.yaml` of a folder; one that is wrong refuses them all.
    /// - Parameter folder: Its path is what error messages begin with.
    public init(folder: String) throws(PipelineCatalogError) { try self.init(folders: [folder]) }

    /// The same of several, those that come with the program first. No description may take the name of another: what
    /// runs under a name would hang on who looks where.
    public init(folders: [String]) throws(PipelineCatalogError) {
        var found: [PipelineBlueprint] = []
        var errors: [YAMLFileError] = []
        for folder in folders {
            do throws(PipelineCatalogError) {
                for path in try Self.files(in: folder) {
                    do throws(YAMLFileError) {
                        let blueprint = try Self.blueprint(at: path)
                        if let other = found.first(where: { $0.name == blueprint.name }) {
                            throw YAMLFileError(
                                file: path, line: 0, column: 0, key: "name",
                                message: "\"\(blueprint.name)\" is the name of \(other.file) already")
                        }
                        found.append(blueprint)
                    } catch {
                        errors.append(error)
                    }
                }
            } catch {
                errors += error.errors
            }
        }
        guard errors.isEmpty else { throw PipelineCatalogError(errors: errors) }
        self.init(found)
    }

    /// - Parameter blueprints: Each with a name of its own.
    public init(_ blueprints: [PipelineBlueprint]) { self.blueprints = blueprints.sorted { $0.name < $1.name } }

    /// Reads one description.
    public static func blueprint(at path: String) throws(YAMLFileError) -> PipelineBlueprint {
        try PipelineBlueprint(yaml: try text(of: path), file: path)
    }

    public subscript(name: String) -> PipelineBlueprint? { blueprints.first { $0.name == name } }

    private static func files(in folder: String) throws(PipelineCatalogError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.sorted().map { "\(folder)/\($0)" }
        } catch {
            let reason = YAMLFileError(
                file: folder, line: 0, column: 0, key: nil, message: "the folder can't be read")
            throw PipelineCatalogError(errors: [reason])
        }
    }

    private static func text(of path: String) throws(YAMLFileError) -> String {
        func refuse(_ message: String) -> YAMLFileError {
            YAMLFileError(file: path, line: 0, column: 0, key: nil, message: message)
        }
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { throw refuse("the file can't be read") }
        guard data.count <= fileLimit else { throw refuse("the file is longer than \(fileLimit / 1024) KiB") }
        guard let text = String(validating: data, as: UTF8.self) else { throw refuse("the file is no UTF-8 text") }
        return text
    }
}
