import Base
import Congestion
import ORTC
import RTP

/// A consumer's place in its producer's log, and how packets go out from there with a numbering of its own.
///
/// Starting, catching up and running live are one thing: a cursor that moves towards the head of the log.
struct PacketForwarder: ~Copyable {
    enum Flow: Sendable {
        /// Paused, by either flag, or nowhere to send to.
        case stopped
        /// For a key frame.
        case waiting
        case running
    }

    enum Progress {
        case reachedHead
        /// The limit was reached.
        case paced
        case outboxFull
        /// The log has forgotten what would come next.
        case overtaken
    }

    private(set) var flow = Flow.stopped
    /// The next packet to look at.
    private(set) var cursor: UInt64 = 0
    /// Packets with lower indexes are late ones: from before the start, or from before the last one that was skipped.
    private var firstIndex: UInt64 = 0
    /// The numbering begins anew at the next packet, or at `firstIndex` if that is known.
    private var needsSync = true
    private var knowsFirstIndex = false
    /// The highest index that went out.
    private var lastOutgoing: UInt64
    /// The packet that went out last ended its frame.
    private var lastHadMarker = true

    /// Outgoing index = logged index + this, modulo 2⁶⁴.
    private var indexOffset: UInt64 = 0
    /// Of the media that goes out, in the router's numbers, as in the log.
    private let payloadTypes: PayloadTypeSet
    /// It has `layers`: told sooner than by asking for them.
    let isLayered: Bool
    /// Whether what goes out is noted for traces, and what was since they were taken.
    var tracesPackets = false
    /// Packets of discontinuous transmission are left out (`ignoreDtx`).
    var skipsDiscontinuous = false
    /// What may have to be sent again; nil: the receiver does not ask.
    private(set) var retransmission: RetransmissionBuffer?
    /// There is such a buffer: told sooner than by asking for it.
    private let remembers: Bool
    // Mutating, so that it is done in place: else the forwarder is copied for it.
    mutating func prefetchRetransmission() { retransmission?.prefetch() }

    private(set) var packetCount: UInt64 = 0
    /// Payload only, for sender reports.
    private(set) var octetCount: UInt64 = 0
    private(set) var byteCount: UInt64 = 0
    /// Packets that could not be protected.
    private(set) var failureCount: UInt64 = 0
    private let rewriter: RTPRewriter

    // What most packets don't touch stands last.
    /// Of a stream with several layers: which of them go out, and as what. It numbers by itself.
    var layers: LayerRewriter?
    private var traced: [TracedPacket] = []
    /// Packets that were left out; nil before the first since the start.
    private var skipped: SkippedPackets?
    /// Only if the rewriter renumbers.
    private let receiverTypes: ReceiverPayloadTypes

    /// - Parameters:
    ///   - firstSequence: mediasoup draws from 1000…32767, far from a wrap that would confuse SRTP receivers.
    ///   - numbering: The one that the parameters are in; nil: the router's.
    init(
        parameters: RTPParameters, ssrc: UInt32, firstSequence: UInt16,
        retransmission: consuming RetransmissionBuffer? = nil, layers: LayerRewriter? = nil,
        numbering: ReceiverNumbering? = nil
    ) {
        self.layers = layers
        isLayered = layers != nil
        switch retransmission {
        case .none: remembers = false
        case .some: remembers = true
        }
        self.retransmission = retransmission
        rewriter = RTPRewriter(ssrc: ssrc, parameters: parameters, numbering: numbering)
        let media = parameters.codecs.lazy.filter { !$0.isRTX }.map(\.payloadType)
        payloadTypes = numbering.map { PayloadTypeSet($0.routerPayloadTypes(of: media)) } ?? PayloadTypeSet(media)
        receiverTypes = ReceiverPayloadTypes(numbering)
        lastOutgoing = UInt64(firstSequence) &- 1
    }

    var ssrc: UInt32 { rewriter.ssrc }
    /// Packets are numbered for the transport's estimate of its bandwidth.
    var carriesTransportNumber: Bool { rewriter.carriesTransportNumber }

    mutating func takeTraced() -> [TracedPacket] {
        defer { traced = [] }
        return traced
    }

    // MARK: - Starting and stopping

    mutating func stop() {
        flow = .stopped
        layers?.stop()
        retransmission?.clear()
    }

    mutating func wait() { flow = .waiting }

    /// Begins with the packet that lies there; the log's head: with what comes from now on.
    mutating func start(at position: UInt64) {
        cursor = position
        needsSync = true
        knowsFirstIndex = false
        flow = .running
    }

    /// Begins with a key frame, or goes on where it was stopped since then: the receiver has the pictures up to there.
    /// - Parameters:
    ///   - spatialLayer: Of the log's stream.
    ///   - offset: What brings its timestamps onto the receiver's line, if there are several streams; nil: unknown.
    mutating func start(
        at gop: GOPCache.Start, in log: borrowing PacketLog, spatialLayer: UInt8 = 0, offset: UInt32? = 0
    ) {
        flow = .running
        if !needsSync, cursor >= gop.position, cursor >= log.tail { return }
        cursor = gop.position
        needsSync = layers == nil
        knowsFirstIndex = true
        firstIndex = gop.index
        layers?.begin(at: gop, spatialLayer: spatialLayer, offset: offset)
    }

    /// Whether packets from before this index have been sent.
    func hasBegun(before index: UInt64) -> Bool { packetCount > 0 && (skipped?.first ?? firstIndex) < index }

    /// What was sent before means nothing for what comes: begin anew when started.
    mutating func forgetPlace() { needsSync = true }

    // MARK: - Sending

    /// Writes packets from the cursor on, as long as there is room and at most `limit`.
    /// - Parameters:
    ///   - encoding: Whose log it is.
    ///   - overhead: What SRTP adds to each packet; nil: they go out in the clear.
    mutating func forward(
        _ log: borrowing PacketLog, of encoding: Int, limit: Int, to path: TransportPath, overhead: Int?,
        under security: inout TransportSecurity?, counting bandwidth: inout TransportBandwidth, now: Instant,
        into out: inout Outbox
    ) -> Progress {
        let sendTime = rewriter.carriesSendTime ? AbsoluteSendTime.value(at: now) : 0
        var left = limit
        cursor = log.firstPosition(from: cursor)
        while cursor < log.head {
            guard log.contains(cursor) else { return .overtaken }
            guard left > 0 else { return .paced }
            var record = log.record(at: cursor)
            if var rewrite = decide(record, in: log) {
                if rewriter.renumbers { receiverTypes.renumber(&record) }
                let first = log.byte(cursor, at: 0)
                let header = rewriter.headerLength(of: record, first: first)
                let size = header + Int(record.length) - Int(record.headerLength)
                guard out.hasRoom(for: size + (overhead ?? 0)) else { return .outboxFull }
                rewrite.sendTime = sendTime
                if rewriter.carriesTransportNumber { rewrite.transportNumber = bandwidth.upcomingNumber() }
                var length: Int? = size
                if overhead == nil {
                    rewriter.write(record, at: cursor, of: log, first: first, rewrite, into: &out.slots, at: out.used)
                } else {
                    length = rewriter.write(
                        record, at: cursor, of: log, first: first, rewrite, under: &security, into: &out.slots,
                        at: out.used)
                }
                let timestamp = out.slots.uint32(at: out.used + 4)
                if let length {
                    if rewriter.carriesTransportNumber { bandwidth.left(size: size, now: now) }
                    if remembers {
                        retransmission?.store(
                            SentPacket(rewrite, position: cursor, encoding: encoding, timestamp: timestamp))
                    }
                    out.add(size: length, to: path.remote, on: path.socket)
                    sent(payload: Int(record.length) - Int(record.headerLength), size)
                } else {
                    failureCount += 1
                }
                // Its number is spent in any case.
                if rewrite.index > lastOutgoing {
                    (lastOutgoing, lastHadMarker) = (rewrite.index, rewrite.marker)
                }
                if tracesPackets { note(record, rewrite, size: size, header: header, timestamp: timestamp) }
                left -= 1
            }
            cursor = log.position(after: cursor, record)
        }
        return .reachedHead
    }

    /// How a packet goes out; nil: not at all. Asked again for the same packet when the outbox was full.
    @inline(__always)
    private mutating func decide(_ record: PacketLog.Record, in log: borrowing PacketLog) -> PacketRewrite? {
        if isLayered { return decideLayers(record, in: log) }
        if needsSync { synchronise(record) }
        guard record.index >= firstIndex else { return decideLate(record) }
        guard payloadTypes.contains(UInt8(record.flags & 0x7F)) else {
            _ = skip(record)
            return nil
        }
        // When its number can't be given to another, it goes out: its receiver would ask for it in vain.
        if skipsDiscontinuous, record.layers.isDiscontinuous, skip(record) { return nil }
        return PacketRewrite(index: record.index &+ indexOffset, marker: record.flags & 0x80 != 0)
    }

    private mutating func decideLayers(_ record: PacketLog.Record, in log: borrowing PacketLog) -> PacketRewrite? {
        guard payloadTypes.contains(UInt8(record.flags & 0x7F)) else {
            layers?.drop(record, at: cursor, of: log)
            return nil
        }
        return layers?.decide(record, at: cursor, of: log)
    }

    /// The first packet continues the numbering. A key frame behind a frame that was cut off leaves one number out: else
    /// the receiver would take that frame for a whole one.
    private mutating func synchronise(_ record: PacketLog.Record) {
        if !knowsFirstIndex { firstIndex = record.index }
        indexOffset = lastOutgoing &+ (knowsFirstIndex && !lastHadMarker ? 2 : 1) &- firstIndex
        needsSync = false
        skipped = nil
    }

    /// A packet that this receiver does not get (a codec that it does not have): no gap, later numbers move up by one.
    /// - Returns: False for a late one. What came after it has been numbered already.
    private mutating func skip(_ record: PacketLog.Record) -> Bool {
        guard record.index &+ indexOffset > lastOutgoing else { return false }
        if skipped == nil { skipped = SkippedPackets(first: firstIndex, newest: record.index) }
        skipped?.removed.insert(record.index)
        // The gap of packets that are still to come stays.
        firstIndex = record.index &+ 1
        indexOffset &-= 1
        return true
    }

    /// A packet from before the last one that was skipped goes out under the number that was kept for it. Not one from
    /// before the start.
    private func decideLate(_ record: PacketLog.Record) -> PacketRewrite? {
        guard let skipped, record.index >= skipped.first, payloadTypes.contains(UInt8(record.flags & 0x7F)),
            let count = skipped.removed.count(above: record.index)
        else { return nil }
        return PacketRewrite(index: record.index &+ indexOffset &+ count, marker: record.flags & 0x80 != 0)
    }

    private mutating func note(
        _ record: PacketLog.Record, _ rewrite: PacketRewrite, size: Int, header: Int, timestamp: UInt32
    ) {
        traced.append(
            TracedPacket(
                payloadType: UInt8(record.flags & 0x7F), sequenceNumber: UInt16(truncatingIfNeeded: rewrite.index),
                timestamp: timestamp, marker: rewrite.marker, ssrc: ssrc, size: size, payloadSize: size - header,
                layers: record.layers))
    }

    private mutating func sent(payload: Int, _ size: Int) {
        packetCount += 1
        octetCount += UInt64(payload)
        byteCount += UInt64(size)
    }
}

// MARK: - Sending again

extension PacketForwarder {
    /// How a packet is sent again.
    enum Form {
        /// As it was, byte for byte.
        case same
        /// In a stream of its own (RFC 4588 §4): another SSRC and payload type, numbers of its own, and the original
        /// number before the payload.
        case rtx(ssrc: UInt32, payloadType: UInt8, index: UInt64)
    }

    enum Repetition {
        case written(size: Int)
        /// The log has forgotten it, or it can't be protected.
        case gone
        case outboxFull
    }

    mutating func markResent(_ sequenceNumber: UInt16, now: Instant) -> Bool {
        retransmission?.markResent(sequenceNumber, now: now) ?? false
    }

    /// Writes a packet to the slots once more; the caller adds it to the outbox.
    func write(
        _ packet: SentPacket, of log: borrowing PacketLog, as form: Form, under security: inout TransportSecurity?,
        counting bandwidth: inout TransportBandwidth, now: Instant, into out: inout Outbox
    ) -> Repetition {
        let position = packet.position(below: log.head)
        guard log.contains(position) else { return .gone }
        var record = log.record(at: position)
        if rewriter.renumbers { receiverTypes.renumber(&record) }
        let first = log.byte(position, at: 0)
        let header = rewriter.headerLength(of: record, first: first)
        let size = header + Int(record.length) - Int(record.headerLength)
        guard out.hasRoom(for: size + Retransmission.overhead + (security?.overhead ?? 0)) else { return .outboxFull }
        var rewrite = packet.rewrite(loggedTimestamp: log.uint32(position, at: 4))
        let length: Int?
        switch form {
        case .same:
            length = rewriter.write(
                record, at: position, of: log, first: first, rewrite, under: &security, into: &out.slots, at: out.used)
        case .rtx(let ssrc, let payloadType, let index):
            // A packet of a stream of its own tells of its own way.
            if rewriter.carriesSendTime { rewrite.sendTime = AbsoluteSendTime.value(at: now) }
            if rewriter.carriesTransportNumber { rewrite.transportNumber = bandwidth.upcomingNumber() }
            // A little further on; then the header moves back, and the original number fills the gap.
            let (start, moved) = (out.used, out.used + Retransmission.overhead)
            rewriter.write(record, at: position, of: log, first: first, rewrite, into: &out.slots, at: moved)
            // The padding stays behind (RFC 4588 §4).
            let padding = first & 0x20 == 0 ? 0 : Int(out.slots.uint8(at: moved + size - 1))
            out.slots.move(moved, count: header, to: start)
            out.slots.store(out.slots.uint8(at: start) & ~0x20, at: start)
            out.slots.store(UInt16(truncatingIfNeeded: packet.index), at: start + header)
            out.slots.store(payloadType | (packet.marker ? 0x80 : 0), at: start + 1)
            out.slots.store(UInt16(truncatingIfNeeded: index), at: start + 2)
            out.slots.store(ssrc, at: start + 8)
            let payload = size - header + Retransmission.overhead - padding
            length =
                security == nil
                ? header + payload
                : security?.protect(
                    &out.slots, at: start, headerLength: header, count: payload, index: index, ssrc: ssrc)
            if length != nil, rewriter.carriesTransportNumber {
                bandwidth.left(size: size + Retransmission.overhead, now: now)
            }
        }
        return length.map { .written(size: $0) } ?? .gone
    }

    /// The payload type that a packet went out with, the receiver's; nil: the log has forgotten it.
    func payloadType(of packet: SentPacket, in log: borrowing PacketLog) -> UInt8? {
        let position = packet.position(below: log.head)
        guard log.contains(position) else { return nil }
        var record = log.record(at: position)
        if rewriter.renumbers { receiverTypes.renumber(&record) }
        return UInt8(record.flags & 0x7F)
    }
}
