import Base
import Control
import Logging
import NIOCore
import NIOWebSocket
import ServiceLifecycle

/// One client's WebSocket: frames, pings and the ways to close; what the messages say is `ProtooPeer`'s.
struct ProtooConnection: Sendable {
    /// The client must not come back; any other code makes protoo's client try again.
    static let final: UInt16 = 4000
    static let finalReason = "closed by protoo-server"

    let socket: WebSocketChannel
    let visit: ProtooVisit
    let limits: WebSocketLimits
    let logger: Logger

    /// Returns when the connection has ended and the client has left its room.
    func run(in rooms: Rooms) async {
        let channel = socket.channel
        let outbox = ProtooOutbox(limit: limits.backlogLimit) { [logger, visit] in
            logger.info(
                "a client does not read and is cut off", metadata: ["room": "\(visit.room)", "peer": "\(visit.peer)"])
            channel.close(promise: nil)
        }
        do {
            try await withTaskCancellationHandler {
                try await socket.executeThenClose { inbound, outbound in
                    await withGracefulShutdownHandler {
                        await serve(rooms, outbox, inbound, outbound)
                    } onGracefulShutdown: {
                        // Not final: another gateway may take this one's place.
                        outbox.close(code: 1001, reason: "the gateway is stopping")
                    }
                }
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            logger.trace("a WebSocket broke: \(error)")
        }
    }

    private func serve(
        _ rooms: Rooms, _ outbox: ProtooOutbox, _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>,
        _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
    ) async {
        let pulse = Pulse()
        let peer = await enter(rooms, outbox)
        await withTaskGroup(of: Bool.self) { group in
            if let peer {
                group.addTask {
                    await peer.follow()
                    return false
                }
                group.addTask { [limits] in
                    guard (try? await Task.sleep(for: limits.joinPatience)) != nil else { return false }
                    await peer.closeUnlessJoined()
                    return false
                }
            }
            group.addTask { await write(outbox, outbound, pulse) }
            group.addTask { await ping(outbox, pulse) }
            group.addTask { await read(inbound, outbox, pulse, peer) }
            // Each says whether the connection is over with it.
            for await isEnd in group where isEnd { break }
            // First, so that the others in the room hear of it while this one is being wound up.
            await peer?.leave()
            group.cancelAll()
        }
    }

    /// Nil when there is no place; the client is told.
    private func enter(_ rooms: Rooms, _ outbox: ProtooOutbox) async -> ProtooPeer? {
        do {
            let room = try await rooms.room(visit.room)
            let seat = try await room.seatPeer(visit.peer, replicas: visit.replicas)
            let peer = ProtooPeer(
                room: room, seat: seat, dialect: visit.isModern ? .modern : .unknown, outbox: outbox, logger: logger)
            await peer.greet()
            return peer
        } catch {
            // Only a taken id won't be better next time.
            outbox.close(code: error.code == .conflict ? Self.final : 1011, reason: error.message)
            return nil
        }
    }

    // MARK: - Its parts

    private func write(
        _ outbox: ProtooOutbox, _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, _ pulse: Pulse
    ) async -> Bool {
        do {
            for await item in outbox.items {
                try await outbound.write(item.frame)
                outbox.written(item)
            }
        } catch { return true }
        guard !pulse.heardClose else { return true }
        try? await Task.sleep(for: limits.closePatience)
        return true
    }

    private func ping(_ outbox: ProtooOutbox, _ pulse: Pulse) async -> Bool {
        do {
            while true {
                try await Task.sleep(for: limits.pingInterval)
                let heard = pulse.beats
                outbox.send(.ping)
                try await Task.sleep(for: limits.pongPatience)
                guard pulse.beats == heard else { continue }
                logger.debug(
                    "a client is silent and is cut off",
                    metadata: ["room": "\(visit.room)", "peer": "\(visit.peer)"])
                return true
            }
        } catch { return false }
    }

    private func read(
        _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>, _ outbox: ProtooOutbox, _ pulse: Pulse,
        _ peer: ProtooPeer?
    ) async -> Bool {
        var messages = MessageAssembler(limit: limits.messageLimit)
        do {
            for try await frame in inbound {
                pulse.beat()
                // After our goodbye nothing counts but the client's.
                if outbox.isClosed, frame.opcode != .connectionClose { continue }
                switch frame.opcode {
                case .ping: outbox.send(.pong(frame.unmaskedData))
                case .connectionClose:
                    pulse.hearClose()
                    if outbox.isClosed { return true }
                    var data = frame.unmaskedData
                    // RFC 6455 §7.4.1: 1005 is what has no code; it is never sent.
                    let code = data.readInteger(as: UInt16.self) ?? 1000
                    outbox.close(code: code, reason: "")
                case .text, .binary, .continuation:
                    switch messages.take(frame) {
                    case .text(let bytes): await peer?.receive(bytes)
                    case .binary: logger.debug("a binary message was passed over", metadata: ["peer": "\(visit.peer)"])
                    case .nothing: break
                    case .refused(let code, let reason): outbox.close(code: code, reason: reason)
                    }
                default: break
                }
            }
        } catch {
            logger.trace("a WebSocket broke: \(error)")
        }
        return true
    }
}

/// Whether the client lives.
private final class Pulse: Sendable {
    private let state = Locked((beats: 0, heardClose: false))

    var beats: Int { state.withLock { $0.beats } }
    var heardClose: Bool { state.withLock { $0.heardClose } }

    func beat() { state.withLock { $0.beats &+= 1 } }
    func hearClose() { state.withLock { $0.heardClose = true } }
}

extension ProtooOutbox.Item {
    /// Unmasked, as a server's are (RFC 6455 §5.1).
    fileprivate var frame: WebSocketFrame {
        switch self {
        case .text(let text): WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: text))
        case .ping: WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer())
        case .pong(let data): WebSocketFrame(fin: true, opcode: .pong, data: data)
        case .close(let code, let reason):
            WebSocketFrame(fin: true, opcode: .connectionClose, data: Self.closing(code, reason))
        }
    }

    /// A control frame has 125 bytes at most (§5.5).
    private static func closing(_ code: UInt16, _ reason: String) -> ByteBuffer {
        var data = ByteBuffer(integer: code)
        var text = reason
        while text.utf8.count > 123 { text.removeLast() }
        data.writeString(text)
        return data
    }
}
