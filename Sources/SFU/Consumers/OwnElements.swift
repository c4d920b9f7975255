import Base
import ORTC

/// The header extension elements that a receiver has of its own or of its transport, with room for their values:
///
///     abs-send-time (3 bytes of value) │ transport-wide number (2) │ MID (its text) │ zeros up to the word
///
/// Each stands there only if it was negotiated, so a packet's size is known before its values are.
struct OwnElements: Sendable {
    private var bytes = InlineArray<28, UInt8>(repeating: 0)
    /// 0: none.
    private(set) var length = 0
    /// Where the values stand; 0: not negotiated.
    private(set) var sendTimeOffset = 0
    private(set) var transportNumberOffset = 0

    /// - Parameter isLong: In the two-byte form.
    init(_ parameters: RTPParameters, isLong: Bool) {
        let isVideo = parameters.codecs.first?.mimeType.lowercased().hasPrefix("video/") ?? false
        if isVideo, let id = parameters.id(of: .absSendTime), (1...14).contains(id) {
            begin(id, count: 3, isLong)
            sendTimeOffset = length
            length += 3
        }
        if isVideo, let id = parameters.id(of: .transportWideCC), (1...14).contains(id) {
            begin(id, count: 2, isLong)
            transportNumberOffset = length
            length += 2
        }
        if let text = parameters.mid?.utf8.prefix(16), !text.isEmpty, let id = parameters.id(of: .mid),
            (1...14).contains(id)
        {
            begin(id, count: text.count, isLong)
            for byte in text {
                bytes[length] = byte
                length += 1
            }
        }
        length = (length + 3) & ~3
    }

    private mutating func begin(_ id: UInt8, count: Int, _ isLong: Bool) {
        if isLong {
            (bytes[length], bytes[length + 1]) = (id, UInt8(count))
            length += 2
        } else {
            bytes[length] = id << 4 | UInt8(count - 1)
            length += 1
        }
    }

    func write(_ rewrite: PacketRewrite, to slots: inout ByteArea, at offset: Int) {
        for byte in 0..<length { slots.store(bytes[byte], at: offset + byte) }
        if sendTimeOffset != 0 {
            slots.store(UInt8(truncatingIfNeeded: rewrite.sendTime >> 16), at: offset + sendTimeOffset)
            slots.store(UInt16(truncatingIfNeeded: rewrite.sendTime), at: offset + sendTimeOffset + 1)
        }
        if transportNumberOffset != 0 {
            slots.store(rewrite.transportNumber, at: offset + transportNumberOffset)
        }
    }
}
