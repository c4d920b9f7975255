import Base

/// Retransmissions as a stream of their own (RTX, RFC 4588 §4): the original's header with SSRC, payload type and
/// sequence number of the retransmission stream, then the original sequence number (OSN), then the original's payload.
///
///      0                   1
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |              OSN              |  original payload, without padding …
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
public enum Retransmission {
    /// Bytes that a packet grows by.
    public static let overhead = 2

    /// How packets of one of the two streams are called.
    public struct Naming: Sendable, Hashable {
        public var ssrc: UInt32
        public var payloadType: UInt8

        public init(ssrc: UInt32, payloadType: UInt8) {
            self.ssrc = ssrc
            self.payloadType = payloadType
        }
    }

    /// The number of the packet that this one repeats; nil when there is none, as in probes of padding only.
    public static func originalSequenceNumber(_ header: RTPHeader, of packet: RawSpan) -> UInt16? {
        header.payloadLength >= overhead ? packet.uint16(at: header.payloadOffset) : nil
    }

    /// The header of the packet that this one repeats, with the payload's place in *this* packet: whoever keeps header
    /// and payload apart needs no copy. Nil as above.
    public static func originalHeader(
        _ header: RTPHeader, of packet: RawSpan, named original: Naming
    ) -> RTPHeader? {
        guard let number = originalSequenceNumber(header, of: packet) else { return nil }
        var header = header
        header.sequenceNumber = number
        (header.ssrc, header.payloadType) = (original.ssrc, original.payloadType)
        header.payloadOffset += overhead
        header.payloadLength -= overhead
        return header
    }

    /// Writes the packet that this one repeats, without padding.
    /// - Returns: Its length; nil when it repeats none or there is no room (the packet's length less `overhead` is
    ///   enough).
    public static func decapsulate(
        _ packet: RawSpan, _ header: RTPHeader, named original: Naming, into out: inout MutableRawSpan
    ) -> Int? {
        guard let number = originalSequenceNumber(header, of: packet) else { return nil }
        let body = header.payloadOffset + overhead..<header.payloadRange.upperBound
        let length = header.payloadOffset + body.count
        guard length <= out.byteCount else { return nil }
        copy(packet, 0..<header.payloadOffset, to: &out, at: 0)
        copy(packet, body, to: &out, at: header.payloadOffset)
        name(original, number, header, in: &out)
        return length
    }

    /// Writes a retransmission of this packet, without padding.
    /// - Parameter sequenceNumber: The next of the retransmission stream.
    /// - Returns: Its length; nil when there is no room (the packet's length and `overhead` are enough).
    public static func encapsulate(
        _ packet: RawSpan, _ header: RTPHeader, named retransmission: Naming, sequenceNumber: UInt16,
        into out: inout MutableRawSpan
    ) -> Int? {
        let length = header.payloadRange.upperBound + overhead
        guard length <= out.byteCount else { return nil }
        copy(packet, 0..<header.payloadOffset, to: &out, at: 0)
        out.store(header.sequenceNumber, at: header.payloadOffset)
        copy(packet, header.payloadRange, to: &out, at: header.payloadOffset + overhead)
        name(retransmission, sequenceNumber, header, in: &out)
        return length
    }

    private static func name(
        _ naming: Naming, _ sequenceNumber: UInt16, _ header: RTPHeader, in out: inout MutableRawSpan
    ) {
        // The padding stays behind (RFC 4588 §4), so its bit goes.
        out.store(0x80 | (header.hasExtension ? 0x10 : 0) | header.csrcCount, at: 0)
        RTPHeaderFields.setPayloadType(naming.payloadType, marker: header.marker, in: &out)
        RTPHeaderFields.setSequenceNumber(sequenceNumber, in: &out)
        RTPHeaderFields.setSSRC(naming.ssrc, in: &out)
    }

    private static func copy(
        _ source: RawSpan, _ range: Range<Int>, to out: inout MutableRawSpan, at offset: Int
    ) {
        var (from, to) = (range.lowerBound, offset)
        while from + 8 <= range.upperBound {
            out.store(source.uint64(at: from), at: to)
            (from, to) = (from + 8, to + 8)
        }
        while from < range.upperBound {
            out.store(source.uint8(at: from), at: to)
            (from, to) = (from + 1, to + 1)
        }
    }
}
