import Base
import Glibc

/// How this machine is called by others.
enum MachineAddress {
    /// The IPv4 address that it would call them from; nil: it is on no network. Nothing is sent to find it.
    static var main: String? {
        // TEST-NET-1 (RFC 5737): nobody's, so it takes the way of everything that is far away.
        guard var far = SocketAddress("192.0.2.1", port: 9) else { return nil }
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var length = far.length
        let isKnown = withUnsafeMutablePointer(to: &far.storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        return isKnown ? far.ip : nil
    }
}
