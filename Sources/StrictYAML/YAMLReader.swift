import Base
import Yams

/// A node of a YAML file with the key that leads to it, and errors that tell file, line, column and key.
///
/// Strict where YAML is lax: only JSON's words are values, a key stands once, and what is not expected is refused.
public struct YAMLReader {
    let node: Node
    public let file: String
    /// "parameters.loop"; empty at the top.
    public let path: String

    /// Parses a file's text.
    public init(yaml: String, file: String) throws(YAMLFileError) {
        guard let reader = try YAMLReader(yaml: yaml, file: file, orNilIfEmpty: ()) else {
            throw YAMLFileError(file: file, line: 1, column: 1, key: nil, message: "the file is empty")
        }
        self = reader
    }

    /// The same for a file that may say nothing (comments only): nil.
    public init?(yaml: String, file: String, orNilIfEmpty: Void) throws(YAMLFileError) {
        self.file = file
        path = ""
        if let (line, column) = Self.placeTooDeep(yaml) {
            throw YAMLFileError(
                file: file, line: line, column: column, key: nil, message: "more than \(Self.nestingLimit) levels deep")
        }
        do {
            guard let node = try compose(yaml: yaml) else { return nil }
            self.node = node
        } catch {
            throw error as? YAMLFileError ?? Self.error(error, in: yaml, file: file)
        }
    }

    private init(node: Node, file: String, path: String) {
        self.node = node
        self.file = file
        self.path = path
    }

    public func error(_ message: String) -> YAMLFileError {
        YAMLFileError(
            file: file, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, key: path.isEmpty ? nil : path,
            message: message)
    }

    // MARK: Looking inside

    /// The members of a mapping; refuses keys that are not in `allowed`.
    public func members(allowed: [String]) throws(YAMLFileError) -> [String: YAMLReader] {
        var members: [String: YAMLReader] = [:]
        for (name, key, value) in try entries() {
            guard allowed.contains(name) else { throw key.unknownKey(name, allowed: allowed) }
            members[name] = value
        }
        return members
    }

    /// Of a key that has no meaning here; names the one that was probably meant.
    public func unknownKey(_ name: String, allowed: [String]) -> YAMLFileError {
        let meant = Suggestion.nearest(to: name, among: allowed).map { "did you mean \"\($0)\"? " } ?? ""
        return error("unknown key; \(meant)allowed: \(allowed.joined(separator: ", "))")
    }

    /// Whether this is YAML's word for nothing: `~`, `null`, or no value at all.
    public var isNull: Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
        return ["", "~", "null"].contains(scalar.string)
    }

    /// One member of a mapping; errors of `key` tell the key's place.
    public typealias Entry = (name: String, key: YAMLReader, value: YAMLReader)

    /// The members of a mapping in their order.
    public func entries() throws(YAMLFileError) -> [Entry] {
        guard case .mapping(let mapping) = node else { throw error("a mapping (key: value) is expected") }
        var entries: [Entry] = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                throw YAMLReader(node: key, file: file, path: path).error("a key must be a plain word")
            }
            let inner = path.isEmpty ? scalar.string : "\(path).\(scalar.string)"
            entries.append(
                (
                    scalar.string, YAMLReader(node: key, file: file, path: inner),
                    YAMLReader(node: value, file: file, path: inner)
                ))
        }
        return entries
    }

    public func elements() throws(YAMLFileError) -> [YAMLReader] {
        guard case .sequence(let sequence) = node else { throw error("a list is expected") }
        return sequence.enumerated().map { YAMLReader(node: $1, file: file, path: "\(path)[\($0)]") }
    }

    public func text() throws(YAMLFileError) -> String {
        guard case .string(let text) = try value() else { throw error("a text is expected; put it in quotes") }
        guard !text.isEmpty else { throw error("a text is expected, and this one is empty") }
        return text
    }

    public func number() throws(YAMLFileError) -> Double {
        guard let number = try value().doubleValue, number.isFinite else { throw error("a number is expected") }
        return number
    }

    /// One of a list of words.
    public func word<Word: RawRepresentable>(of words: [Word]) throws(YAMLFileError) -> Word
    where Word.RawValue == String {
        let text = try text()
        guard let word = words.first(where: { $0.rawValue == text }) else {
            throw error("\"\(text)\" is not one of \(words.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }

    /// A scalar as JSON has it: true and false, numbers and texts; quotes make a text of anything.
    public func value() throws(YAMLFileError) -> JSONValue {
        guard case .scalar(let scalar) = node else { throw error("one value is expected, not a list or a mapping") }
        let text = scalar.string
        guard scalar.style == .plain else { return .string(text) }
        // JSON's words only: YAML 1.1 would read "no" as false and "1:30" as 90.
        switch text {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "", "~", "null": throw error("a value is missing")
        default: break
        }
        if let integer = Int64(text) { return .integer(integer) }
        if let first = text.first, first.isNumber || first == "-", let double = Double(text) { return .double(double) }
        return .string(text)
    }

    // MARK: The parser's limits and errors

    /// Our files have four. The parser recurses; without a limit a hostile file would run off the stack.
    public static let nestingLimit = 32

    /// Where a text may nest deeper than the limit: brackets, or dashes and question marks that open block levels. Counts
    /// more than there is (those in quotes too), which is harmless at such a limit.
    private static func placeTooDeep(_ yaml: String) -> (line: Int, column: Int)? {
        var depth = 0
        var line = 1
        for text in yaml.split(separator: "\n", omittingEmptySubsequences: false) {
            var openers = 0
            for (index, character) in text.unicodeScalars.enumerated() {
                switch character {
                case "[", "{": depth += 1
                case "]", "}": depth = max(0, depth - 1)
                case "-", "?", ":": openers += 1
                default: break
                }
                if depth > nestingLimit || openers > 8 * nestingLimit { return (line, index + 1) }
            }
            // Each block level below the first is indented by one at least.
            if text.prefix(while: { $0 == " " }).count > 8 * nestingLimit { return (line, 1) }
            line += 1
        }
        return nil
    }

    private static func error(_ error: any Error, in yaml: String, file: String) -> YAMLFileError {
        func made(_ mark: Mark?, _ message: String) -> YAMLFileError {
            YAMLFileError(
                file: file, line: mark?.line ?? 0, column: mark?.column ?? 0, key: nil, message: message)
        }
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return made(mark, "no YAML: \(problem)")
        case .reader(let problem, let offset, _, _):
            let before = yaml.prefix(offset ?? 0)
            let line = before.filter { $0 == "\n" }.count + 1
            let column = before.reversed().prefix { $0 != "\n" }.count + 1
            return YAMLFileError(
                file: file, line: line, column: column, key: nil, message: "no YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "\"\($0)\"" }.joined(separator: ", ")
            return made(context.mark, "the key \(keys) occurs twice")
        default: return made(nil, "no YAML: \(error)")
        }
    }
}
