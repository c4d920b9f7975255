import Base
import ORTC

/// Writes a logged packet as one receiver gets it: its SSRC, its numbering, and the header extension elements that are
/// the receiver's own or its transport's.
///
///     abs-send-time (4 bytes) │ transport-wide number (3) │ MID (1 + its text) │ zeros up to the word
///
/// Each stands there only if it was negotiated, so a packet's size is known before its values are. The payload type
/// is in the record already.
struct RTPRewriter: Sendable {
    let ssrc: UInt32
    /// The elements in one-byte form, with room for the values; their length is 0 when there are none.
    private var elements = InlineArray<24, UInt8>(repeating: 0)
    private var elementsLength = 0
    /// Where the values stand among the elements; 0: not negotiated.
    private let sendTimeOffset: Int
    private let transportNumberOffset: Int

    /// As mediasoup, only video carries what bandwidth is estimated from.
    init(ssrc: UInt32, parameters: RTPParameters) {
        self.ssrc = ssrc
        let isVideo = parameters.codecs.first?.mimeType.lowercased().hasPrefix("video/") ?? false
        var length = 0
        if isVideo, let id = parameters.id(of: .absSendTime), (1...14).contains(id) {
            elements[0] = id << 4 | 2
            sendTimeOffset = 1
            length = 4
        } else {
            sendTimeOffset = 0
        }
        if isVideo, let id = parameters.id(of: .transportWideCC), (1...14).contains(id) {
            elements[length] = id << 4 | 1
            transportNumberOffset = length + 1
            length += 3
        } else {
            transportNumberOffset = 0
        }
        if let text = parameters.mid?.utf8.prefix(16), !text.isEmpty, let id = parameters.id(of: .mid), id < 15 {
            elements[length] = id << 4 | UInt8(text.count - 1)
            length += 1
            for byte in text {
                elements[length] = byte
                length += 1
            }
        }
        elementsLength = (length + 3) & ~3
    }

    /// The packets tell when they left.
    var carriesSendTime: Bool { sendTimeOffset != 0 }
    /// The packets are counted on their transport.
    var carriesTransportNumber: Bool { transportNumberOffset != 0 }

    /// Bytes of the header that a packet gets.
    /// - Parameter first: The packet's first byte.
    func headerLength(of record: PacketLog.Record, first: UInt8) -> Int {
        Int(record.headerLength) + (elementsLength == 0 ? 0 : elementsLength + (first & 0x10 != 0 ? 0 : 4))
    }

    /// Writes header and payload to the slots, in the clear; there is room for them.
    func write(
        _ record: PacketLog.Record, at position: UInt64, of log: borrowing PacketLog, first: UInt8,
        _ rewrite: PacketRewrite, into slots: inout ByteArea, at offset: Int
    ) {
        if elementsLength == 0 {
            // In one piece: cheaper than two.
            log.copy(position, 0..<Int(record.length), into: &slots, at: offset)
            fix(record, rewrite, in: &slots, at: offset)
        } else {
            let end = writeHeader(record, at: position, of: log, first: first, rewrite, into: &slots, at: offset)
            log.copy(position, Int(record.headerLength)..<Int(record.length), into: &slots, at: end)
        }
    }

    /// Writes the header alone. What follows is the payload, as it is or encrypted.
    /// - Returns: Where the payload begins.
    func writeHeader(
        _ record: PacketLog.Record, at position: UInt64, of log: borrowing PacketLog, first: UInt8,
        _ rewrite: PacketRewrite, into slots: inout ByteArea, at offset: Int
    ) -> Int {
        let header = Int(record.headerLength)
        if elementsLength == 0 {
            log.copy(position, 0..<header, into: &slots, at: offset)
            fix(record, rewrite, in: &slots, at: offset)
            return offset + header
        }
        // They stand before the packet's own elements, in the extension that they share.
        let fixed = 12 + 4 * Int(first & 0x0F)
        let kept = first & 0x10 == 0 ? header..<header : fixed + 4..<header
        log.copy(position, 0..<fixed, into: &slots, at: offset)
        slots.store(first | 0x10, at: offset)
        var end = offset + fixed
        slots.store(UInt16(0xBEDE), at: end)
        slots.store(UInt16((elementsLength + kept.count) / 4), at: end + 2)
        end += 4
        writeElements(rewrite, to: &slots, at: end)
        end += elementsLength
        log.copy(position, kept, into: &slots, at: end)
        fix(record, rewrite, in: &slots, at: offset)
        return end + kept.count
    }

    private func writeElements(_ rewrite: PacketRewrite, to slots: inout ByteArea, at offset: Int) {
        for byte in 0..<elementsLength { slots.store(elements[byte], at: offset + byte) }
        if sendTimeOffset != 0 {
            slots.store(UInt8(truncatingIfNeeded: rewrite.sendTime >> 16), at: offset + sendTimeOffset)
            slots.store(UInt16(truncatingIfNeeded: rewrite.sendTime), at: offset + sendTimeOffset + 1)
        }
        if transportNumberOffset != 0 {
            slots.store(rewrite.transportNumber, at: offset + transportNumberOffset)
        }
    }

    /// The fields of the fixed header that are this receiver's own.
    private func fix(
        _ record: PacketLog.Record, _ rewrite: PacketRewrite, in slots: inout ByteArea, at offset: Int
    ) {
        slots.store(UInt8(truncatingIfNeeded: record.flags) & 0x7F | (rewrite.marker ? 0x80 : 0), at: offset + 1)
        slots.store(UInt16(truncatingIfNeeded: rewrite.index), at: offset + 2)
        if rewrite.timestampOffset != 0 {
            slots.store(slots.uint32(at: offset + 4) &+ rewrite.timestampOffset, at: offset + 4)
        }
        slots.store(ssrc, at: offset + 8)
    }
}
