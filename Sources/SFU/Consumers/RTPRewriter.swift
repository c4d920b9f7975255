import Base
import ORTC

/// Writes a logged packet as one receiver gets it: its SSRC, its numbering, and the header extension elements that are
/// the receiver's own or its transport's. The payload type is in the record already, as the receiver calls it.
struct RTPRewriter: Sendable {
    let ssrc: UInt32
    /// The receiver has payload types and extension ids of its own.
    let renumbers: Bool
    /// In the one-byte form of extensions, and in the two-byte form that a packet has when an element of its own is
    /// longer than 16 bytes (RFC 8285 §4.2, §4.3).
    private let short: OwnElements
    private let long: OwnElements
    /// Only if it renumbers: for elements that lie in the log under the router's.
    private let receiverIDs: ReceiverExtensionIDs

    /// As mediasoup, only video carries what bandwidth is estimated from.
    /// - Parameter numbering: The one that the parameters are in; nil: the router's.
    init(ssrc: UInt32, parameters: RTPParameters, numbering: ReceiverNumbering?) {
        self.ssrc = ssrc
        renumbers = numbering != nil
        receiverIDs = ReceiverExtensionIDs(numbering)
        short = OwnElements(parameters, isLong: false)
        long = OwnElements(parameters, isLong: true)
    }

    /// What a record's flags say of the packet's extension: it has the two-byte form.
    static let longFormFlag: UInt16 = 0x100

    private func elements(for record: PacketLog.Record) -> OwnElements {
        record.flags & Self.longFormFlag == 0 ? short : long
    }

    /// The packets tell when they left.
    var carriesSendTime: Bool { short.sendTimeOffset != 0 }
    /// The packets are counted on their transport.
    var carriesTransportNumber: Bool { short.transportNumberOffset != 0 }

    /// Bytes of the header that a packet gets.
    /// - Parameter first: The packet's first byte.
    func headerLength(of record: PacketLog.Record, first: UInt8) -> Int {
        guard short.length != 0 else { return Int(record.headerLength) }
        let own = record.flags & Self.longFormFlag == 0 ? short.length : long.length
        return Int(record.headerLength) + own + (first & 0x10 != 0 ? 0 : 4)
    }

    /// Writes header and payload to the slots, in the clear; there is room for them.
    func write(
        _ record: PacketLog.Record, at position: UInt64, of log: borrowing PacketLog, first: UInt8,
        _ rewrite: PacketRewrite, into slots: inout ByteArea, at offset: Int
    ) {
        if short.length == 0 {
            // In one piece: cheaper than two.
            log.copy(position, 0..<Int(record.length), into: &slots, at: offset)
            fix(record, rewrite, in: &slots, at: offset)
            if renumbers { renumberExtension(of: record, first: first, in: &slots, at: offset) }
            if rewrite.changesPayload { fixPayload(rewrite, in: &slots, at: offset + Int(record.headerLength)) }
        } else {
            let end = writeHeader(record, at: position, of: log, first: first, rewrite, into: &slots, at: offset)
            log.copy(position, Int(record.headerLength)..<Int(record.length), into: &slots, at: end)
            if rewrite.changesPayload { fixPayload(rewrite, in: &slots, at: end) }
        }
    }

    /// VP8's picture id stands behind the two fixed bytes of its descriptor, in two bytes, and TL0PICIDX behind it: so
    /// they lie in the log. What has none is not told to change.
    func fixPayload(_ rewrite: PacketRewrite, in slots: inout ByteArea, at payload: Int) {
        let pictureID = UInt16(slots.uint8(at: payload + 2)) << 8 | UInt16(slots.uint8(at: payload + 3))
        slots.store(0x8000 | (pictureID &+ rewrite.pictureIDOffset), at: payload + 2)
        guard rewrite.temporalLayerZeroOffset != 0 else { return }
        slots.store(slots.uint8(at: payload + 4) &+ rewrite.temporalLayerZeroOffset, at: payload + 4)
    }

    /// Writes the header alone. What follows is the payload, as it is or encrypted.
    /// - Returns: Where the payload begins.
    func writeHeader(
        _ record: PacketLog.Record, at position: UInt64, of log: borrowing PacketLog, first: UInt8,
        _ rewrite: PacketRewrite, into slots: inout ByteArea, at offset: Int
    ) -> Int {
        let header = Int(record.headerLength)
        if short.length == 0 {
            log.copy(position, 0..<header, into: &slots, at: offset)
            fix(record, rewrite, in: &slots, at: offset)
            if renumbers { renumberExtension(of: record, first: first, in: &slots, at: offset) }
            return offset + header
        }
        // They stand before the packet's own elements, in the extension that they share.
        let fixed = 12 + 4 * Int(first & 0x0F)
        let kept = first & 0x10 == 0 ? header..<header : fixed + 4..<header
        log.copy(position, 0..<fixed, into: &slots, at: offset)
        slots.store(first | 0x10, at: offset)
        var end = offset + fixed
        let own = elements(for: record)
        slots.store(UInt16(record.flags & Self.longFormFlag == 0 ? 0xBEDE : 0x1000), at: end)
        slots.store(UInt16((own.length + kept.count) / 4), at: end + 2)
        end += 4
        own.write(rewrite, to: &slots, at: end)
        end += own.length
        log.copy(position, kept, into: &slots, at: end)
        if renumbers { renumber(end..<end + kept.count, of: record, in: &slots) }
        fix(record, rewrite, in: &slots, at: offset)
        return end + kept.count
    }

    /// A header that stands there as it lies in the log.
    private func renumberExtension(
        of record: PacketLog.Record, first: UInt8, in slots: inout ByteArea, at offset: Int
    ) {
        guard first & 0x10 != 0 else { return }
        let elements = 12 + 4 * Int(first & 0x0F) + 4
        renumber(offset + elements..<offset + Int(record.headerLength), of: record, in: &slots)
    }

    private func renumber(_ range: Range<Int>, of record: PacketLog.Record, in slots: inout ByteArea) {
        receiverIDs.renumber(range, isLong: record.flags & Self.longFormFlag != 0, in: &slots)
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
