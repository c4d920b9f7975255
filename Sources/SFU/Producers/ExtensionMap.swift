import Base
import ORTC
import RTP

/// Rewrites a packet's header extension into the router's ids, once per packet that came in.
///
/// Only those that mean the same for every receiver are kept. MID belongs to the consumer, abs-send-time and
/// transport-wide numbers to its transport, RIDs to nobody behind the router.
struct ExtensionMap: Sendable {
    private static let kept: [RTPHeaderExtensionURI] = [
        .frameMarking07, .frameMarking, .ssrcAudioLevel, .videoOrientation, .transmissionOffset, .absCaptureTime,
        .playoutDelay,
    ]

    /// The router's id for each id of the producer, 0: dropped. The one-byte form has 14.
    private var routerIDs = InlineArray<16, UInt8>(repeating: 0)

    init(_ parameters: RTPParameters, kind: MediaKind, router: RTPCapabilities) {
        for uri in Self.kept {
            guard let id = parameters.id(of: uri), id < 15,
                let known = router.headerExtensions.first(where: { $0.kind == kind && $0.uri == uri.rawValue }),
                let routerID = UInt8(exactly: known.preferredID), (1...14).contains(routerID)
            else { continue }
            routerIDs[Int(id)] = routerID
        }
    }

    /// A header in the making: 12 bytes, 15 CSRCs, an extension head and 7 elements of 17 bytes.
    static let maximumLength = 12 + 60 + 4 + 120

    /// Writes the header of a packet that has an extension as it shall be kept.
    /// - Returns: Its length, a multiple of 4.
    func rewrite(_ header: RTPHeader, of packet: RawSpan, into head: inout InlineArray<196, UInt8>) -> Int {
        let fixed = RTPHeader.minimumLength + 4 * Int(header.csrcCount)
        for offset in 0..<fixed { head[offset] = packet.uint8(at: offset) }
        var length = fixed + 4
        var extensions = RTPHeaderExtensionCursor(header)
        while let element = extensions.next(in: packet) {
            guard element.id < 15, routerIDs[Int(element.id)] != 0, (1...16).contains(element.length),
                length + 1 + element.length <= Self.maximumLength - 3
            else { continue }
            head[length] = routerIDs[Int(element.id)] << 4 | UInt8(element.length - 1)
            for offset in 0..<element.length { head[length + 1 + offset] = packet.uint8(at: element.offset + offset) }
            length += 1 + element.length
        }
        guard length > fixed + 4 else {
            // Nothing is left of it: no extension bit.
            head[0] &= ~0x10
            return fixed
        }
        while length & 3 != 0 {
            head[length] = 0
            length += 1
        }
        // One-byte form (RFC 8285 §4.2), length in words.
        (head[fixed], head[fixed + 1]) = (0xBE, 0xDE)
        (head[fixed + 2], head[fixed + 3]) = (0, UInt8((length - fixed - 4) / 4))
        return length
    }
}
