import Base

/// What a datagram on a plain or pipe transport is, by its first two bytes.
///
/// RTCP is asked for first: its packet types 192…223 would else be read as marker bit and payload types 64…95
/// (RFC 5761 §4). The same order and bounds as mediasoup's.
public enum PacketKind: Sendable, Hashable {
    case rtcp
    case rtp
    case other

    public static func of(_ datagram: RawSpan) -> PacketKind {
        let count = datagram.byteCount
        // Version 2 is the same as a first byte of 128…191.
        guard count >= 4, datagram.uint8(at: 0) >> 6 == 2 else { return .other }
        if (192...223).contains(datagram.uint8(at: 1)) { return .rtcp }
        return count >= RTPHeader.minimumLength ? .rtp : .other
    }
}
