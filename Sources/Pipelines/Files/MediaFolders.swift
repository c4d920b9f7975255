import CLinux
import Glibc

/// The folders that sources may be read from, and the one that recordings are written to.
///
/// The daemon resolves every name itself, beneath an open folder (openat2(2), RESOLVE_BENEATH): neither "..", an
/// absolute name nor a symbolic link leads out, also when somebody renames things meanwhile. Pipeline processes get
/// open descriptors only.
public struct MediaFolders: Sendable {
    /// Absolute; relative names are looked up in the first.
    public let sources: [String]
    public let recordings: String

    /// - Parameters:
    ///   - sources: Absolute paths. The recordings folder may be read from too, named here or not.
    ///   - recordings: Absolute; made when the first recording is.
    public init(sources: [String], recordings: String) throws(PipelinesError) {
        for folder in sources + [recordings] where !folder.hasPrefix("/") || hasControlCharacters(folder) {
            throw PipelinesError(.invalid, "the folder \(quoted(folder)) is no absolute path")
        }
        let recordings = trimmed(recordings)
        self.recordings = recordings
        let sources = sources.map(trimmed)
        self.sources = sources.contains(recordings) ? sources : sources + [recordings]
    }

    // MARK: Sources

    /// Opens a file to read from.
    /// - Parameter name: Relative to the first folder, or absolute and in one of them.
    public func openSource(_ name: String) throws(PipelinesError) -> OpenedFile {
        guard !name.isEmpty else { throw PipelinesError(.invalid, "the file has no name") }
        guard !hasControlCharacters(name) else {
            throw PipelinesError(.invalid, "the file name \(quoted(name)) has control characters in it")
        }
        guard let first = sources.first, name.hasPrefix("/") else {
            return try openSource(name, as: name, beneath: sources.first ?? recordings)
        }
        var outside: PipelinesError?
        for folder in [first] + sources.dropFirst() {
            guard let inside = path(of: name, in: folder) else { continue }
            do {
                return try openSource(inside, as: name, beneath: folder)
            } catch {
                // Another folder may hold what this one's links may not reach.
                guard error.errno == EXDEV else { throw error }
                outside = error
            }
        }
        throw outside ?? self.outside(name)
    }

    private func openSource(
        _ inside: String, as name: String, beneath folder: String
    ) throws(PipelinesError) -> OpenedFile {
        // O_NONBLOCK: a pipe without a writer would keep us waiting.
        let descriptor = try beneath(folder) { ladle_open_beneath($0, inside, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0) }
        guard descriptor >= 0 else { throw refusal(of: name, in: folder, errno: -descriptor) }
        let path = inside == "." ? folder : "\(folder)/\(inside)"
        let file = OpenedFile(descriptor: descriptor, path: path)
        var about = stat()
        guard fstat(descriptor, &about) == 0 else { throw refusal(of: name, in: folder, errno: errno) }
        switch about.st_mode & S_IFMT {
        case S_IFREG: return file
        case S_IFDIR: throw PipelinesError(.invalid, "\(quoted(name)) is a directory", errno: EISDIR)
        default: throw PipelinesError(.invalid, "\(quoted(name)) is no regular file")
        }
    }

    /// What follows the folder in an absolute name, by its configured path or its real one; nil: not in it.
    private func path(of name: String, in folder: String) -> String? {
        var candidates = [folder]
        if let real = realPath(folder), real != folder { candidates.append(real) }
        for candidate in candidates {
            if trimmed(name) == candidate { return "." }
            let prefix = candidate == "/" ? "/" : candidate + "/"
            if name.hasPrefix(prefix) {
                let inside = name.dropFirst(prefix.count).drop { $0 == "/" }
                return inside.isEmpty ? "." : String(inside)
            }
        }
        return nil
    }

    private func refusal(of name: String, in folder: String, errno number: Int32) -> PipelinesError {
        switch number {
        case ENOENT, ENOTDIR:
            let place = name.hasPrefix("/") ? "" : " in \(folder)"
            return PipelinesError(.notFound, "there is no file \(quoted(name))\(place)", errno: number)
        case EACCES, EPERM:
            return PipelinesError(.forbidden, "\(quoted(name)) may not be read: \(systemText(number))", errno: number)
        case EXDEV, ELOOP: return outside(name)
        default:
            return PipelinesError(
                .unavailable, "\(quoted(name)) can't be opened: \(systemText(number))", errno: number)
        }
    }

    private func outside(_ name: String) -> PipelinesError {
        PipelinesError(
            .forbidden,
            "\(quoted(name)) lies outside of the folders that files may be read from: "
                + sources.joined(separator: ", "), errno: EXDEV)
    }

    /// Opens a folder for the time of a call. Not kept open: it may be replaced while the daemon runs.
    func beneath<Value>(_ folder: String, _ body: (Int32) -> Value) throws(PipelinesError) -> Value {
        let descriptor = ladle_open_folder(folder)
        guard descriptor >= 0 else {
            throw PipelinesError(
                .unavailable, "the folder \(folder) can't be opened: \(systemText(-descriptor))", errno: -descriptor)
        }
        defer { close(descriptor) }
        return body(descriptor)
    }
}

/// Without the slashes at its end.
private func trimmed(_ path: String) -> String {
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
    return String(path)
}

private func realPath(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
}

func hasControlCharacters(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0.properties.generalCategory == .control }
}

/// For messages: in quotes, with control characters made visible.
func quoted(_ text: String) -> String { text.debugDescription }
