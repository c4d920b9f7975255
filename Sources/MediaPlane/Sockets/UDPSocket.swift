import Base
import CLinux
import Glibc

/// A bound, non-blocking UDP socket; closed with its owner.
public struct UDPSocket: ~Copyable {
    public let descriptor: Int32
    /// Where it is bound to; the kernel's choice when port 0 was asked for.
    public let local: SocketAddress

    /// Key frames of many streams come at once, and the loop may be at the end of a long turn: 2 MB is some 40 ms of
    /// 400 Mbit/s. Memory is used only while packets wait.
    private static let bufferBytes: Int32 = 2 << 20

    private init(descriptor: Int32, local: SocketAddress) {
        self.descriptor = descriptor
        self.local = local
    }

    deinit { close(descriptor) }

    /// Binds exactly there: no address is shared with another socket.
    /// - Parameter isIPv6Only: "::" leaves IPv4 to another socket.
    public static func bind(
        to address: SocketAddress, isIPv6Only: Bool = false
    ) throws(SocketError) -> UDPSocket {
        let descriptor = ladle_udp_socket(address.isIPv4 ? AF_INET : AF_INET6)
        guard descriptor >= 0 else { throw SocketError(number: -descriptor) }
        if isIPv6Only, !address.isIPv4 { ladle_ipv6_only(descriptor) }
        var local = address
        var length = address.length
        let failed = withUnsafeMutablePointer(to: &local.storage) { storage in
            // The storage is laid out as the kernel reads it, for both families.
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                Glibc.bind(descriptor, name, length) != 0 || getsockname(descriptor, name, &length) != 0
            }
        }
        if failed {
            let error = SocketError(number: errno)
            close(descriptor)
            throw error
        }
        ladle_socket_buffers(descriptor, bufferBytes, bufferBytes)
        // Refused by kernels before 5.0: they just deliver the datagrams one by one.
        _ = ladle_udp_receive_joined(descriptor)
        return UDPSocket(descriptor: descriptor, local: local)
    }

    /// Fixes the remote side: the kernel keeps the way there, and drops what comes from elsewhere. False: it refused.
    public func connect(to remote: SocketAddress) -> Bool {
        withUnsafePointer(to: remote.storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, remote.length) == 0
            }
        }
    }

    /// Undoes `connect`. Address and port stay, since both were asked for.
    public func disconnect() {
        var nobody = sockaddr()
        nobody.sa_family = sa_family_t(AF_UNSPEC)
        _ = Glibc.connect(descriptor, &nobody, socklen_t(MemoryLayout<sockaddr>.size))
    }
}
