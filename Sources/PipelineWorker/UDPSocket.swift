import Base
import CLinux
import Glibc

/// A UDP socket that never blocks on receiving.
final class UDPSocket {
    let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Connected to one address: only what comes from there is received.
    static func connected(to address: SocketAddress) -> UDPSocket? {
        guard let made = make(like: address) else { return nil }
        let failure = address.withSockaddr { connect(made.descriptor, $0, $1) }
        return failure == 0 ? made : nil
    }

    /// Bound to a port that the kernel chooses, with a receive buffer as large as it gives.
    static func bound(to address: SocketAddress, receiveBuffer: Int32) -> UDPSocket? {
        guard let made = make(like: address) else { return nil }
        ladle_worker_receive_buffer(made.descriptor, receiveBuffer)
        let failure = address.withSockaddr { bind(made.descriptor, $0, $1) }
        return failure == 0 ? made : nil
    }

    private static func make(like address: SocketAddress) -> UDPSocket? {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.isIPv4 ? AF_INET : AF_INET6, type, 0)
        return descriptor < 0 ? nil : UDPSocket(descriptor: descriptor)
    }

    /// The port that the kernel chose.
    var localPort: UInt16? {
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let failure = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return failure == 0 ? SocketAddress(storage: storage).port : nil
    }

    /// Sends datagrams that lie back to back. What nobody takes is lost, as with UDP anywhere.
    func send(_ bytes: UnsafeRawBufferPointer, sizes: [UInt32]) {
        guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
        _ = ladle_worker_send_many(descriptor, start, sizes, UInt32(sizes.count))
    }

    func send(_ datagram: [UInt8]) {
        datagram.withUnsafeBytes { send($0, sizes: [UInt32(datagram.count)]) }
    }

    func send(_ datagram: [UInt8], to address: SocketAddress) {
        _ = address.withSockaddr { sendto(descriptor, datagram, datagram.count, Int32(MSG_NOSIGNAL), $0, $1) }
    }
}

/// Room for one batch of received datagrams, reused for every batch.
final class ReceiveBatch {
    /// Larger than any datagram on an ordinary path; a longer one is dropped.
    private static let slot = 2048
    private static let slots = 64
    private let room = UnsafeMutablePointer<UInt8>.allocate(capacity: slot * slots)
    private var sizes = [UInt32](repeating: 0, count: slots)

    deinit { room.deallocate() }

    /// Receives what is there, at most one batch, and hands each datagram over.
    /// - Returns: whether there may be more.
    func receive(from socket: UDPSocket, _ body: (RawSpan) -> Void) -> Bool {
        let got = ladle_worker_receive_many(
            socket.descriptor, room, UInt32(Self.slot), &sizes, UInt32(Self.slots))
        guard got > 0 else { return false }
        for index in 0..<Int(got) where sizes[index] > 0 {
            // The kernel wrote `sizes[index]` ≤ slot bytes there, and `room` lives as long as this.
            body(UnsafeRawBufferPointer(start: room + index * Self.slot, count: Int(sizes[index])).bytes)
        }
        return Int(got) == Self.slots
    }
}

extension SocketAddress {
    /// The address as the kernel's calls take it.
    fileprivate func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        // A `sockaddr_in6` has room for both families and begins like a `sockaddr`.
        withUnsafePointer(to: storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
