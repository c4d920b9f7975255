import MediaCore

/// Why a room or a pipeline refused. Name and message are for the caller; the code tells the doors whose fault it was.
public struct ControlError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// Malformed or contradicting input.
        case invalid
        /// Well formed, but this gateway can't do it.
        case unsupported
        /// No such thing.
        case notFound
        /// It was done already, or the name is taken.
        case conflict
        /// Ports, processes or other resources are used up.
        case exhausted
        /// The gateway is being stopped; another one may take its place soon.
        case stopping
        /// Our own fault.
        case failed
    }

    public let code: Code
    /// As JavaScript names it: "TypeError", "UnsupportedError", "InvalidStateError", "Error".
    public let name: String
    /// One line that names the subject and the cause.
    public let message: String

    public init(_ code: Code, name: String = "Error", _ message: String) {
        self.code = code
        self.name = name
        self.message = message
    }

    public init(_ error: MediaCoreError) {
        let code: Code =
            switch error.code {
            case .invalid: .invalid
            case .unsupported: .unsupported
            case .notFound: .notFound
            case .conflict: .conflict
            case .exhausted: .exhausted
            case .failed: .failed
            }
        self.init(code, name: error.name, error.message)
    }

    public var description: String { "\(name): \(message)" }

    public static func type(_ message: String) -> ControlError { ControlError(.invalid, name: "TypeError", message) }
    public static func unsupported(_ message: String) -> ControlError {
        ControlError(.unsupported, name: "UnsupportedError", message)
    }
    public static func notFound(_ message: String) -> ControlError { ControlError(.notFound, message) }
    static let shuttingDown = ControlError(.stopping, "the gateway is shutting down")
    public static func conflict(_ message: String) -> ControlError { ControlError(.conflict, message) }
}
