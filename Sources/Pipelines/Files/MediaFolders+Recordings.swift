import CLinux
import Glibc
import PipelineControl

/// A moment as file names have it, in local time: "20260301-123107".
public struct RecordingDate: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// - Parameter unixSeconds: Since 1970, UTC.
    public init(unixSeconds: Int) {
        var moment = time_t(unixSeconds)
        var parts = tm()
        localtime_r(&moment, &parts)
        func digits(_ value: Int32, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        description =
            digits(parts.tm_year + 1900, 4) + digits(parts.tm_mon + 1, 2) + digits(parts.tm_mday, 2) + "-"
            + digits(parts.tm_hour, 2) + digits(parts.tm_min, 2) + digits(parts.tm_sec, 2)
    }

    public static var now: RecordingDate { RecordingDate(unixSeconds: time(nil)) }
}

/// A new, empty file and what shall be written into it.
public struct NewRecording: Sendable {
    public let file: OpenedFile
    public let container: RecordJob.Container
}

extension MediaFolders {
    /// Makes a new file in the recordings folder; nothing is ever overwritten.
    /// - Parameters:
    ///   - name: Nil: named by room, date and time, with a counter when that is taken.
    ///   - container: What shall be written; a name must end accordingly. Nil: by the name's extension, Matroska without
    ///     a name.
    public func createRecording(
        named name: String?, room: String, container wanted: RecordJob.Container? = nil, date: RecordingDate = .now
    ) throws(PipelinesError) -> NewRecording {
        let named = try name.map { name throws(PipelinesError) in try Self.container(of: name, wanted: wanted) }
        let container = named ?? wanted ?? .matroska
        try makeRecordingsFolder()
        if let name {
            let file = try create(name)
            guard let file else { throw PipelinesError(.exists, "\(quoted(name)) exists and is not overwritten") }
            return NewRecording(file: file, container: container)
        }
        let (stem, ending) = ("\(Self.fileName(of: room))-\(date)", container.fileExtension)
        // 1000 recordings of one room within one second are somebody's mistake.
        for count in 1...1000 {
            if let file = try create(count == 1 ? "\(stem).\(ending)" : "\(stem)-\(count).\(ending)") {
                return NewRecording(file: file, container: container)
            }
        }
        throw PipelinesError(.exists, "\(stem).\(ending) and a thousand names after it exist")
    }

    /// Checks a name that somebody gave.
    static func container(
        of name: String, wanted: RecordJob.Container? = nil
    ) throws(PipelinesError) -> RecordJob.Container {
        func refuse(_ why: String) -> PipelinesError {
            PipelinesError(.invalid, "the file name \(quoted(name)) \(why)")
        }
        if name.isEmpty { throw refuse("is empty") }
        if hasControlCharacters(name) { throw refuse("has control characters in it") }
        if name.contains("/") { throw refuse("has a / in it: recordings lie in the recordings folder itself") }
        if name.contains("..") { throw refuse("has .. in it") }
        if name.hasPrefix(".") { throw refuse("begins with a dot") }
        if name.utf8.count > 255 { throw refuse("is longer than 255 bytes") }
        let possible = (wanted.map { [$0] } ?? RecordJob.Container.all).map { "." + $0.fileExtension }
            .joined(separator: ", ")
        guard let dot = name.lastIndex(of: ".") else { throw refuse("has no extension; possible: \(possible)") }
        let ending = String(name[name.index(after: dot)...])
        guard let container = RecordJob.Container(fileExtension: ending) else {
            throw refuse("has the extension .\(ending), which can't be written; possible: \(possible)")
        }
        if let wanted, container != wanted {
            throw refuse("has the extension .\(ending), and what is asked for writes \(wanted.title): \(possible)")
        }
        return container
    }

    /// A room's name as part of a file name: what does not fit there becomes "_".
    static func fileName(of room: String) -> String {
        let scalars = room.unicodeScalars.map { scalar -> Unicode.Scalar in
            scalar == "/" || scalar.properties.generalCategory == .control ? "_" : scalar
        }
        var name = String(String.UnicodeScalarView(scalars))
        // 255 bytes are allowed; date, counter and extension need 25.
        while name.utf8.count > 200 { name.removeLast() }
        if name.isEmpty || name.hasPrefix(".") { name = "_" + name.dropFirst() }
        return name
    }

    /// Nil: the name is taken.
    private func create(_ name: String) throws(PipelinesError) -> OpenedFile? {
        let descriptor = try beneath(recordings) {
            ladle_open_beneath($0, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)
        }
        if descriptor >= 0 { return OpenedFile(descriptor: descriptor, path: "\(recordings)/\(name)") }
        if descriptor == -EEXIST { return nil }
        throw PipelinesError(
            .unavailable, "\(quoted(name)) can't be made in \(recordings): \(systemText(-descriptor))",
            errno: -descriptor)
    }

    private func makeRecordingsFolder() throws(PipelinesError) {
        var path = ""
        for part in recordings.split(separator: "/") {
            path += "/" + part
            let failure = mkdir(path, 0o755) == 0 ? 0 : errno
            // A parent that exists but may not be written to answers otherwise than EEXIST; the last one decides.
            guard failure != 0, failure != EEXIST, path == recordings else { continue }
            throw PipelinesError(
                .unavailable, "the recordings folder \(recordings) can't be made: \(systemText(failure))",
                errno: failure)
        }
    }
}
