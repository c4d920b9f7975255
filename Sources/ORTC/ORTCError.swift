/// Why parameters can't be negotiated. Name and message are mediasoup's.
public struct ORTCError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Name: String, Sendable, Hashable {
        /// Malformed or contradicting parameters: the caller's fault.
        case type = "TypeError"
        /// Well formed, but no codec fits.
        case unsupported = "UnsupportedError"
        case plain = "Error"
    }

    public let name: Name
    public let message: String

    public init(_ name: Name, _ message: String) {
        self.name = name
        self.message = message
    }

    public static func type(_ message: String) -> ORTCError { ORTCError(.type, message) }
    public static func unsupported(_ message: String) -> ORTCError { ORTCError(.unsupported, message) }

    public var description: String { "\(name.rawValue): \(message)" }
}
