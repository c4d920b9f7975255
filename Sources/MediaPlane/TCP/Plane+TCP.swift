import Base
import Glibc
import ICE
import SFU

// Clients that come by TCP, between the kernel and the engine.
extension Plane {
    /// Let in at a time; the others wait for the next turn.
    private static let acceptsPerTurn = 32
    /// 64 KB each.
    private static let readsPerConnection = 4

    /// A listener has somebody waiting, or a connection something to read or room again.
    mutating func serveTCP(_ socket: SocketID, now: Instant, until end: Instant) {
        if socket.isListener {
            for _ in 0..<Self.acceptsPerTurn {
                switch connections.accept(socket, now: now) {
                case .accepted: break
                case .none: return
                case .crowded(let oldest): if let oldest { close(connection: oldest, now: now) }
                }
            }
            return
        }
        connections.sendWaiting(on: socket)
        for _ in 0..<Self.readsPerConnection {
            let count = connections.receive(on: socket)
            switch count {
            case 1...:
                guard take(count, on: socket, now: now) else {
                    close(connection: socket, now: now)
                    return
                }
                // The loop reports what is left.
                if count < ConnectionTable.inputSize || Self.isOver(end) { return }
            case -Int(EAGAIN), -Int(EINTR), -Int(EBADF): return
            default:
                close(connection: socket, now: now)
                return
            }
        }
    }

    /// Hands the frames of what was read to the engine. False: whoever sends this is no client.
    private mutating func take(_ count: Int, on socket: SocketID, now: Instant) -> Bool {
        guard let tuple = connections.tuple(socket) else { return true }
        let strays = engine.strayDatagrams
        do throws(FrameError) {
            while let frame = try connections.nextFrame(on: socket, of: count) {
                switch frame {
                // The buffer is not filled again before the engine returns, and the engine keeps nothing of the span.
                case .whole(let bytes): take(bytes.bytes, from: tuple, now: now)
                case .gathered(let bytes): take(bytes.span.bytes, from: tuple, now: now)
                }
                // The first frame of a client is a check of a transport that is there.
                if engine.strayDatagrams != strays, !connections.hasBeenKnown(socket) { return false }
            }
        } catch { return false }
        if engine.knows(tuple) { connections.makeKnown(socket, now: now) }
        return true
    }

    private mutating func take(_ frame: RawSpan, from tuple: ICETuple, now: Instant) {
        engine.receive(
            frame, on: SocketID(tuple.socket), from: tuple.remote, listener: SocketID(tuple.listener), now: now,
            into: &outbox)
        counters.receivedBytes += UInt64(frame.byteCount)
        countReceived(frame.byteCount, now: now)
    }

    /// The engine hears of it, so that no answer goes there.
    mutating func close(connection: SocketID, now: Instant) {
        guard let tuple = connections.remove(connection) else { return }
        engine.connectionClosed(tuple, now: now, into: &outbox)
    }

    /// Closes connections that are nobody's.
    mutating func lookAfterConnections(now: Instant) {
        guard let next = connections.nextLook, next <= now else { return }
        for connection in connections.look(now: now, asking: engine) { close(connection: connection, now: now) }
    }

    /// Gives the kernel what of the outbox is for connections.
    mutating func sendToConnections(now: Instant) {
        if connections.count == 0 { return }
        connections.send(outbox, counting: &counters)
        for (owner, count) in connections.unsent { engine.sendFailed(owner, count: count, now: now) }
    }
}
