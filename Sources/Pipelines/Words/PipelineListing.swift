import Base

/// `GET /api/v1/pipelines` for people: grouped by kind, in columns.
public enum PipelineListing {
    /// - Parameter pipelines: The list in the answer.
    /// - Parameter width: Of the terminal, in characters; longer lines are only those of one word.
    public static func lines(_ pipelines: [JSONValue], width: Int = 80) -> [String] {
        var lines: [String] = []
        let groups = [
            ("ingest", "Into a room (ladle ingest --pipeline NAME)"),
            ("record", "Out of a room (ladle record --pipeline NAME)"),
        ]
        for (kind, title) in groups {
            let members = pipelines.filter { $0["kind"]?.stringValue == kind }
            guard !members.isEmpty else { continue }
            if !lines.isEmpty { lines.append("") }
            lines.append(title)
            for pipeline in members { lines += [""] + describe(pipeline, width: width) }
        }
        return lines
    }

    private static func describe(_ pipeline: JSONValue, width: Int) -> [String] {
        let engine = pipeline["engine"]?.stringValue == "gstreamer" ? "GStreamer" : "libav"
        let parameters = pipeline["parameters"]?.arrayValue ?? []
        let names = parameters.map(choice)
        // A third of the line at most, so that the help beside it stays readable.
        let column = min(max(names.map(\.count).max() ?? 0, 12), width / 3)
        var lines = ["  \(text(pipeline, "name")) (\(engine))"]
        lines += wrapped(text(pipeline, "help"), width: width - 4).map { "    " + $0 }
        for (parameter, name) in zip(parameters, names) {
            let help = [limits(parameter), text(parameter, "help")].compactMap(\.self).joined(separator: ". ")
            let padding = String(repeating: " ", count: column + 2)
            let rest = wrapped(help, width: width - 6 - column - 2)
            if name.count > column {
                lines.append("      \(name)")
                lines += rest.map { "      \(padding)\($0)" }
            } else {
                let first = name + String(repeating: " ", count: column + 2 - name.count)
                lines += rest.enumerated().map { "      \($0.offset == 0 ? first : padding)\($0.element)" }
            }
        }
        return lines
    }

    /// "width=640"; the name alone when it may be left out.
    private static func choice(_ parameter: JSONValue) -> String {
        let name = text(parameter, "name")
        return parameter["default"].map { "\(name)=\(plain($0))" } ?? name
    }

    private static func limits(_ parameter: JSONValue) -> String? {
        if let allowed = parameter["allowed"]?.arrayValue { return allowed.map(plain).joined(separator: " or ") }
        switch (parameter["minimum"].map(plain), parameter["maximum"].map(plain)) {
        case (let low?, let high?): return "\(low) to \(high)"
        case (let low?, nil): return "\(low) or more"
        case (nil, let high?): return "\(high) or less"
        case (nil, nil): return parameter["type"]?.stringValue == "boolean" ? "true or false" : nil
        }
    }

    /// Without quotes, and 640 for 640.0.
    private static func plain(_ value: JSONValue) -> String {
        value.stringValue ?? value.integerValue.map { "\($0)" } ?? value.text
    }

    private static func text(_ value: JSONValue, _ member: String) -> String { value[member]?.stringValue ?? "?" }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return lines + [line]
    }
}
