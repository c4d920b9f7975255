import Base
import Glibc

/// A UDP socket of a test on loopback.
final class Datagram {
    let descriptor: Int32
    let port: UInt16

    init() {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = SocketAddress("127.0.0.1", port: 0) ?? SocketAddress(storage: sockaddr_in6())
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let descriptor = descriptor
        withUnsafeMutablePointer(to: &address.storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                _ = getsockname(descriptor, $0, &length)
            }
        }
        port = address.port
    }

    deinit { close(descriptor) }

    /// The next datagram with its sender; nil after ten seconds of silence.
    func receive() -> (bytes: [UInt8], from: SocketAddress)? {
        var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&polled, 1, 10_000) > 0 else { return nil }
        var room = [UInt8](repeating: 0, count: 4096)
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let got = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &room, room.count, 0, $0, &length)
            }
        }
        return got >= 0 ? (Array(room[..<got]), SocketAddress(storage: storage)) : nil
    }

    func send(_ bytes: [UInt8], to address: SocketAddress) {
        withUnsafePointer(to: address.storage) { storage in
            _ = storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, address.length)
            }
        }
    }

    static func send(_ bytes: [UInt8], to port: UInt16) {
        guard let address = SocketAddress("127.0.0.1", port: port) else { return }
        Datagram().send(bytes, to: address)
    }
}
