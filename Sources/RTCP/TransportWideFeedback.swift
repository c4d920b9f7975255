import Base

/// What became of packets by their transport-wide numbers: transport feedback (205) of format 15
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
///
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                  SSRC of packet sender                        |
///     |                  SSRC of media source                         |
///     |      base sequence number     |      packet status count      |
///     |                 reference time                | fb pkt. count |
///     |          packet chunk         |         packet chunk          | until all are told
///     |           recv delta          |  recv delta   | zero padding  | one for each that came
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///
/// A chunk is a run (0, symbol of 2 bits, length of 13), 14 symbols of one bit (10…) or 7 of two (11…). Symbols: 0 lost,
/// 1 came and has a delta of one byte, 2 came and has a delta of two (signed). The list stays in the datagram:
///
///     var statuses = feedback.statuses
///     while let status = statuses.next(in: datagram) { … }
public struct TransportWideFeedback: Sendable, Hashable {
    /// Deltas and arrivals count in this.
    public static let tick = Duration.microseconds(250)
    /// The reference time counts in 64 ms.
    public static let ticksPerReference: Int64 = 256

    public var senderSSRC: UInt32
    public var mediaSSRC: UInt32
    /// The number of the first packet told of.
    public var baseSequenceNumber: UInt16
    /// How many packets it tells of.
    public var statusCount: Int
    /// Of the receiver's clock in units of 64 ms: 24 bits, signed, wraps after 12 days.
    public var referenceTime: Int32
    /// Counts the feedback packets of one receiver.
    public var feedbackCount: UInt8
    let chunks: Int
    let deltas: Int

    /// Checks that the chunks tell of all packets and that each delta is there: a walk can't run over the end.
    init(_ slice: RTCPSlice, in datagram: RawSpan) throws(RTCPParseError) {
        try slice.require(16)
        senderSSRC = datagram.uint32(at: slice.content)
        mediaSSRC = datagram.uint32(at: slice.content + 4)
        baseSequenceNumber = datagram.uint16(at: slice.content + 8)
        statusCount = Int(datagram.uint16(at: slice.content + 10))
        referenceTime = Int32(bitPattern: datagram.uint24(at: slice.content + 12) << 8) >> 8
        feedbackCount = datagram.uint8(at: slice.content + 15)
        chunks = slice.content + 16
        var (at, left, deltaBytes) = (chunks, statusCount, 0)
        while left > 0 {
            try slice.require(at + 2 - slice.content)
            let chunk = StatusChunk(rawValue: datagram.uint16(at: at))
            guard let bytes = chunk.deltaBytes(of: left) else { throw slice.malformed }
            deltaBytes += bytes
            left -= min(left, chunk.count)
            at += 2
        }
        deltas = at
        try slice.require(deltas + deltaBytes - slice.content)
    }

    public var statuses: TransportWideStatuses { TransportWideStatuses(of: self) }
}

/// One packet of a feedback.
public struct TransportWideStatus: Sendable, Hashable {
    public var sequenceNumber: UInt16
    /// When it came, in ticks of 250 µs since the reference clock's zero; nil when it has not come.
    public var arrivalTicks: Int64?

    public init(sequenceNumber: UInt16, arrivalTicks: Int64?) {
        self.sequenceNumber = sequenceNumber
        self.arrivalTicks = arrivalTicks
    }
}

/// A walk over a feedback's packets in order of their numbers, without allocation.
public struct TransportWideStatuses: Sendable {
    private var sequenceNumber: UInt16
    private var left: Int
    private var chunkAt: Int
    private var deltaAt: Int
    private var ticks: Int64
    private var chunk = StatusChunk(rawValue: 0)
    private var position = 0

    init(of feedback: TransportWideFeedback) {
        sequenceNumber = feedback.baseSequenceNumber
        left = feedback.statusCount
        chunkAt = feedback.chunks
        deltaAt = feedback.deltas
        ticks = Int64(feedback.referenceTime) * TransportWideFeedback.ticksPerReference
    }

    /// The next packet, nil at the end. `datagram` must be the one that the feedback was parsed from.
    public mutating func next(in datagram: RawSpan) -> TransportWideStatus? {
        guard left > 0 else { return nil }
        // A chunk may be an empty run.
        while position == chunk.count {
            chunk = StatusChunk(rawValue: datagram.uint16(at: chunkAt))
            position = 0
            chunkAt += 2
        }
        let symbol = chunk.symbol(position)
        position += 1
        left -= 1
        defer { sequenceNumber &+= 1 }
        switch symbol {
        case StatusChunk.smallDelta:
            ticks += Int64(datagram.uint8(at: deltaAt))
            deltaAt += 1
        case StatusChunk.largeDelta:
            ticks += Int64(Int16(bitPattern: datagram.uint16(at: deltaAt)))
            deltaAt += 2
        default: return TransportWideStatus(sequenceNumber: sequenceNumber, arrivalTicks: nil)
        }
        return TransportWideStatus(sequenceNumber: sequenceNumber, arrivalTicks: ticks)
    }
}

/// Two bytes that tell of up to 8191 packets.
struct StatusChunk {
    static let lost: UInt16 = 0
    static let smallDelta: UInt16 = 1
    static let largeDelta: UInt16 = 2
    static let reserved: UInt16 = 3
    static let maxRun = 0x1FFF

    var rawValue: UInt16

    private var isRun: Bool { rawValue & 0x8000 == 0 }
    private var hasTwoBits: Bool { rawValue & 0x4000 != 0 }

    var count: Int { isRun ? Int(rawValue & 0x1FFF) : hasTwoBits ? 7 : 14 }

    func symbol(_ position: Int) -> UInt16 {
        if isRun { return rawValue >> 13 & 3 }
        return hasTwoBits ? rawValue >> UInt16(12 - 2 * position) & 3 : rawValue >> UInt16(13 - position) & 1
    }

    /// The size of the deltas of its first `limit` packets; nil when one has the reserved symbol.
    func deltaBytes(of limit: Int) -> Int? {
        let told = min(count, limit)
        if isRun { return symbol(0) == Self.reserved ? nil : told * Int(symbol(0)) }
        var bytes = 0
        for position in 0..<told {
            guard symbol(position) != Self.reserved else { return nil }
            // The symbols' values are the sizes of their deltas.
            bytes += Int(symbol(position))
        }
        return bytes
    }
}
