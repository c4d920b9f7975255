import Base
import Foundation
import Synchronization
import TestSupport
import Testing

/// A network between two programs on loopback that can fail: what arrives at `port` goes to the target, and back.
///
/// Silent as a pulled cable, closing as a crashed router, or narrow as a bad line; one thread, gone with its object.
final class CutRelay: Sendable {
    private let shared: RelayState
    let port: UInt16

    init(_ kind: LoopbackPort.Kind, to target: UInt16) throws {
        port = try LoopbackPort.free(kind)
        shared = RelayState()
        let (shared, port) = (shared, port)
        ThreadStart {
            switch kind {
            case .tcp:
                var relay = TCPRelay(shared: shared, port: port, target: target)
                relay.run()
            case .udp:
                var relay = UDPRelay(shared: shared, port: port, target: target)
                relay.run()
            }
        }.start()
        let deadline = ContinuousClock.now + .seconds(10)
        while !LoopbackPort.isOpen(port, kind) {
            guard ContinuousClock.now < deadline else { throw DeadlinePassed(what: "the relay on port \(port)") }
            usleep(1000)
        }
    }

    /// Nothing passes: connections stay, new ones hang, datagrams vanish.
    func cut() { shared.mode = .silent }

    /// Connections end, and the port refuses.
    func close() { shared.mode = .closed }

    func heal() { shared.mode = .passing }

    /// What comes back from the target passes at this rate at most: it waits for 300 ms, and what finds no room is lost. Only
    /// datagrams; bits per second, nil: all at once.
    func narrow(to bitsPerSecond: Int?) { shared.bitsPerSecond = bitsPerSecond }

    /// Datagrams that found no room.
    var lost: Int { shared.lost }

    deinit { shared.mode = .over }
}

private final class RelayState: Sendable {
    enum Mode { case passing, silent, closed, over }
    private let locked = Mutex((mode: Mode.passing, bitsPerSecond: Int?.none, lost: 0))

    var mode: Mode {
        get { locked.withLock { $0.mode } }
        set { locked.withLock { $0.mode = newValue } }
    }

    var bitsPerSecond: Int? {
        get { locked.withLock { $0.bitsPerSecond } }
        set { locked.withLock { $0.bitsPerSecond = newValue } }
    }

    var lost: Int { locked.withLock { $0.lost } }
    func lose() { locked.withLock { $0.lost += 1 } }
}

/// How long the relay sleeps at most before it looks at its mode again: well below what is measured with it.
private let turnMilliseconds: Int32 = 5
private let pieceSize = 1 << 16

private func socket(_ kind: __socket_type) -> Int32 {
    Glibc.socket(AF_INET, Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
}

// MARK: - Streams

private struct TCPRelay {
    /// Two connections and what is under way between them.
    struct Pair {
        var ends: [Int32]
        /// What goes to the end of the same index.
        var pending: [[UInt8]] = [[], []]
        var isOver = false
    }

    let shared: RelayState
    let port: UInt16
    let target: UInt16
    private var listener: Int32 = -1
    private var pairs: [Pair] = []

    init(shared: RelayState, port: UInt16, target: UInt16) {
        (self.shared, self.port, self.target) = (shared, port, target)
    }

    mutating func run() {
        while true {
            switch shared.mode {
            case .over:
                closeAll()
                return
            case .closed:
                closeAll()
                usleep(UInt32(turnMilliseconds) * 1000)
            case .silent: usleep(UInt32(turnMilliseconds) * 1000)
            case .passing:
                if listener < 0 { listen() }
                turn()
            }
        }
    }

    private mutating func listen() {
        let made = socket(SOCK_STREAM)
        var yes: Int32 = 1
        setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard LoopbackPort.bound(made, to: port) != nil, Glibc.listen(made, 16) == 0 else {
            Glibc.close(made)
            usleep(1000)
            return
        }
        listener = made
    }

    private mutating func closeAll() {
        if listener >= 0 { Glibc.close(listener) }
        listener = -1
        for pair in pairs { for end in pair.ends { Glibc.close(end) } }
        pairs = []
    }

    private mutating func turn() {
        var polled = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
        for pair in pairs {
            for end in 0..<2 {
                // Reads from one end only while nothing waits for the other.
                let events = (pair.pending[1 - end].isEmpty ? POLLIN : 0) | (pair.pending[end].isEmpty ? 0 : POLLOUT)
                polled.append(pollfd(fd: pair.ends[end], events: Int16(events), revents: 0))
            }
        }
        guard poll(&polled, nfds_t(polled.count), turnMilliseconds) > 0, shared.mode == .passing else { return }
        for index in pairs.indices {
            for end in 0..<2 where polled[1 + 2 * index + end].revents != 0 { move(index, end) }
        }
        for pair in pairs where pair.isOver { for end in pair.ends { Glibc.close(end) } }
        pairs.removeAll(where: \.isOver)
        if polled[0].revents != 0 { accept() }
    }

    private mutating func move(_ index: Int, _ end: Int) {
        if !pairs[index].pending[end].isEmpty { write(index, end) }
        guard pairs[index].pending[1 - end].isEmpty else { return }
        var piece = [UInt8](repeating: 0, count: pieceSize)
        let got = recv(pairs[index].ends[end], &piece, pieceSize, 0)
        if got > 0 {
            pairs[index].pending[1 - end] = Array(piece[..<got])
            write(index, 1 - end)
        } else if got == 0 || errno != EAGAIN {
            pairs[index].isOver = true
        }
    }

    private mutating func write(_ index: Int, _ end: Int) {
        let bytes = pairs[index].pending[end]
        let sent = send(pairs[index].ends[end], bytes, bytes.count, Int32(MSG_NOSIGNAL))
        if sent > 0 { pairs[index].pending[end].removeFirst(sent) }
        if sent < 0, errno != EAGAIN { pairs[index].isOver = true }
    }

    private mutating func accept() {
        let near = Glibc.accept(listener, nil, nil)
        guard near >= 0 else { return }
        _ = fcntl(near, F_SETFD, FD_CLOEXEC)
        _ = fcntl(near, F_SETFL, fcntl(near, F_GETFL) | O_NONBLOCK)
        // On loopback it answers at once; not blocking comes afterwards.
        let far = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard LoopbackPort.connected(far, to: target) else {
            Glibc.close(near)
            Glibc.close(far)
            return
        }
        _ = fcntl(far, F_SETFL, fcntl(far, F_GETFL) | O_NONBLOCK)
        pairs.append(Pair(ends: [near, far]))
    }
}

// MARK: - Datagrams

private struct UDPRelay {
    let shared: RelayState
    let port: UInt16
    let target: UInt16
    private var front: Int32 = -1
    /// By the sender's port: the socket that speaks for it to the target.
    private var backs: [UInt16: Int32] = [:]
    private var addresses: [UInt16: sockaddr_in] = [:]
    private var waiting = WaitingDatagrams()

    init(shared: RelayState, port: UInt16, target: UInt16) {
        (self.shared, self.port, self.target) = (shared, port, target)
    }

    mutating func run() {
        while true {
            switch shared.mode {
            case .over:
                closeAll()
                return
            case .closed:
                closeAll()
                usleep(UInt32(turnMilliseconds) * 1000)
            case .silent: turn(passes: false)
            case .passing: turn(passes: true)
            }
        }
    }

    private mutating func closeAll() {
        if front >= 0 { Glibc.close(front) }
        front = -1
        for back in backs.values { Glibc.close(back) }
        backs = [:]
    }

    private mutating func turn(passes: Bool) {
        if front < 0 {
            front = socket(SOCK_DGRAM)
            guard LoopbackPort.bound(front, to: port) != nil else {
                closeAll()
                usleep(1000)
                return
            }
        }
        for datagram in waiting.take(until: .now) where passes { deliver(datagram.bytes[...], to: datagram.client) }
        let order = Array(backs)
        var polled = ([front] + order.map(\.value)).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        guard poll(&polled, nfds_t(polled.count), waiting.isEmpty ? turnMilliseconds : 1) > 0 else { return }
        var piece = [UInt8](repeating: 0, count: pieceSize)
        if polled[0].revents != 0 {
            var sender = sockaddr_in()
            while true {
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                let got = withUnsafeMutablePointer(to: &sender) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(front, &piece, pieceSize, 0, $0, &length)
                    }
                }
                guard got >= 0 else { break }
                guard passes, let back = back(of: sender) else { continue }
                _ = send(back, piece, got, 0)
            }
        }
        for (index, (client, back)) in order.enumerated() where polled[1 + index].revents != 0 {
            while true {
                let got = recv(back, &piece, pieceSize, 0)
                guard got >= 0 else { break }
                guard passes else { continue }
                let rate = shared.bitsPerSecond
                if rate == nil, waiting.isEmpty {
                    deliver(piece[..<got], to: client)
                } else if !waiting.add(Array(piece[..<got]), to: client, bitsPerSecond: rate, now: .now) {
                    shared.lose()
                }
            }
        }
    }

    private func deliver(_ bytes: ArraySlice<UInt8>, to client: UInt16) {
        guard var address = addresses[client] else { return }
        _ = bytes.withUnsafeBytes { bytes in
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(front, bytes.baseAddress, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }

    private mutating func back(of sender: sockaddr_in) -> Int32? {
        if let known = backs[sender.sin_port] { return known }
        let made = socket(SOCK_DGRAM)
        guard LoopbackPort.connected(made, to: target) else {
            Glibc.close(made)
            return nil
        }
        backs[sender.sin_port] = made
        addresses[sender.sin_port] = sender
        return made
    }
}

/// What is on a narrow line, and when each datagram has got through: one after the other, as long as its bits take.
private struct WaitingDatagrams {
    private var datagrams: [(client: UInt16, bytes: [UInt8], end: ContinuousClock.Instant)] = []
    private static let longest = Duration.milliseconds(300)

    var isEmpty: Bool { datagrams.isEmpty }

    /// - Returns: False when there is no room.
    mutating func add(
        _ bytes: [UInt8], to client: UInt16, bitsPerSecond: Int?, now: ContinuousClock.Instant
    ) -> Bool {
        let begin = max(now, datagrams.last?.end ?? now)
        guard let bitsPerSecond else {
            // The line is wide again, but nothing overtakes.
            datagrams.append((client, bytes, begin))
            return true
        }
        guard begin - now < Self.longest else { return false }
        datagrams.append((client, bytes, begin + .nanoseconds(bytes.count * 8_000_000_000 / bitsPerSecond)))
        return true
    }

    mutating func take(until now: ContinuousClock.Instant) -> [(
        client: UInt16, bytes: [UInt8], end: ContinuousClock.Instant
    )] {
        let count = datagrams.firstIndex { $0.end > now } ?? datagrams.count
        defer { datagrams.removeFirst(count) }
        return Array(datagrams[..<count])
    }
}
