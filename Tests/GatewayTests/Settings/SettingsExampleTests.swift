import Foundation
import Gateway
import Testing

/// The example and the documentation against the table in the code.
@Suite struct `The example of the settings` {
    private static let tree = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: tree.appendingPathComponent(name), encoding: .utf8)
    }

    /// Settings stand behind a bare "#", or behind "#" and two spaces when they are members; prose behind "# ".
    private static func uncommented(_ text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("#") else { return String(line) }
            let rest = line.dropFirst()
            guard let first = rest.first else { return nil }
            let isSetting = first != " " || rest.hasPrefix("  ") && !rest.hasPrefix("   ")
            return isSetting ? String(rest) : nil
        }
    }

    @Test func `is the defaults when its comments are taken away`() throws {
        let folder = try SettingsFolder()
        let loaded = try folder.load(Self.uncommented(try Self.text("systemd/ladle.yaml")).joined(separator: "\n"))
        var expected = GatewaySettings()
        expected.resolvePaths(in: folder.path)
        #expect(loaded.settings == expected)
        // Nothing is left out, and nothing is in it that the code does not know (that would not have loaded).
        let given = Set(loaded.places.keys)
        let withoutValue = Set(SettingsKey.all.filter { $0.standard.isNull }.map(\.path))
        #expect(given.union(withoutValue) == Set(SettingsKey.all.map(\.path)))
        let lines = Self.uncommented(try Self.text("systemd/ladle.yaml"))
        for key in withoutValue {
            let name = key.split(separator: ".").last.map(String.init) ?? key
            #expect(lines.contains { $0.trimmingCharacters(in: .whitespaces) == "\(name): null" }, "\(key)")
        }
    }

    @Test func `says nothing as it stands`() throws {
        let folder = try SettingsFolder()
        let loaded = try folder.load(try Self.text("systemd/ladle.yaml"))
        #expect(loaded.places == [:])
    }

    @Test func `names each variable`() throws {
        let example = try Self.text("systemd/ladle.yaml")
        for name in SettingsKey.all.compactMap(\.environmentName) { #expect(example.contains("[\(name)]"), "\(name)") }
    }

    @Test func `and the documentation have the same keys, variables, flags and defaults`() throws {
        // | `rtp.ports` | MIN-MAX | `40000-49999` | `LADLE_RTP_PORTS` | `--rtp-ports` | The UDP ports for RTP. |
        let rows = try Self.text("docs/settings.md").split(separator: "\n").filter { $0.hasPrefix("| `") }
        let wanted = SettingsKey.all.map { key in
            func code(_ text: String?) -> String { text.map { "`\($0)`" } ?? "" }
            let standard = key.path == "codecs" ? "see below" : code(key.standardText)
            return [code(key.path), key.type, standard, code(key.environmentName), code(key.flag), key.help]
        }
        // Cells may be empty; tables of something else have fewer.
        let given = rows.map { row in
            row.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }.filter { $0.count == 6 }
        #expect(
            given == wanted, "\n\(wanted.map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n"))")
    }

    @Test(arguments: ["docs/settings.md", "docs/service.md"])
    func `and every settings file in the documentation can be read`(_ page: String) throws {
        let folder = try SettingsFolder()
        for name in ["token", "camera", "turn"] { try folder.write(name, "user:a-long-password", mode: 0o400) }
        let blocks = try Self.text(page).components(separatedBy: "```yaml\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
        #expect(!blocks.isEmpty)
        for block in blocks {
            let problems = try folder.problems(
                block, environment: ["CREDENTIALS_DIRECTORY": folder.path, "STATE_DIRECTORY": folder.path])
            #expect(problems == [], "\(block)")
        }
    }
}
