import Base

/// Why a header could not be written. Numbers are byte counts.
public enum RTPWriteError: Error, Sendable, Hashable {
    case noRoom(needed: Int, got: Int)
    case tooManyContributingSources(Int)
    /// An id of 0, an element of more than 255 bytes, or a whole extension of more than 65,535 words.
    case badExtension(id: UInt8, length: Int)
}

/// Writes RTP headers: for tools and tests. The packet path rewrites fields in place instead (`RTPHeaderFields`).
public struct RTPHeaderWriter: Sendable, Hashable {
    public struct Extension: Sendable, Hashable {
        public var id: UInt8
        public var data: [UInt8]

        public init(id: UInt8, data: [UInt8]) {
            self.id = id
            self.data = data
        }
    }

    public var payloadType: UInt8
    public var marker: Bool
    public var sequenceNumber: UInt16
    public var timestamp: UInt32
    public var ssrc: UInt32
    public var contributingSources: [UInt32]
    /// Written in the one-byte form when all of them fit it, else in the two-byte form (RFC 8285).
    public var extensions: [Extension]
    /// Sets the padding bit; the caller (or `packet(payload:)`) has to add the bytes.
    public var paddingLength: UInt8

    public init(
        payloadType: UInt8, marker: Bool = false, sequenceNumber: UInt16, timestamp: UInt32, ssrc: UInt32,
        contributingSources: [UInt32] = [], extensions: [Extension] = [], paddingLength: UInt8 = 0
    ) {
        self.payloadType = payloadType
        self.marker = marker
        self.sequenceNumber = sequenceNumber
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.contributingSources = contributingSources
        self.extensions = extensions
        self.paddingLength = paddingLength
    }

    private var usesOneByteForm: Bool {
        extensions.allSatisfy { (1...14).contains($0.id) && (1...16).contains($0.data.count) }
    }

    /// Bytes that `write` needs.
    public var length: Int {
        let fixed = RTPHeader.minimumLength + 4 * contributingSources.count
        return extensions.isEmpty ? fixed : fixed + 4 + (extensionBytes + 3) / 4 * 4
    }

    private var extensionBytes: Int {
        let head = usesOneByteForm ? 1 : 2
        return extensions.reduce(0) { $0 + head + $1.data.count }
    }

    /// Writes the header to the beginning of `buffer`; returns its length.
    @discardableResult
    public func write(into buffer: inout MutableRawSpan) throws(RTPWriteError) -> Int {
        guard contributingSources.count <= 15 else { throw .tooManyContributingSources(contributingSources.count) }
        if let bad = extensions.first(where: { $0.id == 0 || $0.data.count > 255 }) {
            throw .badExtension(id: bad.id, length: bad.data.count)
        }
        guard extensionBytes <= 4 * 65_535 else { throw .badExtension(id: 0, length: extensionBytes) }
        let length = length
        guard length <= buffer.byteCount else { throw .noRoom(needed: length, got: buffer.byteCount) }

        let padding: UInt8 = paddingLength > 0 ? 0x20 : 0
        let extended: UInt8 = extensions.isEmpty ? 0 : 0x10
        buffer.store(0x80 | padding | extended | UInt8(contributingSources.count), at: 0)
        RTPHeaderFields.setPayloadType(payloadType, marker: marker, in: &buffer)
        RTPHeaderFields.setSequenceNumber(sequenceNumber, in: &buffer)
        RTPHeaderFields.setTimestamp(timestamp, in: &buffer)
        RTPHeaderFields.setSSRC(ssrc, in: &buffer)
        var offset = RTPHeader.minimumLength
        for source in contributingSources {
            buffer.store(source, at: offset)
            offset += 4
        }
        guard !extensions.isEmpty else { return offset }

        let oneByte = usesOneByteForm
        buffer.store(UInt16(oneByte ? 0xBEDE : 0x1000), at: offset)
        buffer.store(UInt16((length - offset - 4) / 4), at: offset + 2)
        offset += 4
        for element in extensions {
            if oneByte {
                buffer.store(element.id << 4 | UInt8(element.data.count - 1), at: offset)
                offset += 1
            } else {
                buffer.store(element.id, at: offset)
                buffer.store(UInt8(element.data.count), at: offset + 1)
                offset += 2
            }
            for byte in element.data {
                buffer.store(byte, at: offset)
                offset += 1
            }
        }
        while offset < length {
            buffer.store(UInt8(0), at: offset)
            offset += 1
        }
        return length
    }

    /// A whole packet: header, payload, padding.
    public func packet(payload: [UInt8]) throws(RTPWriteError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: length)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        try write(into: &raw)
        bytes += payload
        if paddingLength > 0 {
            bytes += [UInt8](repeating: 0, count: Int(paddingLength) - 1)
            bytes.append(paddingLength)
        }
        return bytes
    }
}

/// The fields of an RTP header that forwarding changes, set in place. `packet` holds at least the 12 fixed bytes.
public enum RTPHeaderFields {
    public static func setPayloadType(_ payloadType: UInt8, marker: Bool, in packet: inout MutableRawSpan) {
        packet.store((marker ? 0x80 : 0) | payloadType & 0x7F, at: 1)
    }

    public static func setSequenceNumber(_ number: UInt16, in packet: inout MutableRawSpan) {
        packet.store(number, at: 2)
    }

    public static func setTimestamp(_ timestamp: UInt32, in packet: inout MutableRawSpan) {
        packet.store(timestamp, at: 4)
    }

    public static func setSSRC(_ ssrc: UInt32, in packet: inout MutableRawSpan) {
        packet.store(ssrc, at: 8)
    }
}
