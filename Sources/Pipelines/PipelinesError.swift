/// Why a pipeline, a file or a description was refused before any process said a word.
public struct PipelinesError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Whose fault and of which kind; the doors turn it into a status.
    public enum Code: String, Sendable, Hashable {
        /// The name itself is wrong: control characters, "..", a container that can't be written.
        case invalid
        /// There is no such file or description.
        case notFound = "not-found"
        /// It exists, but outside of what settings allow, or the daemon may not read it.
        case forbidden
        /// The name is taken.
        case exists
        /// The file, the folder or the system is in a state that does not allow it.
        case unavailable
        /// Our own fault.
        case failed
    }

    public let code: Code
    /// One line for a person that names the subject and the cause.
    public let message: String
    /// The system's number, where the system refused.
    public let errno: Int32?

    public init(_ code: Code, _ message: String, errno: Int32? = nil) {
        self.code = code
        self.message = message
        self.errno = errno
    }

    public var description: String { message }
}
