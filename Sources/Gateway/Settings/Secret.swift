import Glibc

/// The first line of a file that holds a token or a password. Prints as "•••".
struct Secret: Sendable, CustomStringConvertible {
    let text: String
    private let path: String
    /// Whether the file's mode lets every user of the machine read it.
    let isReadableByOthers: Bool

    var description: String { "•••" }

    var warning: String { "every user of this machine can read \(path); chmod 600 it" }

    /// Tokens and addresses are some hundred bytes.
    static let limit = 16 * 1024

    /// - Parameter name: A path, or, without a slash, the name of a systemd credential.
    static func read(_ name: String, _ reading: SettingsReading) throws(SettingRefusal) -> Secret {
        guard !name.contains("/") else {
            let path = name.hasPrefix("./") ? String(name.dropFirst(2)) : name
            return try read(path: path.hasPrefix("/") ? path : "\(reading.folder)/\(path)")
        }
        guard let folder = reading.credentialsFolder else {
            throw SettingRefusal(
                "names a systemd credential, and this program was given none (CREDENTIALS_DIRECTORY is not set); a file "
                    + "is named with its path")
        }
        return try read(path: "\(folder)/\(name)")
    }

    static func read(path: String) throws(SettingRefusal) -> Secret {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            // Not repeated: it may be the secret itself, written where the name of its file belongs.
            if errno == ENOENT { throw SettingRefusal("the file that it names does not exist") }
            throw SettingRefusal("\(path) can't be read: \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        var about = stat()
        guard fstat(file, &about) == 0, about.st_mode & S_IFMT == S_IFREG else {
            throw SettingRefusal("\(path) is no file")
        }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = Glibc.read(file, &bytes, limit)
        guard count >= 0 else { throw SettingRefusal("\(path) can't be read: \(String(cString: strerror(errno)))") }
        let line = bytes[..<count].prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard let text = String(validating: line, as: UTF8.self), !text.isEmpty else {
            throw SettingRefusal(line.isEmpty ? "the first line of \(path) is empty" : "\(path) is no UTF-8 text")
        }
        guard count < limit else { throw SettingRefusal("\(path) is too long for a secret") }
        return Secret(text: text, path: path, isReadableByOthers: about.st_mode & 0o004 != 0)
    }
}
