import Base
import ORTC
import RTP

/// What stands before the unchanged rest of a packet in the log: its header, and the beginning of a payload.
struct PacketHead {
    /// 12 bytes, 15 CSRCs, an extension head, 7 elements of 17 bytes and one of 257, and 3 bytes of a payload.
    static let capacity = 512

    private(set) var bytes = InlineArray<512, UInt8>(repeating: 0)
    private(set) var length = 0

    var left: Int { Self.capacity - length }

    /// There is room: `left` was asked.
    mutating func append(_ byte: UInt8) {
        bytes[length] = byte
        length += 1
    }

    mutating func append(_ range: Range<Int>, of packet: RawSpan) {
        for offset in range { append(packet.uint8(at: offset)) }
    }

    mutating func replace(at offset: Int, with byte: UInt8) { bytes[offset] = byte }

    /// Whether the extension that it has is one of the two-byte form.
    func hasLongForm(_ header: RTPHeader) -> Bool {
        bytes[0] & 0x10 != 0 && bytes[RTPHeader.minimumLength + 4 * Int(header.csrcCount)] == 0x10
    }
}

/// Rewrites a packet's header extension into the router's ids, once per packet that came in.
///
/// Only those that mean the same for every receiver are kept. MID belongs to the consumer, abs-send-time and
/// transport-wide numbers to its transport, RIDs to nobody behind the router.
struct ExtensionMap: Sendable {
    private static let kept: [RTPHeaderExtensionURI] = [
        .frameMarking07, .frameMarking, .ssrcAudioLevel, .videoOrientation, .transmissionOffset, .absCaptureTime,
        .playoutDelay, .dependencyDescriptor,
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

    private func routerID(of element: RTP.RTPHeaderExtension) -> UInt8 {
        element.id < 15 && element.length >= 1 ? routerIDs[Int(element.id)] : 0
    }

    /// Whether one of the elements that are kept is too long for the one-byte form: a dependency descriptor with its
    /// structure, as key frames have it.
    private func needsTwoBytes(_ header: RTPHeader, of packet: RawSpan) -> Bool {
        // In the one-byte form nothing is longer.
        guard header.extensionProfile != 0xBEDE else { return false }
        var extensions = RTPHeaderExtensionCursor(header)
        while let element = extensions.next(in: packet) {
            if element.length > 16, routerID(of: element) != 0 { return true }
        }
        return false
    }

    /// Writes a packet's header as it shall be kept.
    /// - Parameter head: Empty.
    /// - Returns: The header's length, a multiple of 4.
    func rewrite(_ header: RTPHeader, of packet: RawSpan, into head: inout PacketHead) -> Int {
        let fixed = RTPHeader.minimumLength + 4 * Int(header.csrcCount)
        head.append(0..<fixed, of: packet)
        guard header.hasExtension, hasKept(header, of: packet) else {
            // Nothing is left of it: no extension bit.
            head.replace(at: 0, with: packet.uint8(at: 0) & ~0x10)
            return fixed
        }
        let twoBytes = needsTwoBytes(header, of: packet)
        // One-byte or two-byte form (RFC 8285 §4.2, §4.3), and the length, which follows.
        head.append(twoBytes ? 0x10 : 0xBE)
        head.append(twoBytes ? 0x00 : 0xDE)
        head.append(0)
        head.append(0)
        var extensions = RTPHeaderExtensionCursor(header)
        while let element = extensions.next(in: packet) {
            let id = routerID(of: element)
            // Up to 3 bytes of filling, and 3 of the payload that follows.
            guard id != 0, element.length + 8 <= head.left else { continue }
            if twoBytes {
                head.append(id)
                head.append(UInt8(truncatingIfNeeded: element.length))
            } else {
                head.append(id << 4 | UInt8(truncatingIfNeeded: element.length - 1))
            }
            head.append(element.offset..<element.offset + element.length, of: packet)
        }
        while head.length & 3 != 0 { head.append(0) }
        head.replace(at: fixed + 3, with: UInt8(truncatingIfNeeded: (head.length - fixed - 4) / 4))
        return head.length
    }

    private func hasKept(_ header: RTPHeader, of packet: RawSpan) -> Bool {
        var extensions = RTPHeaderExtensionCursor(header)
        while let element = extensions.next(in: packet) {
            if routerID(of: element) != 0 { return true }
        }
        return false
    }
}
