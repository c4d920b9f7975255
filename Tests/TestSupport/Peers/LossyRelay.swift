import Glibc
import Synchronization

/// A stretch of network on loopback that loses datagrams in both directions, the same ones for the same seed.
///
/// It has a socket on either side. What comes to one leaves from the other, to whom that one has heard last or was told.
public final class LossyRelay: Sendable {
    public enum Side: Int, Sendable { case near, far }

    private struct State {
        var peers: [sockaddr_in?] = [nil, nil]
        var carried = 0
        var lost = 0
        var isOver = false
    }

    /// Where each side sends to.
    public let near: UInt16
    public let far: UInt16
    private let state: Shared

    /// The thread's and ours: it outlives neither.
    private final class Shared: Sendable {
        let mutex = Mutex(State())
    }

    /// - Parameter loss: A share, 0…1.
    public init(loss: Double, seed: UInt64) throws {
        let sockets = try [Self.boundSocket(), Self.boundSocket()]
        (near, far) = (Self.port(of: sockets[0]), Self.port(of: sockets[1]))
        let shared = Shared()
        state = shared
        ThreadStart { Self.carry(sockets, loss: loss, seed: seed, shared) }.start()
    }

    deinit { state.mutex.withLock { $0.isOver = true } }

    /// Whom a side's socket sends to before anything came from there.
    public func aim(_ side: Side, at port: UInt16) {
        state.mutex.withLock { $0.peers[side.rawValue] = Self.address(port) }
    }

    public var counts: (carried: Int, lost: Int) { state.mutex.withLock { ($0.carried, $0.lost) } }

    private static func carry(_ sockets: [Int32], loss: Double, seed: UInt64, _ shared: Shared) {
        defer { for socket in sockets { close(socket) } }
        var random = SeededGenerator(seed: seed)
        var room = [UInt8](repeating: 0, count: 1 << 16)
        while !shared.mutex.withLock({ $0.isOver }) {
            var polled = sockets.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&polled, 2, 5) > 0 else { continue }
            for side in 0..<2 where polled[side].revents != 0 {
                var from = sockaddr_in()
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                let got = withUnsafeMutablePointer(to: &from) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(sockets[side], &room, room.count, Int32(MSG_DONTWAIT), $0, &length)
                    }
                }
                guard got > 0 else { continue }
                let isLost = Double.random(in: 0..<1, using: &random) < loss
                let to = shared.mutex.withLock { state in
                    state.peers[side] = from
                    if isLost { state.lost += 1 } else { state.carried += 1 }
                    return state.peers[1 - side]
                }
                guard !isLost, var to else { continue }
                _ = withUnsafePointer(to: &to) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        sendto(sockets[1 - side], room, got, 0, $0, length)
                    }
                }
            }
        }
    }

    private static func boundSocket() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var any = address(0)
        var size: Int32 = 1 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        let failed = withUnsafePointer(to: &any) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard failed == 0 else {
            throw ExternalTool.Failure(description: "no port for a relay: \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func port(of descriptor: Int32) -> UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return UInt16(bigEndian: address.sin_port)
    }
}
