import Base
import CLinux
import Glibc
import Testing

/// A blocking TCP connection of the test itself, with frames in it (RFC 4571).
final class TCPClient {
    let descriptor: Int32
    private var read: [UInt8] = []

    /// - Parameter receiveBuffer: Of the kernel, in bytes; nil: it grows as it likes.
    init(to port: UInt16, ip: String = "127.0.0.1", receiveBuffer: Int32? = nil) throws {
        let remote = try #require(SocketAddress(ip, port: port))
        descriptor = socket(remote.isIPv4 ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        if var receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var limit = timeval(tv_sec: Int(patience.seconds), tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        let descriptor = self.descriptor
        let isConnected = withUnsafePointer(to: remote.storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, remote.length) == 0 }
        }
        try #require(isConnected, "port \(port): \(String(cString: strerror(errno)))")
    }

    deinit { close(descriptor) }

    static func frame(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes }

    func send(_ datagram: [UInt8]) { sendRaw(Self.frame(datagram)) }

    func sendRaw(_ bytes: [UInt8]) {
        let count = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        #expect(count == bytes.count)
    }

    /// The next frame; nil at the end, or after `patience`.
    func receive() -> [UInt8]? {
        while true {
            if read.count >= 2 {
                let end = 2 + Int(read[0]) << 8 + Int(read[1])
                if read.count >= end {
                    defer { read.removeFirst(end) }
                    return Array(read[2..<end])
                }
            }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            guard count > 0 else { return nil }
            read += bytes[..<count]
        }
    }

    /// Waits for the other side to close it. False after `patience`.
    func isClosedByServer() -> Bool {
        var byte: UInt8 = 0
        while true {
            let count = recv(descriptor, &byte, 1, 0)
            if count == 0 || (count < 0 && errno == ECONNRESET) { return true }
            if count < 0 { return false }
        }
    }
}
