import Base

public enum ICEProtocol: String, Sendable, Hashable, CaseIterable {
    case udp, tcp
}

/// A way between us and a client: where packets come from, and where answers go.
public struct ICETuple: Sendable, Hashable {
    /// The driver's number of a UDP socket, or of one TCP connection.
    public var socket: UInt32
    public var remote: SocketAddress
    public var transport: ICEProtocol
    /// The driver's number of the socket that clients are told of: the one that let a connection in, or `socket` itself.
    public var listener: UInt32

    public init(socket: UInt32, remote: SocketAddress, transport: ICEProtocol, listener: UInt32? = nil) {
        (self.socket, self.remote, self.transport) = (socket, remote, transport)
        self.listener = listener ?? socket
    }
}

extension ICETuple: CustomStringConvertible {
    public var description: String { "\(transport.rawValue) \(remote) on socket \(socket)" }
}

/// mediasoup's states; it knows no `checking` and no `failed`, since it waits and does not check.
public enum ICEState: String, Sendable, Hashable {
    case new, connected, completed, disconnected
}
