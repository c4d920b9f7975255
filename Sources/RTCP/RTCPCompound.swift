import Base

/// Why bytes are no RTCP compound. `offset` is where the bad packet begins, `index` which of the compound it is.
public enum RTCPParseError: Error, Sendable, Hashable, CustomStringConvertible {
    case empty
    /// Fewer than 4 bytes are left for the next packet's head.
    case truncatedHead(index: Int, offset: Int, got: Int)
    /// The head announces `needed` bytes (with itself), `got` are left.
    case truncated(index: Int, offset: Int, type: UInt8, needed: Int, got: Int)
    case badVersion(UInt8, index: Int, offset: Int)
    /// A padding count that is 0 or larger than the packet.
    case badPadding(count: Int, index: Int, offset: Int)
    /// The packet is whole, but too short for what its type and count say.
    case shortContent(index: Int, offset: Int, type: UInt8, needed: Int, got: Int)
    /// REMB without its name, an SDES item or an XR block that runs over the end.
    case malformed(index: Int, offset: Int, type: UInt8)

    public var description: String {
        switch self {
        case .empty: "an empty RTCP datagram"
        case .truncatedHead(let index, let offset, let got):
            "RTCP packet \(index) at byte \(offset): \(got) bytes are no head"
        case .truncated(let index, let offset, let type, let needed, let got):
            "RTCP packet \(index) (type \(type)) at byte \(offset): \(needed) bytes announced, \(got) there"
        case .badVersion(let version, let index, let offset):
            "RTCP packet \(index) at byte \(offset): version \(version), not 2"
        case .badPadding(let count, let index, let offset):
            "RTCP packet \(index) at byte \(offset): bad padding of \(count) bytes"
        case .shortContent(let index, let offset, let type, let needed, let got):
            "RTCP packet \(index) (type \(type)) at byte \(offset): content needs \(needed) bytes, has \(got)"
        case .malformed(let index, let offset, let type):
            "RTCP packet \(index) (type \(type)) at byte \(offset) is malformed"
        }
    }
}

/// Packet types (RFC 3550 §12.1, RFC 4585 §6.1, RFC 3611 §2).
public enum RTCPType {
    public static let senderReport: UInt8 = 200
    public static let receiverReport: UInt8 = 201
    public static let sourceDescription: UInt8 = 202
    public static let bye: UInt8 = 203
    public static let application: UInt8 = 204
    public static let transportFeedback: UInt8 = 205
    public static let payloadFeedback: UInt8 = 206
    public static let extendedReport: UInt8 = 207
}

/// Walks the packets of a compound, without allocation:
///
///     var compound = try RTCPCompound(validating: datagram)
///     while let packet = try compound.next(in: datagram) { switch packet { … } }
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |V=2|P|  count  |      type     |   length (32-bit words) − 1   |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///
/// RFC 3550 §6.1 and appendix A.2, with three freedoms: a compound may begin with any type (reduced size, RFC 5506), a
/// single packet is a compound, and each packet may be padded, by any number of bytes: libwebrtc fills transport-wide
/// feedback up to the word so, wherever it stands.
public struct RTCPCompound: Sendable {
    private var offset = 0
    private var index = 0

    /// Checks the heads, lengths and padding of all packets; their content is checked by `next`.
    public init(validating datagram: RawSpan) throws(RTCPParseError) {
        guard datagram.byteCount > 0 else { throw .empty }
        var (offset, index) = (0, 0)
        while offset < datagram.byteCount {
            offset = try RTCPSlice(at: offset, index: index, in: datagram).end
            index += 1
        }
    }

    /// The next packet, or nil at the end. `datagram` must be the one that was validated.
    ///
    /// After an error the walk stands behind the bad packet: the caller may go on or give up.
    public mutating func next(in datagram: RawSpan) throws(RTCPParseError) -> RTCPPacket? {
        guard offset < datagram.byteCount else { return nil }
        let slice: RTCPSlice
        do {
            slice = try RTCPSlice(at: offset, index: index, in: datagram)
        } catch {
            offset = datagram.byteCount
            throw error
        }
        offset = slice.end
        index += 1
        return try RTCPPacket(slice, in: datagram)
    }
}

/// One packet's place in the datagram.
struct RTCPSlice {
    /// Low 5 bits of the first byte: report or source count, or feedback format.
    var count: UInt8
    var type: UInt8
    /// Where the head begins.
    var start: Int
    /// Behind the content, before the padding.
    var contentEnd: Int
    /// Where the next packet begins.
    var end: Int
    var index: Int

    /// Where the content (behind the 4-byte head) begins.
    var content: Int { start + 4 }

    init(at start: Int, index: Int, in datagram: RawSpan) throws(RTCPParseError) {
        let left = datagram.byteCount - start
        guard left >= 4 else { throw .truncatedHead(index: index, offset: start, got: left) }
        let first = datagram.uint8(at: start)
        guard first >> 6 == 2 else { throw .badVersion(first >> 6, index: index, offset: start) }
        count = first & 0x1F
        type = datagram.uint8(at: start + 1)
        let length = 4 * (Int(datagram.uint16(at: start + 2)) + 1)
        guard length <= left else {
            throw .truncated(index: index, offset: start, type: type, needed: length, got: left)
        }
        self.start = start
        self.index = index
        end = start + length
        contentEnd = end
        if first & 0x20 != 0 {
            // It counts its last byte.
            let padding = Int(datagram.uint8(at: end - 1))
            guard padding > 0, padding <= length - 4 else {
                throw .badPadding(count: padding, index: index, offset: start)
            }
            contentEnd -= padding
        }
    }

    /// Refuses a content of fewer than `bytes`.
    func require(_ bytes: Int) throws(RTCPParseError) {
        let got = contentEnd - content
        guard got >= bytes else {
            throw .shortContent(index: index, offset: start, type: type, needed: bytes, got: got)
        }
    }

    var malformed: RTCPParseError { .malformed(index: index, offset: start, type: type) }
}
