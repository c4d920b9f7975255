import Base

/// One line of a DLRR block: the answer to a receiver's reference time (RFC 3611 §4.5).
public struct DLRRItem: Sendable, Hashable {
    /// The receiver that sent the reference time.
    public var ssrc: UInt32
    /// Middle 32 bits of that time.
    public var lastReceiverReport: UInt32
    /// In 1/65,536 s.
    public var delay: UInt32

    public init(ssrc: UInt32, lastReceiverReport: UInt32, delay: UInt32) {
        self.ssrc = ssrc
        self.lastReceiverReport = lastReceiverReport
        self.delay = delay
    }
}

/// Extended reports (RFC 3611 §2): how receivers that send nothing learn their round-trip time.
///
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                              SSRC                             |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |   block type  |   reserved    |     length (32-bit words)     | blocks
///     |                            content …                          |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///
///     var blocks = report.blocks
///     while let block = blocks.next(in: datagram) { … }
public struct ExtendedReport: Sendable, Hashable {
    static let receiverReferenceTimeType: UInt8 = 4
    static let dlrrType: UInt8 = 5

    public enum Block: Sendable, Hashable {
        case receiverReferenceTime(NTPTime)
        case dlrr(DLRR)
        case unknown(type: UInt8)
    }

    public struct DLRR: Sendable, Hashable {
        let offset: Int
        public let count: Int

        public func item(_ position: Int, in datagram: RawSpan) -> DLRRItem {
            precondition(position >= 0 && position < count, "DLRR item \(position) of \(count)")
            let at = offset + 12 * position
            return DLRRItem(
                ssrc: datagram.uint32(at: at), lastReceiverReport: datagram.uint32(at: at + 4),
                delay: datagram.uint32(at: at + 8))
        }
    }

    /// A walk over the blocks; they were checked when the packet was parsed.
    public struct Blocks: Sendable, Hashable {
        private var offset: Int
        private let end: Int
        private(set) var isMalformed = false

        init(offset: Int, end: Int) {
            self.offset = offset
            self.end = end
        }

        public mutating func next(in datagram: RawSpan) -> Block? {
            guard offset < end else { return nil }
            guard offset + 4 <= end else { return malformed() }
            let type = datagram.uint8(at: offset)
            let content = offset + 4
            let length = 4 * Int(datagram.uint16(at: offset + 2))
            guard content + length <= end else { return malformed() }
            offset = content + length
            switch type {
            case receiverReferenceTimeType:
                guard length == 8 else { return malformed() }
                return .receiverReferenceTime(NTPTime(rawValue: datagram.uint64(at: content)))
            case dlrrType:
                guard length % 12 == 0 else { return malformed() }
                return .dlrr(DLRR(offset: content, count: length / 12))
            default: return .unknown(type: type)
            }
        }

        private mutating func malformed() -> Block? {
            isMalformed = true
            offset = end
            return nil
        }
    }

    public var ssrc: UInt32
    public var blocks: Blocks

    init(_ slice: RTCPSlice, in datagram: RawSpan) throws(RTCPParseError) {
        try slice.require(4)
        ssrc = datagram.uint32(at: slice.content)
        blocks = Blocks(offset: slice.content + 4, end: slice.contentEnd)
        var trial = blocks
        while trial.next(in: datagram) != nil {}
        if trial.isMalformed { throw slice.malformed }
    }
}
