import Base
import ORTC

/// Writes a logged packet as one receiver gets it: its SSRC, its numbering, its MID.
///
/// The payload type is in the record already.
struct RTPRewriter: Sendable {
    let ssrc: UInt32
    /// The MID element as one-byte extension, filled up to whole words; its length is 0 without one.
    private let mid: InlineArray<20, UInt8>
    private let midLength: Int

    init(ssrc: UInt32, parameters: RTPParameters) {
        self.ssrc = ssrc
        var bytes = InlineArray<20, UInt8>(repeating: 0)
        var length = 0
        if let text = parameters.mid?.utf8.prefix(16), !text.isEmpty, let id = parameters.id(of: .mid), id < 15 {
            bytes[0] = id << 4 | UInt8(text.count - 1)
            length = 1
            for byte in text {
                bytes[length] = byte
                length += 1
            }
            length = (length + 3) & ~3
        }
        mid = bytes
        midLength = length
    }

    /// Bytes of the header that a packet gets.
    /// - Parameter first: The packet's first byte.
    func headerLength(of record: PacketLog.Record, first: UInt8) -> Int {
        Int(record.headerLength) + (midLength == 0 ? 0 : midLength + (first & 0x10 != 0 ? 0 : 4))
    }

    /// Writes header and payload to the slots, in the clear; there is room for them.
    func write(
        _ record: PacketLog.Record, at position: UInt64, of log: borrowing PacketLog, first: UInt8,
        _ rewrite: PacketRewrite, into slots: inout ByteArea, at offset: Int
    ) {
        if midLength == 0 {
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
        if midLength == 0 {
            log.copy(position, 0..<header, into: &slots, at: offset)
            fix(record, rewrite, in: &slots, at: offset)
            return offset + header
        }
        // The MID stands before the packet's own elements, in the extension that they share.
        let fixed = 12 + 4 * Int(first & 0x0F)
        let elements = first & 0x10 == 0 ? header..<header : fixed + 4..<header
        log.copy(position, 0..<fixed, into: &slots, at: offset)
        slots.store(first | 0x10, at: offset)
        var end = offset + fixed
        let isTwoByteForm = first & 0x10 != 0 && log.byte(position, at: fixed) == 0x10
        slots.store(UInt16(isTwoByteForm ? 0x1000 : 0xBEDE), at: end)
        slots.store(UInt16((midLength + elements.count) / 4), at: end + 2)
        end += 4
        for byte in 0..<midLength { slots.store(isTwoByteForm ? longMID(byte) : mid[byte], at: end + byte) }
        end += midLength
        log.copy(position, elements, into: &slots, at: end)
        fix(record, rewrite, in: &slots, at: offset)
        return end + elements.count
    }

    /// The MID among elements of the two-byte form, in the same room; where it has none, zeros stand, which are padding.
    private func longMID(_ place: Int) -> UInt8 {
        let count = Int(mid[0] & 0x0F) + 1
        guard count + 2 <= midLength else { return 0 }
        return switch place {
        case 0: mid[0] >> 4
        case 1: UInt8(count)
        case ..<(count + 2): mid[place - 1]
        default: 0
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
