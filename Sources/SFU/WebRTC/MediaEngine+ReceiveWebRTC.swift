import Base
import DTLS
import ICE
import RTP
import STUN

// What arrives for WebRTC transports, told apart by its first byte (RFC 7983) in mediasoup's order.
extension MediaEngine {
    /// A datagram on a socket of all: its source says whose it is, or the user name of the check that makes it known.
    mutating func receiveShared(
        _ datagram: RawSpan, on socket: SocketID, from tuple: ICETuple, now: Instant, into out: inout Outbox
    ) {
        if let link = webRTCByTuple[tuple] {
            receiveWebRTC(datagram, link, from: tuple, now: now, into: &out)
            return
        }
        guard STUNMessage.isSTUN(datagram), let message = try? STUNMessage(parsing: datagram),
            let name = ICEUsername(of: message, in: datagram), let link = webRTCByFragment[name.local]
        else {
            strayDatagrams += 1
            return
        }
        receive(message, datagram, link, from: tuple, now: now, into: &out)
    }

    mutating func receiveWebRTC(
        _ datagram: RawSpan, _ link: SlabIndex, from tuple: ICETuple, now: Instant, into out: inout Outbox
    ) {
        if STUNMessage.isSTUN(datagram) {
            guard let message = try? STUNMessage(parsing: datagram) else {
                transports[webRTCLinks[link].transport].drops.malformed += 1
                return
            }
            receive(message, datagram, link, from: tuple, now: now, into: &out)
            return
        }
        let kind = PacketKind.of(datagram)
        if kind != .other {
            receiveMedia(datagram, kind, link, from: tuple, now: now, into: &out)
        } else if datagram.byteCount >= 13, (20...63).contains(datagram.uint8(at: 0)) {
            receiveDTLS(datagram, link, from: tuple, now: now, into: &out)
        } else {
            transports[webRTCLinks[link].transport].drops.unknownKind += 1
        }
    }

    private mutating func receive(
        _ message: STUNMessage, _ datagram: RawSpan, _ link: SlabIndex, from tuple: ICETuple, now: Instant,
        into out: inout Outbox
    ) {
        let transport = webRTCLinks[link].transport
        transports[transport].received.count(datagram.byteCount, now: now)
        // Taken out, so that the agent can write while it is the engine's.
        var reply: [UInt8] = []
        swap(&reply, &stunReply)
        defer { swap(&reply, &stunReply) }
        let answer = check(message, in: datagram, link, from: tuple, now: now, into: &reply)
        if answer.replyLength > 0 {
            let isSent = out.send(
                reply.span.bytes.extracting(first: answer.replyLength), to: tuple.remote, on: SocketID(tuple.socket))
            if isSent { transports[transport].sent.count(answer.replyLength, now: now) }
        }
        apply(answer.events, of: link, now: now, into: &out)
        if let deadline = webRTCLinks[link].agent.nextDeadline { arm(deadline) }
    }

    private mutating func check(
        _ message: STUNMessage, in datagram: RawSpan, _ link: SlabIndex, from tuple: ICETuple, now: Instant,
        into reply: inout [UInt8]
    ) -> ICEAnswer {
        var span = reply.mutableSpan
        var bytes = span.mutableBytes
        return webRTCLinks[link].agent.receive(message, in: datagram, from: tuple, now: now, into: &bytes)
    }

    private mutating func receiveDTLS(
        _ datagram: RawSpan, _ link: SlabIndex, from tuple: ICETuple, now: Instant, into out: inout Outbox
    ) {
        let transport = webRTCLinks[link].transport
        guard isFromClient(tuple, link, now: now, into: &out) else { return }
        guard isBelowCeiling(datagram.byteCount, transport, now: now) else { return }
        transports[transport].received.count(datagram.byteCount, now: now)
        var effects: [DTLSEffect] = []
        webRTCLinks[link].dtls.receive(datagram, now: now, into: &effects)
        apply(effects, of: link, now: now, into: &out)
    }

    private mutating func receiveMedia(
        _ datagram: RawSpan, _ kind: PacketKind, _ link: SlabIndex, from tuple: ICETuple, now: Instant,
        into out: inout Outbox
    ) {
        let transport = webRTCLinks[link].transport
        guard webRTCLinks[link].agent.isValid(tuple) else {
            transports[transport].drops.foreignSource += 1
            return
        }
        guard webRTCLinks[link].isSecure else {
            transports[transport].drops.noKey += 1
            return
        }
        guard isBelowCeiling(datagram.byteCount, transport, now: now) else { return }
        // Only what was authenticated says which of its ways the client uses now.
        decipher(datagram, transport, isRTCP: kind == .rtcp) { engine, packet, overhead in
            _ = engine.isFromClient(tuple, link, now: now, into: &out)
            let socket = SocketID(tuple.socket)
            if kind == .rtcp {
                engine.receiveRTCP(
                    packet, overhead: overhead, transport, on: socket, from: tuple.remote, now: now, into: &out)
            } else {
                engine.receiveRTP(
                    packet, overhead: overhead, transport, on: socket, from: tuple.remote, now: now, into: &out)
            }
        }
    }

    /// Whether a client has proved to be there. It is answered there from now on.
    private mutating func isFromClient(
        _ tuple: ICETuple, _ link: SlabIndex, now: Instant, into out: inout Outbox
    ) -> Bool {
        switch webRTCLinks[link].agent.receiveMedia(from: tuple) {
        case .selected: return true
        case .switched:
            tupleSelected(tuple, of: link, now: now, into: &out)
            return true
        case .unknownTuple:
            transports[webRTCLinks[link].transport].drops.foreignSource += 1
            return false
        }
    }

    /// Whether a client has proved to be there, and still counts as being there.
    public func knows(_ tuple: ICETuple) -> Bool { webRTCByTuple[tuple] != nil }

    /// A TCP connection has ended.
    public mutating func connectionClosed(_ tuple: ICETuple, now: Instant, into out: inout Outbox) {
        guard let link = webRTCByTuple[tuple] else { return }
        apply(webRTCLinks[link].agent.remove(tuple), of: link, now: now, into: &out)
    }
}
