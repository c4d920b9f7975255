import Base
import ORTC

/// A consumer's place in its producer's log, and how packets go out from there with a numbering of its own.
///
/// Starting, catching up and running live are one thing: a cursor that moves towards the head of the log.
struct PacketForwarder: Sendable {
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
    /// Packets with lower indexes are late ones from before the start.
    private var firstIndex: UInt64 = 0
    /// The numbering begins anew at the next packet, or at `firstIndex` if that is known.
    private var needsSync = true
    private var knowsFirstIndex = false
    /// The highest index that went out.
    private var lastOutgoing: UInt64

    /// Outgoing index = logged index + this, modulo 2⁶⁴.
    private var indexOffset: UInt64 = 0
    private let rewriter: RTPRewriter
    private let payloadTypes: PayloadTypeSet
    /// Of a stream with several layers: which of them go out, and as what. It numbers by itself.
    var layers: LayerRewriter?

    private(set) var packetCount: UInt64 = 0
    /// Payload only, for sender reports.
    private(set) var octetCount: UInt64 = 0
    private(set) var byteCount: UInt64 = 0

    /// - Parameter firstSequence: mediasoup draws from 1000…32767, far from a wrap that would confuse SRTP receivers.
    init(parameters: RTPParameters, ssrc: UInt32, firstSequence: UInt16, layers: LayerRewriter? = nil) {
        self.layers = layers
        rewriter = RTPRewriter(ssrc: ssrc, parameters: parameters)
        payloadTypes = PayloadTypeSet(parameters.codecs.lazy.filter { !$0.isRTX }.map(\.payloadType))
        lastOutgoing = UInt64(firstSequence) &- 1
    }

    var ssrc: UInt32 { rewriter.ssrc }

    // MARK: - Starting and stopping

    mutating func stop() {
        flow = .stopped
        layers?.stop()
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
    func hasBegun(before index: UInt64) -> Bool { packetCount > 0 && firstIndex < index }

    /// What was sent before means nothing for what comes: begin anew when started.
    mutating func forgetPlace() { needsSync = true }

    // MARK: - Sending

    /// Writes packets from the cursor on, as long as there is room and at most `limit`.
    mutating func forward(
        _ log: borrowing PacketLog, limit: Int, to path: TransportPath, into out: inout Outbox
    ) -> Progress {
        var left = limit
        cursor = log.firstPosition(from: cursor)
        while cursor < log.head {
            guard log.contains(cursor) else { return .overtaken }
            guard left > 0 else { return .paced }
            let record = log.record(at: cursor)
            if let rewrite = decide(record, in: log) {
                let first = log.byte(cursor, at: 0)
                let header = rewriter.headerLength(of: record, first: first)
                let size = header + Int(record.length) - Int(record.headerLength)
                guard out.hasRoom(for: size) else { return .outboxFull }
                rewriter.write(record, at: cursor, of: log, first: first, rewrite, into: &out.slots, at: out.used)
                out.add(size: size, to: path.remote, on: path.socket)
                sent(rewrite, payload: Int(record.length) - Int(record.headerLength), size)
                left -= 1
            }
            cursor = log.position(after: cursor, record)
        }
        return .reachedHead
    }

    /// How a packet goes out; nil: not at all. Asked again for the same packet when the outbox was full.
    private mutating func decide(_ record: PacketLog.Record, in log: borrowing PacketLog) -> PacketRewrite? {
        if layers != nil { return decideLayers(record, in: log) }
        if needsSync { synchronise(record) }
        guard record.index >= firstIndex else { return nil }
        guard payloadTypes.contains(UInt8(record.flags & 0x7F)) else {
            skip(record)
            return nil
        }
        return PacketRewrite(index: record.index &+ indexOffset, marker: record.flags & 0x80 != 0)
    }

    private mutating func decideLayers(_ record: PacketLog.Record, in log: borrowing PacketLog) -> PacketRewrite? {
        guard payloadTypes.contains(UInt8(record.flags & 0x7F)) else {
            layers?.drop(record, at: cursor, of: log)
            return nil
        }
        return layers?.decide(record, at: cursor, of: log)
    }

    /// The first packet continues the numbering.
    private mutating func synchronise(_ record: PacketLog.Record) {
        if !knowsFirstIndex { firstIndex = record.index }
        indexOffset = lastOutgoing &+ 1 &- firstIndex
        needsSync = false
    }

    /// A packet that this receiver does not get (a codec that it does not have): no gap. Later numbers move up by one; earlier packets that are late
    /// are refused from now on, since no number of theirs is left.
    private mutating func skip(_ record: PacketLog.Record) {
        // A late one leaves its gap: what came after it has been numbered already.
        guard record.index &+ indexOffset > lastOutgoing else { return }
        firstIndex = record.index &+ 1
        indexOffset = lastOutgoing &+ 1 &- firstIndex
    }

    private mutating func sent(_ rewrite: PacketRewrite, payload: Int, _ size: Int) {
        lastOutgoing = max(lastOutgoing, rewrite.index)
        packetCount += 1
        octetCount += UInt64(payload)
        byteCount += UInt64(size)
    }
}
