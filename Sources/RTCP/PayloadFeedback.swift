import Base

/// PLI: "a picture was lost, send a key frame" (RFC 4585 §6.3.1): payload feedback (206) of format 1.
public struct PictureLossIndication: Sendable, Hashable {
    public var senderSSRC: UInt32
    public var mediaSSRC: UInt32

    init(_ slice: RTCPSlice, in datagram: RawSpan) throws(RTCPParseError) {
        try slice.require(8)
        senderSSRC = datagram.uint32(at: slice.content)
        mediaSSRC = datagram.uint32(at: slice.content + 4)
    }
}

/// FIR: "send a key frame now" (RFC 5104 §4.3.1): payload feedback (206) of format 4.
///
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                  SSRC of packet sender                        |
///     |             SSRC of media source (unused = 0)                 |
///     |                              SSRC                             | one or more
///     | Seq nr.       |    Reserved = 0                               |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
public struct FullIntraRequest: Sendable, Hashable {
    public struct Item: Sendable, Hashable {
        public var ssrc: UInt32
        /// A repeated request keeps it; a new one adds 1.
        public var sequence: UInt8
    }

    public var senderSSRC: UInt32
    let offset: Int
    public let count: Int

    init(_ slice: RTCPSlice, in datagram: RawSpan) throws(RTCPParseError) {
        try slice.require(8)
        senderSSRC = datagram.uint32(at: slice.content)
        offset = slice.content + 8
        count = (slice.contentEnd - offset) / 8
    }

    public func item(_ position: Int, in datagram: RawSpan) -> Item {
        precondition(position >= 0 && position < count, "FIR item \(position) of \(count)")
        let at = offset + 8 * position
        return Item(ssrc: datagram.uint32(at: at), sequence: datagram.uint8(at: at + 4))
    }
}

/// REMB: what a receiver thinks it can take (draft-alvestrand-rmcat-remb-03 §2.2).
///
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                  SSRC of packet sender                        |
///     |             SSRC of media source (unused = 0)                 |
///     |  Unique identifier 'R' 'E' 'M' 'B'                            |
///     |  Num SSRC     | BR Exp    |  BR Mantissa                      |
///     |   SSRC feedback                                               | Num SSRC times
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
public struct ReceiverEstimatedMaximumBitrate: Sendable, Hashable {
    static let name: UInt32 = 0x5245_4D42

    public var senderSSRC: UInt32
    /// Clamped to 2⁶³ − 1: exponents up to 63 can be written.
    public var bitrateBitsPerSecond: Int64
    let offset: Int
    public let count: Int

    init(_ slice: RTCPSlice, in datagram: RawSpan) throws(RTCPParseError) {
        try slice.require(16)
        senderSSRC = datagram.uint32(at: slice.content)
        let word = datagram.uint32(at: slice.content + 12)
        count = Int(word >> 24)
        try slice.require(16 + 4 * count)
        let exponent = Int(word >> 18 & 0x3F)
        let mantissa = Int64(word & 0x3_FFFF)
        let fits = mantissa == 0 || exponent < mantissa.leadingZeroBitCount
        bitrateBitsPerSecond = fits ? mantissa << exponent : .max
        offset = slice.content + 16
    }

    public func ssrc(_ position: Int, in datagram: RawSpan) -> UInt32 {
        precondition(position >= 0 && position < count, "REMB source \(position) of \(count)")
        return datagram.uint32(at: offset + 4 * position)
    }
}
