import Base

/// Cuts what a process prints into lines for the log: cut to length, made printable, and no more than a log bears.
public struct LogLines: Sendable {
    /// A line is cut here; what follows up to its end is dropped.
    public static let lengthLimit = 2048
    /// libav on a broken file prints thousands of lines a second; a log of them helps nobody.
    public static let linesPerSecond = 100

    private var pending: [UInt8] = []
    private var second: Int64 = .min
    private var lines = 0
    private var leftOut = 0

    public init() {}

    /// Adds bytes that were printed around `now` and returns the lines that they complete; empty ones are skipped.
    public mutating func append(_ bytes: some Sequence<UInt8>, now: Instant) -> [String] {
        var complete: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                endLine(now: now, into: &complete)
            } else if pending.count < Self.lengthLimit {
                pending.append(byte)
            }
        }
        return complete
    }

    /// The rest after the last byte.
    public mutating func end(now: Instant) -> [String] {
        var complete: [String] = []
        endLine(now: now, into: &complete)
        if leftOut > 0 { complete.append(note()) }
        return complete
    }

    private mutating func endLine(now: Instant, into complete: inout [String]) {
        guard !pending.isEmpty else { return }
        defer { pending.removeAll(keepingCapacity: true) }
        if now.nanoseconds / 1_000_000_000 != second {
            second = now.nanoseconds / 1_000_000_000
            lines = 0
            if leftOut > 0 { complete.append(note()) }
        }
        guard lines < Self.linesPerSecond else {
            leftOut += 1
            return
        }
        lines += 1
        // Escape sequences would reach the terminal of whoever reads the log.
        let text = String(decoding: pending, as: UTF8.self).unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control && scalar != "\t" ? "\u{FFFD}" : scalar
        }
        complete.append(String(String.UnicodeScalarView(text)))
    }

    private mutating func note() -> String {
        defer { leftOut = 0 }
        return "(\(leftOut) more lines left out)"
    }
}
