import Base
import CLinux
import Glibc
import MediaCore
import SFU

/// What one worker owns: the engine and everything between it and the kernel. One noncopyable struct, so that exclusive
/// access inside it is settled when compiling.
struct Plane: ~Copyable {
    /// A message joined by GRO holds up to 64 datagrams, so a call brings 512 at most; then it is time to send, or
    /// small packets of one burst would overtake each other in the logs.
    private static let datagramsBetweenFlushes = 256
    /// Half an audio stream's log: what lies in the log unsent must not be overwritten.
    private static let bytesBetweenFlushes = 128 << 10
    /// Nothing is read any more when a turn has taken this long: commands wait, and so do packets that came in
    /// first and are not sent yet. 2 ms: two coalescing windows; some 1,000 packets at 2 µs.
    private static let readingTime = Duration.milliseconds(2)
    /// Reads of one socket a turn. What is left is reported again next turn, after the others and the commands.
    private static let readsPerSocket = 8
    /// 128 KB each: 2 MB, some 2 ms at 100 consumers.
    private static let looksPerLink = 16
    /// For a socket that is about to be closed, whose buffer is worth some milliseconds. Bounded, since a sender that
    /// knows of no end must not keep the loop; long, since a busy machine takes the thread away in the midst of it.
    private static let lastReadingTime = Duration.milliseconds(100)

    var engine: MediaEngine
    var outbox = Outbox()
    var sockets: SocketTable
    var connections: ConnectionTable
    /// Shared with the other workers: the lock is held while a command binds or closes, never on the way of a packet.
    let ports: Locked<PortPool>
    private let gauge: WorkerGauge
    /// The ways to code of this process, by the sockets that they stand for.
    var directs: [SocketID: DirectPort] = [:]
    var counters = MediaPlaneCounters()
    private var received = ReceiveBatch()
    private var sender = SendBatch()
    private var datagramsSinceFlush = 0
    private var bytesSinceFlush = 0
    private let longestNap: Duration

    init(
        engine: consuming MediaEngine, sockets: consuming SocketTable, connections: consuming ConnectionTable,
        ports: Locked<PortPool>, gauge: WorkerGauge
    ) {
        longestNap = engine.configuration.coalescing.window
        self.engine = engine
        self.sockets = sockets
        self.connections = connections
        self.ports = ports
        self.gauge = gauge
    }

    /// Packets in, timers, packets out.
    mutating func turn(_ ready: ReadySockets, now: Instant) -> LoopWait {
        counters.turns += 1
        // epoll reports sockets in the same order again: who was last this time isn't the next time.
        let start = ready.count == 0 ? 0 : Int(counters.turns % UInt64(ready.count))
        let end = now + Self.readingTime
        for place in 0..<ready.count {
            let socket = SocketID(ready[(start + place) % ready.count])
            if socket.isTCP { serveTCP(socket, now: now, until: end) } else { read(socket, now: now, until: end) }
            if Self.isOver(end) { break }
        }
        lookAfterConnections(now: now)
        engine.advance(to: now, into: &outbox)
        flush(now: now)
        if engine.wantsLoad(at: now) {
            engine.learned(threadCPUTime: .nanoseconds(ladle_thread_cpu_ns()), now: now)
            gauge.tell(share: engine.load.share, now: now)
        }
        guard let deadline = min(engine.nextDeadline, connections.nextLook) else { return .forEver }
        return engine.isHolding ? .nap(until: min(deadline, now + longestNap)) : .until(deadline)
    }

    /// One command to the engine. In here, since the worker's two accesses to its one property would meet.
    mutating func command<Result, Failure: Error>(
        _ now: Instant, _ body: (inout MediaEngine, inout Outbox, Instant) throws(Failure) -> Result
    ) throws(Failure) -> Result { try body(&engine, &outbox, now) }

    /// Datagrams for code of this process: one copy into the queues of their readers.
    private mutating func deliver() {
        let slots = UnsafeRawBufferPointer(start: outbox.slots.base, count: outbox.used)
        for run in outbox.runs {
            guard let port = directs[run.socket] else { continue }
            var offset = Int(run.offset)
            let end = offset + Int(run.length)
            while offset < end {
                let size = min(Int(run.segmentSize), end - offset)
                port.deliver(UnsafeRawBufferPointer(rebasing: slots[offset..<offset + size]))
                offset += size
            }
        }
        for port in directs.values { port.wakeReaders() }
    }

    /// Takes in what the other end of a link has. False: there is more, and it is somebody else's turn.
    mutating func lookDown(_ link: MediaLink, now: Instant) -> Bool {
        for _ in 0..<Self.looksPerLink {
            switch engine.lookDown(link, now: now, into: &outbox) {
            case .done: return true
            case .flushAndLookAgain: flush(now: now)
            }
        }
        return false
    }

    /// Gives the kernel what a command or a turn wrote.
    mutating func send(now: Instant) {
        if outbox.runs.isEmpty { return }
        sender.send(outbox, on: &sockets, counting: &counters)
        sendToConnections(now: now)
        if !directs.isEmpty { deliver() }
        for (owner, count) in sender.unsent { engine.sendFailed(owner, count: count, now: now) }
        outbox.removeDatagrams()
    }

    /// Closes what the engine has done with. What it said last on them is sent before.
    mutating func closeSockets(now: Instant) {
        let done = outbox.takeSocketsToClose()
        if done.isEmpty { return }
        send(now: now)
        for socket in done { close(socket, now: now) }
    }

    /// Before a sender is closed: what it sent until now is received, and leaves at once. Its last packets and the command
    /// that closes it come on two ways, and the command may be the quicker one.
    mutating func takeLast(of transport: TransportID, now: Instant) {
        let end = now + Self.lastReadingTime
        for socket in engine.sockets(of: transport) {
            while read(socket, now: now, until: end) {}
        }
        engine.hurry(transport, now: now)
        flush(now: now)
    }

    /// Closes a socket; its port rests.
    mutating func close(_ socket: SocketID, now: Instant) {
        directs.removeValue(forKey: socket)?.finish()
        if let port = sockets.remove(socket) { ports.withLock { $0.release(port, now: now) } }
    }

    /// Closes what is left.
    mutating func closeAllSockets(now: Instant) {
        for socket in sockets.all { close(socket, now: now) }
        connections.removeListeners()
        for connection in connections.all { close(connection: connection, now: now) }
    }

    private mutating func flush(now: Instant) {
        (datagramsSinceFlush, bytesSinceFlush) = (0, 0)
        while engine.flush(now: now, into: &outbox) { send(now: now) }
        send(now: now)
    }

    static func isOver(_ end: Instant) -> Bool { Instant(nanoseconds: ladle_monotonic_ns()) > end }

    /// True: there may be more, and there is time for it.
    @discardableResult
    private mutating func read(_ socket: SocketID, now: Instant, until end: Instant) -> Bool {
        // A socket may be closed by what another one received in this very turn.
        guard let descriptor = sockets.descriptor(socket) else { return false }
        for _ in 0..<Self.readsPerSocket {
            let count = received.receive(from: descriptor)
            if count <= 0 {
                // An ICMP error for something sent from here; reading it has cleared it. Another read gets packets.
                if count == -Int(ECONNREFUSED) {
                    counters.refused += 1
                    sockets.loosen(socket)
                    continue
                }
                return false
            }
            for index in 0..<count { take(index, on: socket, now: now) }
            // Joined messages are up to 512 datagrams a read, and each may go to a hundred consumers.
            if count < ReceiveBatch.capacity || Self.isOver(end) { return false }
        }
        return true
    }

    /// Hands one message's datagrams to the engine.
    private mutating func take(_ index: Int, on socket: SocketID, now: Instant) {
        let message = received.message(index)
        counters.receivedBytes += UInt64(message.bytes.count)
        for index in 0..<message.datagramCount {
            let datagram = message.datagram(index)
            // The batch is not refilled before the engine returns, and the engine keeps nothing of the span.
            engine.receive(datagram.bytes, on: socket, from: message.source, now: now, into: &outbox)
            countReceived(datagram.count, now: now)
        }
    }

    /// After each datagram or frame: sends on what has come when that is much.
    @inline(__always)
    mutating func countReceived(_ size: Int, now: Instant) {
        counters.received += 1
        datagramsSinceFlush += 1
        bytesSinceFlush += size
        if datagramsSinceFlush >= Self.datagramsBetweenFlushes || bytesSinceFlush >= Self.bytesBetweenFlushes {
            flush(now: now)
        }
    }
}

/// The earlier one of two that may not be.
private func min(_ one: Instant?, _ other: Instant?) -> Instant? {
    guard let one, let other else { return one ?? other }
    return Swift.min(one, other)
}
