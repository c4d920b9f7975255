import Base
import CLinux
import Glibc
import MediaPlane
import Testing

/// A deadline for things that take milliseconds: ten times what a loaded machine needs.
let patience = Duration.seconds(120)

/// A blocking UDP socket of the test itself, beside whatever the plane does.
final class TestSocket: Sendable {
    let descriptor: Int32
    let address: SocketAddress

    init(port: UInt16 = 0, ip: String = "127.0.0.1") throws {
        var bound = try #require(SocketAddress(ip, port: port))
        descriptor = socket(bound.isIPv4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        var length = bound.length
        let descriptor = self.descriptor
        let failed = withUnsafeMutablePointer(to: &bound.storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) != 0 || getsockname(descriptor, $0, &length) != 0
            }
        }
        address = bound
        try #require(!failed)
        ladle_socket_buffers(descriptor, 4 << 20, 4 << 20)
        var limit = timeval(tv_sec: Int(patience.seconds), tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8], to port: UInt16) {
        guard let to = SocketAddress(address.ip, port: port) else { return }
        withUnsafePointer(to: to.storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, bytes, bytes.count, 0, $0, to.length)
            }
        }
    }

    /// The next datagram; nil after `patience`.
    func receive() -> (bytes: [UInt8], from: UInt16)? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        var from = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let count = withUnsafeMutablePointer(to: &from) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &bytes, bytes.count, 0, $0, &length)
            }
        }
        return count < 0 ? nil : (Array(bytes[..<count]), SocketAddress(storage: from).port)
    }
}

/// How many descriptors this process has open.
func openDescriptors() -> Int { (0..<4096).count { fcntl($0, F_GETFD) != -1 } }

/// Names of this process's threads that are media loops of this test.
func threads(named name: String) -> Int {
    guard let directory = opendir("/proc/self/task") else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
        let task = withUnsafePointer(to: entry.pointee.d_name) { tuple in
            tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard let file = fopen("/proc/self/task/\(task)/comm", "r") else { continue }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 32)
        guard fgets(&line, 32, file) != nil else { continue }
        let text = line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
        if String(decoding: text, as: UTF8.self) == name { count += 1 }
    }
    return count
}

/// Waits for what another thread is about to do; false after `patience`.
func eventually(_ condition: () async -> Bool) async -> Bool {
    let limit = ladle_monotonic_ns() + patience.nanoseconds
    while ladle_monotonic_ns() < limit {
        if await condition() { return true }
        await Task.yield()
    }
    return await condition()
}

extension Locked where Value: Sendable {
    var value: Value {
        get { withLock { $0 } }
        set { withLock { $0 = newValue } }
    }
}

extension Locked<Int> {
    /// The value after the addition.
    func add(_ amount: Int) -> Int {
        withLock { value in
            value += amount
            return value
        }
    }
}
