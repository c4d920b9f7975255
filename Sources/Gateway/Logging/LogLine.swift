import Base
import Glibc
import Logging

/// One entry of the log as the line that is written.
struct LogLine {
    let unixMilliseconds: Int64
    let level: Logger.Level
    let label: String
    let message: String
    /// Ids and the like; sorted by name.
    let fields: [(name: String, value: String)]

    /// `2026-11-22T15:32:06.123Z info ladle: recording ended room=demo pipeline=recording-1f`
    var text: String { "\(Self.time(unixMilliseconds)) \(level.rawValue) \(label): \(words)" }

    /// The same for journald, which has a time and a level of its own: sd-daemon(3).
    var journal: String { "<\(priority)>\(label): \(words)" }

    /// One object, with the fields as members of their own; time and level stand first, for eyes.
    var json: String {
        let ours = [
            ("time", Self.time(unixMilliseconds)), ("level", level.rawValue), ("label", label), ("message", message),
        ]
        // A field can't stand in for one of ours.
        let others = fields.filter { field in !ours.contains { $0.0 == field.name } }
        let members = (ours + others.map { ($0.name, $0.value) }).map { name, value in
            "\(JSONValue.string(name).text):\(JSONValue.string(value).text)"
        }
        return "{\(members.joined(separator: ","))}"
    }

    private var words: String {
        Self.oneLine(message) + fields.map { " \($0.name)=\(Self.quotedIfNeeded($0.value))" }.joined()
    }

    /// syslog(3)'s numbers.
    var priority: Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// Names that strangers chose must neither end a line nor steer a terminal.
    private static func oneLine(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": scalars.append(contentsOf: "; ".unicodeScalars)
            case _ where isUnprintable(scalar): scalars.append("?")
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
    }

    private static func quotedIfNeeded(_ value: String) -> String {
        let isPlain = !value.isEmpty && value.allSatisfy { $0 > " " && $0 != "\"" && $0 != "=" && $0 != "\u{7F}" }
        return isPlain ? oneLine(value) : JSONValue.string(oneLine(value)).text
    }

    /// RFC 3339 in UTC, with milliseconds.
    static func time(_ unixMilliseconds: Int64) -> String {
        var seconds = time_t(unixMilliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ value: some BinaryInteger, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let day = "\(parts.tm_year + 1900)-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
        let clock = "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
        return "\(day)T\(clock).\(digits(unixMilliseconds % 1000, 3))Z"
    }
}
