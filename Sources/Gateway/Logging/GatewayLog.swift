import Base
import FoundationEssentials
import Glibc
import Logging

/// The daemon's log: lines on standard error, for people, for machines, or for journald.
public enum GatewayLog {
    /// To be called once, before the first line.
    public static func start(level: LogLevel, format: LogFormat) {
        let isJournal = isJournal(STDERR_FILENO, environment: ProcessInfo.processInfo.environment)
        LoggingSystem.bootstrap { label in
            handler(label: label, level: level, format: format, isJournal: isJournal) { line in
                write(line, to: STDERR_FILENO)
            }
        }
    }

    /// What turns entries into lines.
    /// - Parameter isJournal: Lines go to journald: text has no time, and a priority stands in front.
    public static func handler(
        label: String, level: LogLevel, format: LogFormat, isJournal: Bool, write: @escaping @Sendable (String) -> Void
    ) -> any LogHandler {
        GatewayLogHandler(
            label: label, level: Logger.Level(level), style: LogHandlerStyle(format: format, isJournal: isJournal),
            write: write)
    }

    /// Whether a descriptor leads to journald, which says so by device and inode: systemd.exec(5), JOURNAL_STREAM.
    public static func isJournal(_ descriptor: Int32, environment: [String: String]) -> Bool {
        guard let stream = environment["JOURNAL_STREAM"] else { return false }
        let numbers = stream.split(separator: ":").compactMap { UInt64($0) }
        var about = stat()
        guard numbers.count == 2, fstat(descriptor, &about) == 0 else { return false }
        return UInt64(about.st_dev) == numbers[0] && UInt64(about.st_ino) == numbers[1]
    }

    /// A line at once, so that those of several threads don't mix. A log that nobody reads is no reason to end.
    private static func write(_ line: String, to descriptor: Int32) {
        var rest = Array((line + "\n").utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }
}

struct LogHandlerStyle: Sendable {
    var format: LogFormat
    /// Text without a time, with a priority in front.
    var isJournal: Bool
}

struct GatewayLogHandler: LogHandler {
    let label: String
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    let style: LogHandlerStyle
    let write: @Sendable (String) -> Void

    init(label: String, level: Logger.Level, style: LogHandlerStyle, write: @escaping @Sendable (String) -> Void) {
        self.label = label
        logLevel = level
        self.style = style
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let entry = LogLine(
            unixMilliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000, level: event.level,
            label: label, message: event.message.description,
            fields: fields.map { (name: $0.key, value: $0.value.description) }.sorted { $0.name < $1.name })
        switch (style.format, style.isJournal) {
        case (.json, false): write(entry.json)
        // journald takes the priority off again.
        case (.json, true): write("<\(entry.priority)>\(entry.json)")
        case (.text, true): write(entry.journal)
        case (.text, false): write(entry.text)
        }
    }
}

extension Logger.Level {
    init(_ level: LogLevel) {
        self =
            switch level {
            case .trace: .trace
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
    }
}
