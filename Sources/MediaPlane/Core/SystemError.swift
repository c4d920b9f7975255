import Glibc
import MediaCore

extension MediaCoreError {
    /// A system call failed, and it was none of the caller's business. The limits of descriptors and memory are
    /// `exhausted`.
    static func system(_ what: String, _ number: Int32) -> MediaCoreError {
        let isLimit = [EMFILE, ENFILE, ENOMEM, ENOBUFS, ENOSPC, EAGAIN].contains(number)
        return MediaCoreError(
            isLimit ? .exhausted : .failed, name: "Error", message: "\(what): \(String(cString: strerror(number)))")
    }
}
