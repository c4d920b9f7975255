import StrictYAML

/// Something that is wrong with a setting, or not quite right, and where it was said.
public struct SettingsProblem: Sendable, Hashable, CustomStringConvertible {
    /// "ladle.yaml:3:7", "LADLE_LISTEN" or "--listen".
    public let place: String
    /// Nil when it is about the whole file, or when the place says it.
    public let key: String?
    public let message: String

    public init(place: String, key: String? = nil, message: String) {
        self.place = place
        self.key = key
        self.message = message
    }

    init(_ error: YAMLFileError) {
        place = error.line > 0 ? "\(error.file):\(error.line):\(error.column)" : error.file
        key = error.key
        message = error.message
    }

    /// `/etc/ladle/ladle.yaml:3:7: rtp.ports: "4-2" is not …`
    public var description: String { key.map { "\(place): \($0): \(message)" } ?? "\(place): \(message)" }
}

/// Everything that is wrong, so that one look shows it all.
public struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    public let problems: [SettingsProblem]

    /// One line a problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// A reading of settings under way: what it may use, and what is wrong so far.
struct SettingsReading {
    /// Where systemd has put this service's credentials; nil: it was given none.
    let credentialsFolder: String?
    /// What relative paths are relative to; absolute.
    let folder: String
    var errors: [SettingsProblem] = []
    var warnings: [SettingsProblem] = []

    mutating func add(_ error: YAMLFileError) { errors.append(SettingsProblem(error)) }

    /// Gives back what `body` makes, or notes why it can't.
    mutating func noting<Value>(_ body: () throws(YAMLFileError) -> Value) -> Value? {
        do throws(YAMLFileError) { return try body() } catch {
            add(error)
            return nil
        }
    }

    /// The same for a value; the reader knows its place.
    mutating func noting<Value>(
        _ reader: YAMLReader, _ body: (SettingInput) throws(SettingRefusal) -> Value
    ) -> Value? {
        guard let value = noting({ () throws(YAMLFileError) in try reader.value() }) else { return nil }
        do throws(SettingRefusal) { return try body(.file(value)) } catch {
            add(reader.error(error.message))
            return nil
        }
    }
}
