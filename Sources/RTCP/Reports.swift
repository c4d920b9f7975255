import Base

/// What a receiver says of one stream (RFC 3550 §6.4.1): 24 bytes.
///
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                             SSRC                              |
///     | fraction lost |       cumulative number of packets lost       |
///     |           extended highest sequence number received           |
///     |                      interarrival jitter                      |
///     |                         last SR (LSR)                         |
///     |                   delay since last SR (DLSR)                  |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
public struct ReportBlock: Sendable, Hashable {
    static let length = 24

    public var ssrc: UInt32
    /// Of 256, since the last report.
    public var fractionLost: UInt8
    /// Since the beginning; negative when duplicates outnumber losses. 24 bits: written clamped.
    public var packetsLost: Int32
    /// Wraps in the high half, the sequence number in the low half.
    public var extendedHighestSequence: UInt32
    /// In timestamp units.
    public var jitter: UInt32
    /// Middle 32 bits of the last sender report's NTP time; 0 when there was none.
    public var lastSenderReport: UInt32
    /// In 1/65,536 s; 0 when there was none.
    public var delaySinceLastSenderReport: UInt32

    public init(
        ssrc: UInt32, fractionLost: UInt8 = 0, packetsLost: Int32 = 0, extendedHighestSequence: UInt32 = 0,
        jitter: UInt32 = 0, lastSenderReport: UInt32 = 0, delaySinceLastSenderReport: UInt32 = 0
    ) {
        self.ssrc = ssrc
        self.fractionLost = fractionLost
        self.packetsLost = packetsLost
        self.extendedHighestSequence = extendedHighestSequence
        self.jitter = jitter
        self.lastSenderReport = lastSenderReport
        self.delaySinceLastSenderReport = delaySinceLastSenderReport
    }

    init(at offset: Int, in datagram: RawSpan) {
        ssrc = datagram.uint32(at: offset)
        fractionLost = datagram.uint8(at: offset + 4)
        // Sign-extend from 24 bits.
        packetsLost = Int32(bitPattern: datagram.uint24(at: offset + 5) << 8) >> 8
        extendedHighestSequence = datagram.uint32(at: offset + 8)
        jitter = datagram.uint32(at: offset + 12)
        lastSenderReport = datagram.uint32(at: offset + 16)
        delaySinceLastSenderReport = datagram.uint32(at: offset + 20)
    }

    func write(at offset: Int, into buffer: inout MutableRawSpan) {
        buffer.store(ssrc, at: offset)
        let lost = UInt32(bitPattern: min(max(packetsLost, -0x80_0000), 0x7F_FFFF)) & 0xFF_FFFF
        buffer.store(UInt32(fractionLost) << 24 | lost, at: offset + 4)
        buffer.store(extendedHighestSequence, at: offset + 8)
        buffer.store(jitter, at: offset + 12)
        buffer.store(lastSenderReport, at: offset + 16)
        buffer.store(delaySinceLastSenderReport, at: offset + 20)
    }
}

/// Report blocks that lie in a datagram.
public struct ReportBlocks: Sendable, Hashable {
    let offset: Int
    public let count: Int

    /// The block at `position` (0 ..< `count`) of the datagram that they were parsed from.
    public func block(_ position: Int, in datagram: RawSpan) -> ReportBlock {
        precondition(position >= 0 && position < count, "report block \(position) of \(count)")
        return ReportBlock(at: offset + ReportBlock.length * position, in: datagram)
    }
}

/// What a sender says of its own stream (RFC 3550 §6.4.1).
public struct SenderInfo: Sendable, Hashable {
    public var ssrc: UInt32
    /// The same moment on the wall clock …
    public var ntp: NTPTime
    /// … and on the stream's clock.
    public var rtpTimestamp: UInt32
    public var packetCount: UInt32
    /// Payload only, without headers and padding.
    public var octetCount: UInt32

    public init(ssrc: UInt32, ntp: NTPTime, rtpTimestamp: UInt32, packetCount: UInt32, octetCount: UInt32) {
        self.ssrc = ssrc
        self.ntp = ntp
        self.rtpTimestamp = rtpTimestamp
        self.packetCount = packetCount
        self.octetCount = octetCount
    }
}

public struct SenderReport: Sendable, Hashable {
    public var info: SenderInfo
    public var reports: ReportBlocks

    init(_ slice: RTCPSlice, in datagram: RawSpan) throws(RTCPParseError) {
        try slice.require(24 + ReportBlock.length * Int(slice.count))
        let at = slice.content
        info = SenderInfo(
            ssrc: datagram.uint32(at: at), ntp: NTPTime(rawValue: datagram.uint64(at: at + 4)),
            rtpTimestamp: datagram.uint32(at: at + 12), packetCount: datagram.uint32(at: at + 16),
            octetCount: datagram.uint32(at: at + 20))
        reports = ReportBlocks(offset: at + 24, count: Int(slice.count))
    }
}

public struct ReceiverReport: Sendable, Hashable {
    /// Of the reporter; mediasoup writes 0.
    public var ssrc: UInt32
    public var reports: ReportBlocks

    init(_ slice: RTCPSlice, in datagram: RawSpan) throws(RTCPParseError) {
        try slice.require(4 + ReportBlock.length * Int(slice.count))
        ssrc = datagram.uint32(at: slice.content)
        reports = ReportBlocks(offset: slice.content + 4, count: Int(slice.count))
    }
}
