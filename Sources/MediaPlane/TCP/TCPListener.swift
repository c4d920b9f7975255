import Base
import CLinux
import Glibc

/// A bound TCP socket that waits for connections and does not block; closed with its owner.
public struct TCPListener: ~Copyable {
    let descriptor: Int32
    /// Where it is bound to; the kernel's choice when port 0 was asked for.
    public let local: SocketAddress

    /// Connections that may wait between two turns; the kernel cuts it to net.core.somaxconn.
    private static let backlog: Int32 = 512

    private init(descriptor: Int32, local: SocketAddress) {
        self.descriptor = descriptor
        self.local = local
    }

    deinit { close(descriptor) }

    /// Listens exactly there; "::" leaves IPv4 to another socket.
    public static func listen(on address: SocketAddress) throws(SocketError) -> TCPListener {
        var local = address
        let descriptor = ladle_tcp_listen(&local.storage, local.length, backlog)
        guard descriptor >= 0 else { throw SocketError(number: -descriptor) }
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let failed = withUnsafeMutablePointer(to: &local.storage) { storage in
            // The storage is laid out as the kernel writes it, for both families.
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) != 0 }
        }
        if failed {
            let error = SocketError(number: errno)
            close(descriptor)
            throw error
        }
        return TCPListener(descriptor: descriptor, local: local)
    }

    enum Accepted: ~Copyable {
        case connection(TCPConnection)
        /// None waits, or it has gone again.
        case none
        /// Descriptors or memory are used up; the connection waits on.
        case exhausted
    }

    /// - Parameter index: Of the listener, for the connection to remember.
    borrowing func accept(_ index: SlabIndex, now: Instant) -> Accepted {
        var remote = sockaddr_in6()
        while true {
            let result = ladle_tcp_accept(descriptor, &remote, TCPConnection.unsentInKernel)
            if result >= 0 {
                return .connection(
                    TCPConnection(
                        descriptor: result, remote: SocketAddress(storage: remote), listener: index, now: now))
            }
            switch -result {
            case EINTR: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            default: return .none
            }
        }
    }
}
