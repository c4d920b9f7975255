import Base
import Dispatch
import Glibc
import MediaPlane

/// The disk that recordings go to, looked at from a thread of its own: a network disk that is gone keeps who looks at it
/// for ever.
struct RecordingsDisk: Sendable {
    struct Look: Sendable, Hashable {
        /// Why nothing can be written; nil: something can.
        var problem: String?
        /// For an ordinary user; nil when the file system does not tell.
        var freeBytes: UInt64?
        var sizeBytes: UInt64?
    }

    private let inquiry: Inquiry<Look>

    /// - Parameter folder: Absolute. When it does not exist yet, its parent counts, in which it would be made.
    init(folder: String) {
        let queue = DispatchQueue(label: "ladle.recordings-disk")
        inquiry = Inquiry {
            await withCheckedContinuation { continuation in
                queue.async { continuation.resume(returning: Self.look(at: folder)) }
            }
        }
    }

    /// Nil: the file system does not answer.
    func look(within limit: Duration) async -> Look? { await inquiry.answer(within: limit) }

    private static func look(at folder: String) -> Look {
        var place = folder
        if access(place, F_OK) != 0 { place = "/" + folder.split(separator: "/").dropLast().joined(separator: "/") }
        var look = Look()
        // Search and write permission: a file is to be made in it. The dot: it must be a folder.
        if access(place + "/.", W_OK | X_OK) != 0 { look.problem = String(cString: strerror(errno)) }
        var about = statvfs()
        if statvfs(place, &about) == 0 {
            look.freeBytes = UInt64(about.f_bavail) * UInt64(about.f_frsize)
            look.sizeBytes = UInt64(about.f_blocks) * UInt64(about.f_frsize)
        }
        return look
    }
}
