import Base
import ORTC

/// Writes a logged packet as one consumer gets it: its SSRC, its numbering, its MID.
///
/// Payload type and marker are in the record already, timestamps stay as the producer made them.
struct RTPRewriter: Sendable {
    let ssrc: UInt32
    /// Outgoing index = logged index + this, modulo 2⁶⁴: the low 16 bits are the sequence number, and the bits above
    /// are SRTP's rollover counter.
    var indexOffset: UInt64 = 0
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

    /// Bytes that a packet becomes.
    func length(of record: PacketLog.Record, hasExtension: Bool) -> Int {
        Int(record.length) + (midLength == 0 ? 0 : midLength + (hasExtension ? 0 : 4))
    }

    /// Writes the packet to the slots; there is room for `length(of:hasExtension:)` bytes.
    func write(
        _ record: PacketLog.Record, at position: UInt64, of log: borrowing PacketLog, first: UInt8,
        into slots: inout ByteArea, at offset: Int
    ) {
        if midLength == 0 {
            log.copy(position, 0..<Int(record.length), into: &slots, at: offset)
        } else {
            insertMID(record, at: position, of: log, first: first, into: &slots, at: offset)
        }
        slots.store(UInt8(truncatingIfNeeded: record.flags), at: offset + 1)
        slots.store(UInt16(truncatingIfNeeded: record.index &+ indexOffset), at: offset + 2)
        slots.store(ssrc, at: offset + 8)
    }

    /// The MID stands before the packet's own elements, in the extension that they share.
    private func insertMID(
        _ record: PacketLog.Record, at position: UInt64, of log: borrowing PacketLog, first: UInt8,
        into slots: inout ByteArea, at offset: Int
    ) {
        let fixed = 12 + 4 * Int(first & 0x0F)
        let header = Int(record.headerLength)
        let elements = first & 0x10 == 0 ? header..<header : fixed + 4..<header
        log.copy(position, 0..<fixed, into: &slots, at: offset)
        slots.store(first | 0x10, at: offset)
        var end = offset + fixed
        slots.store(UInt16(0xBEDE), at: end)
        slots.store(UInt16((midLength + elements.count) / 4), at: end + 2)
        end += 4
        for byte in 0..<midLength { slots.store(mid[byte], at: end + byte) }
        end += midLength
        log.copy(position, elements, into: &slots, at: end)
        log.copy(position, header..<Int(record.length), into: &slots, at: end + elements.count)
    }
}
