import Base
import Glibc
import Synchronization

/// A stretch of network between a client and a server on loopback, TCP or UDP, that can be cut.
public final class CuttingRelay: Sendable {
    public enum Transport: Sendable { case tcp, udp }
    public enum Cut: Sendable, Hashable {
        case none
        /// Whatever comes is lost; nobody is told.
        case silent
        /// Connections are closed and new ones refused.
        case closed
    }

    /// Where clients connect to.
    public let port: UInt16
    private let state = Mutex<(cut: Cut, isOver: Bool)>((.none, false))

    public init(to target: UInt16, _ transport: Transport = .tcp) throws {
        let listener = try Wire.listener(transport)
        port = Wire.port(of: listener)
        let port = port
        let look: @Sendable () -> (cut: Cut, isOver: Bool) = { [weak self] in
            self?.state.withLock { $0 } ?? (.none, true)
        }
        ThreadStart {
            switch transport {
            case .tcp: Wire.carryConnections(listener, port: port, to: target, look)
            case .udp: Wire.carryDatagrams(listener, to: target, look)
            }
        }.start()
    }

    deinit { state.withLock { $0.isOver = true } }

    public func cut(_ cut: Cut) { state.withLock { $0.cut = cut } }

    /// The work of the relay's thread.
    private enum Wire {
        typealias Look = @Sendable () -> (cut: Cut, isOver: Bool)

        static func listener(_ transport: Transport, port: UInt16 = 0) throws -> Int32 {
            let type = Int32((transport == .tcp ? SOCK_STREAM : SOCK_DGRAM).rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let descriptor = socket(AF_INET, type, 0)
            var yes: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
            guard call(bind, descriptor, port: port) == 0, transport == .udp || listen(descriptor, 16) == 0 else {
                throw ExternalTool.Failure(description: "no port for a relay: \(String(cString: strerror(errno)))")
            }
            return descriptor
        }

        static func call(
            _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ descriptor: Int32, port: UInt16
        ) -> Int32 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }

        static func port(of descriptor: Int32) -> UInt16 {
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            _ = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
            }
            return UInt16(bigEndian: address.sin_port)
        }

        static func connected(to port: UInt16) -> Int32? {
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let descriptor = socket(AF_INET, type, 0)
            if call(connect, descriptor, port: port) == 0 { return descriptor }
            close(descriptor)
            return nil
        }

        static func carryConnections(_ first: Int32, port: UInt16, to target: UInt16, _ look: Look) {
            var listener: Int32? = first
            var peers: [Int32: Int32] = [:]
            /// What their receivers do not take yet, by receiver: one that is slow holds up its own sender only.
            var waiting: [Int32: [UInt8]] = [:]
            /// Came while nothing went through: nobody answers them, ever.
            var lost: [Int32] = []
            var room = [UInt8](repeating: 0, count: 1 << 16)
            func end(_ descriptor: Int32) {
                guard let other = peers.removeValue(forKey: descriptor) else { return }
                peers[other] = nil
                for descriptor in [descriptor, other] {
                    waiting[descriptor] = nil
                    close(descriptor)
                }
            }
            func pass(to receiver: Int32) {
                guard let bytes = waiting[receiver], !bytes.isEmpty else { return }
                let sent = send(receiver, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                if sent > 0 { waiting[receiver]?.removeFirst(sent) }
            }
            while true {
                let (cut, isOver) = look()
                if isOver || cut == .closed {
                    for descriptor in peers.keys { end(descriptor) }
                    for descriptor in [listener].compactMap(\.self) + lost { close(descriptor) }
                    (listener, lost) = (nil, [])
                    if isOver { return }
                } else if listener == nil {
                    listener = try? Self.listener(.tcp, port: port)
                }
                var polled = [listener].compactMap(\.self).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
                for (one, other) in peers {
                    let takes = waiting[other]?.isEmpty ?? true
                    let has = !(waiting[one]?.isEmpty ?? true)
                    let events = (takes ? POLLIN : 0) | (has ? POLLOUT : 0)
                    polled.append(pollfd(fd: one, events: Int16(events), revents: 0))
                }
                guard poll(&polled, nfds_t(polled.count), 5) > 0 else { continue }
                for ready in polled where ready.revents != 0 {
                    if ready.fd == listener {
                        let client = accept(ready.fd, nil, nil)
                        if cut == .silent {
                            lost.append(client)
                        } else if client >= 0, let server = connected(to: target) {
                            (peers[client], peers[server]) = (server, client)
                        } else {
                            close(client)
                        }
                    } else if let other = peers[ready.fd] {
                        if ready.revents & Int16(POLLOUT) != 0 { pass(to: ready.fd) }
                        guard ready.revents & ~Int16(POLLOUT) != 0 else { continue }
                        let got = read(ready.fd, &room, room.count)
                        if got <= 0 {
                            end(ready.fd)
                        } else if look().cut == .none {
                            waiting[other, default: []] += room[..<got]
                            pass(to: other)
                        }
                    }
                }
            }
        }

        /// One client at a time: the one who spoke last.
        static func carryDatagrams(_ listener: Int32, to target: UInt16, _ look: Look) {
            let outer = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            _ = call(connect, outer, port: target)
            defer {
                close(listener)
                close(outer)
            }
            var room = [UInt8](repeating: 0, count: 1 << 16)
            var client = sockaddr_in()
            while !look().isOver {
                var polled = [listener, outer].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
                guard poll(&polled, 2, 5) > 0 else { continue }
                withUnsafeMutablePointer(to: &client) { client in
                    client.withMemoryRebound(to: sockaddr.self, capacity: 1) { client in
                        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                        if polled[0].revents != 0 {
                            let got = recvfrom(listener, &room, room.count, 0, client, &length)
                            if got > 0, look().cut == .none { send(outer, room, got, 0) }
                        }
                        if polled[1].revents != 0 {
                            let got = read(outer, &room, room.count)
                            if got > 0, look().cut == .none { sendto(listener, room, got, 0, client, length) }
                        }
                    }
                }
            }
        }
    }
}
