import ORTC

/// Why a core refused. Name and message are mediasoup's where it has them.
public struct MediaCoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Whose fault and of which kind; the doors turn it into a status.
    public enum Code: Sendable, Hashable {
        /// Malformed or contradicting parameters.
        case invalid
        /// Well formed, but this core or router can't do it.
        case unsupported
        /// No such router, transport, producer or consumer.
        case notFound
        /// It was done already, or the id or SSRC is taken.
        case conflict
        /// Ports or other resources are used up.
        case exhausted
        /// Our own fault.
        case failed
    }

    public let code: Code
    /// As JavaScript names it: "TypeError", "UnsupportedError", "InvalidStateError", "Error".
    public let name: String
    public let message: String

    public init(_ code: Code, name: String, message: String) {
        self.code = code
        self.name = name
        self.message = message
    }

    public init(_ error: ORTCError) {
        let code: Code =
            switch error.name {
            case .type: .invalid
            case .unsupported: .unsupported
            case .plain: .failed
            }
        self.init(code, name: error.name.rawValue, message: error.message)
    }

    public var description: String { "\(name): \(message)" }
}
