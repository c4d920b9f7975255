import Base

/// Why bytes are no RTP packet. Numbers are byte counts.
public enum RTPParseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The packet ends before what its header announces (fixed header, CSRC list, header extension).
    case truncated(needed: Int, got: Int)
    case badVersion(UInt8)
    /// The padding count is zero or larger than what is left behind the header (`available`).
    case badPadding(count: Int, available: Int)

    public var description: String {
        switch self {
        case .truncated(let needed, let got): "RTP packet of \(got) bytes, its header needs \(needed)"
        case .badVersion(let version): "RTP version \(version), not 2"
        case .badPadding(let count, let available): "RTP padding of \(count) bytes where \(available) are left"
        }
    }
}

/// The header of an RTP packet: a small value with offsets into the packet's bytes, which stay where they are.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                           timestamp                           |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |           synchronization source (SSRC) identifier            |
///     +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
///     |            contributing source (CSRC) identifiers …           |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |      defined by profile       |    length (32-bit words)      |  only with X
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                        header extension …                     |
///
/// RFC 3550 §5.1 and §5.3.1.
public struct RTPHeader: Sendable, Hashable {
    /// The fixed part, in bytes.
    public static let minimumLength = 12

    public var ssrc: UInt32
    /// In units of the codec's clock rate.
    public var timestamp: UInt32
    public var sequenceNumber: UInt16
    /// 0…127.
    public var payloadType: UInt8
    public var marker: Bool
    /// 0…15 contributing sources, from byte 12 on.
    public var csrcCount: UInt8
    /// Bytes of padding at the end, its count byte included; 0 without the padding bit.
    public var paddingLength: UInt8
    /// "Defined by profile": 0xBEDE or 0x100x for RFC 8285; 0 when there is no extension (see `hasExtension`).
    public var extensionProfile: UInt16
    /// Where the content of the header extension begins; 0 without one.
    public var extensionOffset: Int
    /// Bytes of the extension's content, without its 4-byte head.
    public var extensionLength: Int
    public var payloadOffset: Int
    /// Without padding. 0 is legal: probes and keep-alives are padding only.
    public var payloadLength: Int

    public var hasExtension: Bool { extensionOffset != 0 }
    public var payloadRange: Range<Int> { payloadOffset..<payloadOffset + payloadLength }

    /// Parses the header and checks everything that it announces against the packet's length.
    public init(parsing packet: RawSpan) throws(RTPParseError) {
        let count = packet.byteCount
        guard count >= Self.minimumLength else { throw .truncated(needed: Self.minimumLength, got: count) }
        let first = packet.uint8(at: 0)
        guard first >> 6 == 2 else { throw .badVersion(first >> 6) }
        let second = packet.uint8(at: 1)
        marker = second & 0x80 != 0
        payloadType = second & 0x7F
        sequenceNumber = packet.uint16(at: 2)
        timestamp = packet.uint32(at: 4)
        ssrc = packet.uint32(at: 8)
        csrcCount = first & 0x0F

        var offset = Self.minimumLength + 4 * Int(csrcCount)
        guard offset <= count else { throw .truncated(needed: offset, got: count) }
        extensionProfile = 0
        extensionOffset = 0
        extensionLength = 0
        if first & 0x10 != 0 {
            guard offset + 4 <= count else { throw .truncated(needed: offset + 4, got: count) }
            extensionProfile = packet.uint16(at: offset)
            extensionLength = 4 * Int(packet.uint16(at: offset + 2))
            extensionOffset = offset + 4
            offset = extensionOffset + extensionLength
            guard offset <= count else { throw .truncated(needed: offset, got: count) }
        }

        var padding: UInt8 = 0
        if first & 0x20 != 0 {
            // The last byte counts the padding, itself included (RFC 3550 §5.1).
            padding = offset < count ? packet.uint8(at: count - 1) : 0
            guard padding != 0, Int(padding) <= count - offset else {
                throw .badPadding(count: Int(padding), available: count - offset)
            }
        }
        paddingLength = padding
        payloadOffset = offset
        payloadLength = count - offset - Int(padding)
    }

    /// The contributing source at `position` (0 ..< `csrcCount`).
    public func csrc(_ position: Int, in packet: RawSpan) -> UInt32 {
        packet.uint32(at: Self.minimumLength + 4 * position)
    }
}
