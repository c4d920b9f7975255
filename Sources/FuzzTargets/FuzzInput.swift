import Base

/// Takes an input apart from its beginning; at its end everything is zero or empty.
struct FuzzInput {
    private var offset = 0
    private let count: Int
    private let bytes: [UInt8]

    init(_ bytes: RawSpan) {
        self.bytes = array(bytes)
        count = bytes.byteCount
    }

    var isAtEnd: Bool { offset >= count }

    mutating func byte() -> UInt8 {
        guard offset < count else { return 0 }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func word() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }

    /// Bytes behind their length of two bytes, or as many as there are.
    mutating func datagram() -> [UInt8] {
        let length = Int(word())
        let start = min(offset, count)
        offset = min(start + length, count)
        return Array(bytes[start..<offset])
    }
}
