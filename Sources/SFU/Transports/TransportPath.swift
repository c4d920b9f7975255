import Base

/// Where a transport's datagrams go, and the socket that they leave from. Trivial: it is read for every packet.
struct TransportPath: Sendable, Hashable {
    var remote: SocketAddress
    var socket: SocketID
}
