import Base

/// One element of a header extension: where its data lies in the packet.
public struct RTPHeaderExtension: Sendable, Hashable {
    /// 1…14 in the one-byte form, 1…255 in the two-byte form; what it means is negotiated.
    public var id: UInt8
    public var offset: Int
    /// In bytes; 0 is possible in the two-byte form only.
    public var length: Int

    public init(id: UInt8, offset: Int, length: Int) {
        self.id = id
        self.offset = offset
        self.length = length
    }
}

/// Walks the elements of a packet's header extension (RFC 8285), without allocation:
///
///     var extensions = RTPHeaderExtensionCursor(header)
///     while let element = extensions.next(in: packet) { … }
///
///     one byte (profile 0xBEDE)          two bytes (profile 0x100x)
///      0 1 2 3 4 5 6 7                    0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7
///     +-+-+-+-+-+-+-+-+                  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |  ID   | len-1 | data …           |      ID       |      len      | data …
///     +-+-+-+-+-+-+-+-+                  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///
/// Other profiles have no elements. The walk ends at the first element that is not whole.
public struct RTPHeaderExtensionCursor: Sendable {
    private enum Form { case none, oneByte, twoBytes }
    private let form: Form
    private var offset: Int
    private var end: Int

    public init(_ header: RTPHeader) {
        offset = header.extensionOffset
        end = header.extensionOffset + header.extensionLength
        if header.extensionProfile == 0xBEDE {
            form = .oneByte
        } else if header.extensionProfile & 0xFFF0 == 0x1000 {
            form = .twoBytes
        } else {
            form = .none
        }
    }

    /// The next element, or nil at the end. `packet` must be the one whose header was given.
    public mutating func next(in packet: RawSpan) -> RTPHeaderExtension? {
        let end = min(end, packet.byteCount)
        while offset < end {
            let head = packet.uint8(at: offset)
            if head == 0 {  // Padding between elements.
                offset += 1
                continue
            }
            var element: RTPHeaderExtension
            switch form {
            case .none: return nil
            case .oneByte:
                // ID 15 ends the walk, and so does ID 0 with a length (RFC 8285 §4.2).
                guard head >> 4 != 15, head >> 4 != 0 else { return stop() }
                element = RTPHeaderExtension(id: head >> 4, offset: offset + 1, length: Int(head & 0x0F) + 1)
            case .twoBytes:
                guard offset + 2 <= end else { return stop() }
                element = RTPHeaderExtension(id: head, offset: offset + 2, length: Int(packet.uint8(at: offset + 1)))
            }
            guard element.offset + element.length <= end else { return stop() }
            offset = element.offset + element.length
            return element
        }
        return nil
    }

    private mutating func stop() -> RTPHeaderExtension? {
        offset = end
        return nil
    }
}

extension RTPHeader {
    /// The first element with this id; nil when there is none.
    public func headerExtension(id: UInt8, in packet: RawSpan) -> RTPHeaderExtension? {
        var cursor = RTPHeaderExtensionCursor(self)
        while let element = cursor.next(in: packet) {
            if element.id == id { return element }
        }
        return nil
    }
}

// MARK: - What elements say

extension RTPHeaderExtension {
    /// mid, rid and repaired rid (RFC 8843, RFC 8852): text. Up to 15 bytes are kept without allocation.
    public func text(in packet: RawSpan) -> String {
        var end = offset + length
        // mediasoup reserves 8 bytes for the mid and fills up with zeros.
        while end > offset, packet.uint8(at: end - 1) == 0 { end -= 1 }
        return packet.extracting(offset..<end).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// abs-send-time: seconds modulo 64 as 6.18 fixed point.
    public func absoluteSendTime(in packet: RawSpan) -> UInt32? {
        length == 3 ? packet.uint24(at: offset) : nil
    }

    /// transport-wide-cc: the transport's own sequence number. Its second version has two more bytes.
    public func transportSequenceNumber(in packet: RawSpan) -> UInt16? {
        length >= 2 ? packet.uint16(at: offset) : nil
    }

    /// ssrc-audio-level (RFC 6464): level 0 (loudest) … 127 (silence) in −dBov, and whether it is voice.
    public func audioLevel(in packet: RawSpan) -> (isVoice: Bool, level: UInt8)? {
        guard length >= 1 else { return nil }
        let byte = packet.uint8(at: offset)
        return (byte & 0x80 != 0, byte & 0x7F)
    }

    /// video-orientation (3GPP TS 26.114 §7.4.5): clockwise rotation in degrees: 0, 90, 180 or 270.
    public func videoRotation(in packet: RawSpan) -> Int? {
        length >= 1 ? 90 * Int(packet.uint8(at: offset) & 0x03) : nil
    }
}
