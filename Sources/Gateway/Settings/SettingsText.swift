import Base

/// Settings as the file would have them; what was read back is the same again.
extension LoadedSettings {
    /// Every key with its value; behind those that are not at their default stands who said so. Secrets are no part of
    /// it.
    public var text: String {
        var lines: [String] = []
        var section = ""
        for key in SettingsKey.all {
            let parts = key.path.split(separator: ".").map(String.init)
            let outer = parts.count > 1 ? parts[0] : ""
            if !outer.isEmpty, outer != section { lines.append("\(outer):") }
            section = outer
            let place = places[key.path].map { "  # \($0)" } ?? ""
            lines += SettingsText.lines(
                of: key.value(settings), under: parts[parts.count - 1], indent: outer.isEmpty ? "" : "  ", behind: place
            )
        }
        if settings.token != nil { lines.append("# the token: •••") }
        return lines.joined(separator: "\n")
    }
}

enum SettingsText {
    /// Members in the order in which people write them.
    private static let order = [
        "room", "source", "pipeline", "name", "kind", "mimeType", "clockRate", "channels", "parameters", "video",
        "loop", "retry", "record",
    ]

    static func lines(of value: JSONValue, under key: String, indent: String, behind: String) -> [String] {
        guard case .array(let elements) = value, elements.contains(where: { $0.objectValue != nil }) else {
            return ["\(indent)\(key): \(inline(value))\(behind)"]
        }
        return ["\(indent)\(key):\(behind)"] + elements.map { "\(indent)  - \(inline($0))" }
    }

    /// In one line: YAML's flow style.
    static func inline(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): isPlain(text) ? text : value.text
        case .array(let elements): "[\(elements.map(inline).joined(separator: ", "))]"
        case .object(let members):
            "{"
                + members.sorted { rank($0.key) < rank($1.key) }
                .map { "\(isPlain($0.key) ? $0.key : JSONValue.string($0.key).text): \(inline($0.value))" }
                .joined(separator: ", ") + "}"
        default: value.text
        }
    }

    private static func rank(_ key: String) -> (Int, String) { (order.firstIndex(of: key) ?? order.count, key) }

    /// Whether a text can stand without quotes wherever a value can: it begins with a letter, "/" or ".", has nothing
    /// that YAML reads, and is none of its words. Texts that begin like numbers may, when they are none.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.first, first.isASCII, first.isLetter || first.isNumber || "/.".contains(first),
            !["true", "false", "null"].contains(text.lowercased()), Double(text) == nil
        else { return false }
        let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-:+".contains($0)) }
        return isPlain && !text.hasSuffix(":")
    }
}
