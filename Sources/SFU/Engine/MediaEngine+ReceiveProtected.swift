import Base
import RTP
import SRTP

extension MediaEngine {
    /// A datagram on a transport with SRTP: decrypted aside, and then received as if it had come in the clear.
    ///
    /// Its source is looked at first: what somebody else sends, even a copy of a true packet, must not use up that
    /// packet's number. Nothing is latched before a packet was authenticated.
    mutating func receiveProtected(
        _ datagram: RawSpan, _ transport: SlabIndex, on socket: SocketID, from: SocketAddress, now: Instant,
        into out: inout Outbox
    ) {
        let kind = PacketKind.of(datagram)
        guard kind != .other else {
            transports[transport].drops.unknownKind += 1
            return
        }
        guard transports[transport].security?.isReady ?? false else {
            transports[transport].drops.noKey += 1
            return
        }
        switch transports[transport].link.expects(from, isRTCP: kind == .rtcp) {
        case .accepted, .latched: break
        case .foreign:
            transports[transport].drops.foreignSource += 1
            return
        case .early:
            transports[transport].drops.notConnected += 1
            return
        }
        guard isBelowCeiling(datagram.byteCount, transport, now: now) else { return }
        decipher(datagram, transport, isRTCP: kind == .rtcp) { engine, packet, overhead in
            if kind == .rtcp {
                engine.receiveRTCP(
                    packet, overhead: overhead, transport, on: socket, from: from, now: now, into: &out)
            } else {
                engine.receiveRTP(
                    packet, overhead: overhead, transport, on: socket, from: from, now: now, into: &out)
            }
        }
    }

    /// Hands a datagram on as it was before it was protected, with the bytes that it was longer by; or drops it.
    @inline(__always)
    mutating func decipher(
        _ datagram: RawSpan, _ transport: SlabIndex, isRTCP: Bool,
        then body: (inout MediaEngine, RawSpan, Int) -> Void
    ) {
        // Taken out, so that the engine can be used while its bytes are looked at.
        var area = scratch.take() ?? ByteArea(capacity: Self.scratchCapacity)
        if let length = unprotect(datagram, transport, isRTCP: isRTCP, into: &area) {
            // The area lives until it is put back below, and nothing writes to it before.
            let plain = UnsafeRawBufferPointer(start: area.base, count: length)
            body(&self, plain.bytes, datagram.byteCount - length)
        }
        scratch = consume area
    }

    /// As large as a datagram can be.
    private static var scratchCapacity: Int { 65_536 }

    /// The plain packet's length; nil when it was dropped.
    private mutating func unprotect(
        _ datagram: RawSpan, _ transport: SlabIndex, isRTCP: Bool, into area: inout ByteArea
    ) -> Int? {
        do {
            return try transports[transport].security?.unprotect(datagram, isRTCP: isRTCP, into: &area)
        } catch {
            switch error {
            case .replayed, .tooOld: transports[transport].drops.replayed += 1
            case .truncated, .badVersion: transports[transport].drops.malformed += 1
            case .oversized: transports[transport].drops.oversized += 1
            case .authenticationFailed, .unencrypted, .indexesUsedUp, .backend, .wrongKeyLength, .badBase64:
                transports[transport].drops.authentication += 1
            }
            return nil
        }
    }
}
