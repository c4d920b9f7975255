import CLibAV
import Glibc
import Synchronization

/// libav's own log: whole lines on standard error, and what it complained about last.
///
/// libav's error codes often say no more than "input/output error"; the line before tells that a host was not found.
public enum LibAVLog {
    public enum Level: Sendable { case warnings, everything }

    fileprivate struct State {
        var level = Level.warnings
        var clean: @Sendable (String) -> String = { $0 }
        var complaints: [String] = []
        var second = 0
        var lines = 0
        /// What was written, without libav's addresses in memory, and when, in seconds of Unix time.
        var written: [String: Int] = [:]
    }

    private static let state = Mutex(State())
    /// More than one failed connection needs.
    private static let mostComplaints = 16
    private static let mostLinesASecond = 20
    /// Said in the usual course of things: by every encoder that is stopped in the middle, and by every decoder that
    /// comes into the middle of a stream.
    private static let noise = [
        "left in the queue on closing", "non-existing PPS", "decode_slice_header error", "] no frame!",
    ]
    /// A source that is tried again for a night says the same at each try.
    fileprivate static let quietSeconds = 600
    fileprivate static let mostRemembered = 64
    /// Bytes of a line that are shown.
    private static let longest = 500

    /// Writes warnings and errors as whole lines on standard error, at most 20 a second, and the same once in ten
    /// minutes.
    public static func toStandardError(_ level: Level = .warnings) {
        state.withLock { $0.level = level }
        ladle_av_log_to(level == .warnings ? AV_LOG_WARNING : AV_LOG_TRACE) { level, text, length in
            guard let text, length > 0 else { return }
            LibAVLog.take(
                String(decoding: UnsafeRawBufferPointer(start: text, count: Int(length)), as: UTF8.self), level)
        }
    }

    /// Says nothing at all.
    public static func silence() { av_log_set_level(AV_LOG_QUIET) }

    /// What every line goes through before anybody sees it.
    public static func clean(by clean: @escaping @Sendable (String) -> String) { state.withLock { $0.clean = clean } }

    /// The latest warnings and errors since the last call, oldest first, cleaned.
    public static func takeComplaints() -> [String] {
        state.withLock { state in
            defer { state.complaints = [] }
            return state.complaints
        }
    }

    private static func take(_ raw: String, _ level: Int32) {
        let clean = state.withLock { $0.clean }
        // Cleaned before it is cut: half a secret would not be found.
        let line = String(clean(raw).map { $0.isNewline ? " " : $0 }).trimmingSpaces
        guard !line.isEmpty, !noise.contains(where: { line.contains($0) }) else { return }
        let isWritten = state.withLock { state -> Bool in
            if level <= AV_LOG_WARNING {
                state.complaints.append(line)
                if state.complaints.count > mostComplaints { state.complaints.removeFirst() }
            }
            // Tells what a stranger tried for a stream key, which may be a slip of the true one.
            if line.contains("Unexpected stream ") { return false }
            if state.level == .everything { return true }
            let now = time(nil)
            guard state.isNews(line, at: now) else { return false }
            if now != state.second { (state.second, state.lines) = (now, 0) }
            state.lines += 1
            return state.lines <= mostLinesASecond
        }
        guard isWritten else { return }
        let bytes = Array("libav: \(line)".utf8.prefix(longest)) + [10]
        bytes.withUnsafeBytes { _ = write(2, $0.baseAddress, $0.count) }
    }
}

extension LibAVLog.State {
    /// Whether a line was not written of late. Where its context lies in memory ("[tcp @ 0x7f19]") differs each time.
    fileprivate mutating func isNews(_ line: String, at now: Int) -> Bool {
        let words = line.replacing(/@ 0x[0-9a-f]+/, with: "@")
        if let last = written[words], now - last < LibAVLog.quietSeconds { return false }
        if written.count >= LibAVLog.mostRemembered { written = [:] }
        written[words] = now
        return true
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        guard let last = lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(self[...last].drop { $0.isWhitespace })
    }
}
