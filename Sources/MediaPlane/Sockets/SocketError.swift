import Glibc

/// Why the system refused a socket.
public struct SocketError: Error, Sendable, Hashable, CustomStringConvertible {
    /// As in errno(3).
    public let number: Int32

    public init(number: Int32) { self.number = number }

    /// Another socket has this port, or this address and port.
    public var isTaken: Bool { number == EADDRINUSE }

    public var description: String { String(cString: strerror(number)) }
}
