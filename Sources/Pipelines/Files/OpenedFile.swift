import Glibc

/// A file that is open as long as somebody holds this.
public final class OpenedFile: Sendable {
    public let descriptor: Int32
    /// As a person would open it.
    public let path: String
    /// Its last component.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// In bytes.
    public var size: Int {
        var about = stat()
        return fstat(descriptor, &about) == 0 ? Int(about.st_size) : 0
    }

    /// Whether somebody deleted it meanwhile: what is written goes nowhere.
    public var isDeleted: Bool {
        var about = stat()
        return fstat(descriptor, &about) == 0 && about.st_nlink == 0
    }

    /// Takes a file away that nothing was ever written to. True: it is gone.
    @discardableResult
    public func removeIfEmpty() -> Bool {
        var here = stat()
        var there = stat()
        // Only if the name still means this very file.
        guard fstat(descriptor, &here) == 0, here.st_size == 0, lstat(path, &there) == 0,
            here.st_ino == there.st_ino, here.st_dev == there.st_dev
        else { return false }
        return unlink(path) == 0
    }
}
