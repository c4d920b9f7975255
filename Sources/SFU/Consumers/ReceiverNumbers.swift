import Base
import ORTC

// A receiver's own numbers as a packet needs them: no dictionary is looked into on its way.

/// A receiver's payload type for each of the router's.
struct ReceiverPayloadTypes: Sendable {
    private var types = InlineArray<128, UInt8>(repeating: 0)

    init(_ numbering: ReceiverNumbering?) {
        guard let numbering else { return }
        for router in 0..<128 as Range<UInt8> {
            types[Int(router)] = numbering.payloadType(for: router) ?? router
        }
    }

    /// What the record says of the packet's second byte becomes the receiver's.
    func renumber(_ record: inout PacketLog.Record) {
        record.flags = record.flags & ~0x7F | UInt16(types[Int(record.flags & 0x7F)])
    }
}

/// A receiver's id for each of the router's header extensions.
///
/// Elements that mean the same for all receivers lie in the log under the router's ids; a copy gets the receiver's in
/// their place. No length changes, so that a packet's size is known before, and is the same whenever it is sent.
struct ReceiverExtensionIDs: Sendable {
    /// 4 bits for each; 0: the receiver has none.
    private var ids: UInt64 = 0

    init(_ numbering: ReceiverNumbering?) {
        guard let numbering else { return }
        for router in 1...14 as ClosedRange<UInt8> {
            ids |= UInt64(numbering.extensionID(for: router) ?? 0) << (4 * UInt64(router))
        }
    }

    private subscript(router: UInt8) -> UInt8 {
        router < 15 ? UInt8(truncatingIfNeeded: ids >> (4 * UInt64(router))) & 0x0F : 0
    }

    /// Elements without an id of the receiver's become padding: zeros (RFC 8285 §4.1.1).
    /// - Parameters:
    ///   - range: Where elements of the router stand, and padding.
    ///   - isLong: In the two-byte form.
    func renumber(_ range: Range<Int>, isLong: Bool, in slots: inout ByteArea) {
        var place = range.lowerBound
        while place < range.upperBound {
            let first = slots.uint8(at: place)
            if first == 0 {
                place += 1
                continue
            }
            // The log has no element that is cut off; were there one, it would end with its extension.
            let end: Int
            let id: UInt8
            if isLong {
                guard place + 1 < range.upperBound else { return slots.store(0 as UInt8, at: place) }
                end = min(place + 2 + Int(slots.uint8(at: place + 1)), range.upperBound)
                id = self[first]
            } else {
                end = min(place + 2 + Int(first & 0x0F), range.upperBound)
                id = self[first >> 4]
            }
            if id == 0 {
                for byte in place..<end { slots.store(0 as UInt8, at: byte) }
            } else {
                slots.store(isLong ? id : id << 4 | first & 0x0F, at: place)
            }
            place = end
        }
    }
}

extension ReceiverNumbering {
    /// The router's payload types whose packets leave under one of these.
    func routerPayloadTypes(of media: some Sequence<UInt8>) -> [UInt8] {
        let media = Set(media)
        return payloadTypes.keys.filter { payloadType(for: $0).map(media.contains) ?? false }
    }
}
