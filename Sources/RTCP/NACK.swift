import Base

/// Up to 17 packets that are asked for again (RFC 4585 §6.2.1).
public struct NACKItem: Sendable, Hashable {
    /// The first of them.
    public var packetID: UInt16
    /// Bit i (from the lowest): `packetID + i + 1` is missing too.
    public var lossBitmap: UInt16

    public init(packetID: UInt16, lossBitmap: UInt16 = 0) {
        self.packetID = packetID
        self.lossBitmap = lossBitmap
    }

    public var count: Int { 1 + lossBitmap.nonzeroBitCount }

    /// Calls `body` with each sequence number, in order.
    public func forEach(_ body: (UInt16) -> Void) {
        body(packetID)
        var rest = lossBitmap
        while rest != 0 {
            body(packetID &+ UInt16(rest.trailingZeroBitCount) &+ 1)
            rest &= rest - 1
        }
    }
}

/// Generic NACK: transport feedback (205) of format 1.
///
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                  SSRC of packet sender                        |
///     |                  SSRC of media source                         |
///     |            PID                |             BLP               | one or more
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
public struct NACK: Sendable, Hashable {
    public var senderSSRC: UInt32
    public var mediaSSRC: UInt32
    let offset: Int
    public let count: Int

    init(_ slice: RTCPSlice, in datagram: RawSpan) throws(RTCPParseError) {
        try slice.require(8)
        senderSSRC = datagram.uint32(at: slice.content)
        mediaSSRC = datagram.uint32(at: slice.content + 4)
        offset = slice.content + 8
        count = (slice.contentEnd - offset) / 4
    }

    public func item(_ position: Int, in datagram: RawSpan) -> NACKItem {
        precondition(position >= 0 && position < count, "NACK item \(position) of \(count)")
        let at = offset + 4 * position
        return NACKItem(packetID: datagram.uint16(at: at), lossBitmap: datagram.uint16(at: at + 2))
    }
}
