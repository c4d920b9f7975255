import ORTC

/// Why a command was refused. Name and message are mediasoup's where it has them.
public struct SFUError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// Malformed or contradicting parameters.
        case invalid
        /// Well formed, but this engine or router can't do it.
        case unsupported
        /// No such router, transport, producer or consumer.
        case notFound
        /// It was done already, or the id, SSRC or MID is taken.
        case conflict
        /// Our own fault.
        case failed
    }

    public let code: Code
    /// As JavaScript names it: "TypeError", "UnsupportedError", "Error".
    public let name: String
    public let message: String

    public init(_ code: Code, name: String = "Error", _ message: String) {
        self.code = code
        self.name = name
        self.message = message
    }

    init(_ error: ORTCError) {
        let code: Code =
            switch error.name {
            case .type: .invalid
            case .unsupported: .unsupported
            case .plain: .failed
            }
        self.init(code, name: error.name.rawValue, error.message)
    }

    static func invalid(_ message: String) -> SFUError { SFUError(.invalid, name: "TypeError", message) }

    static func unsupported(_ message: String) -> SFUError {
        SFUError(.unsupported, name: "UnsupportedError", message)
    }

    /// mediasoup's words for a method of an object that its media process does not have.
    static func noSuchObject(_ id: String, _ method: String) -> SFUError {
        SFUError(.notFound, "Channel request handler with ID \(id) not found [method:\(method)]")
    }

    public var description: String { "\(name): \(message)" }
}
