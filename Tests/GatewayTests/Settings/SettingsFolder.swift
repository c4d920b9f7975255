import Foundation
import Gateway
import Testing

/// A folder of one test with settings files in it.
final class SettingsFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("ladle-settings-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file; its path.
    @discardableResult
    func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        return file
    }

    func load(
        _ yaml: String? = nil, environment: [String: String] = [:], flags: [LoadedSettings.Flag] = []
    ) throws -> LoadedSettings {
        let file = try yaml.map { try write("ladle.yaml", $0) }
        return try LoadedSettings.load(file: file, environment: environment, flags: flags, folder: path)
    }

    /// What is wrong with a file, one line each, without the folder in front.
    func problems(
        _ yaml: String? = nil, environment: [String: String] = [:], flags: [LoadedSettings.Flag] = []
    ) throws -> [String] {
        do {
            _ = try load(yaml, environment: environment, flags: flags)
            return []
        } catch let error as SettingsError {
            return error.problems.map { $0.description.replacingOccurrences(of: "\(path)/", with: "") }
        }
    }
}
