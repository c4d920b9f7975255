import Base

/// Writes one message into a caller's buffer, attribute after attribute, without allocation:
///
///     guard var stun = STUNBuilder(.success, transaction, into: &buffer) else { … }
///     stun.xorMappedAddress(remote, into: &buffer)
///     stun.messageIntegrity(key, into: &buffer)
///     stun.fingerprint(into: &buffer)
///     send(buffer[..<stun.length])
///
/// Every verb returns false, and writes nothing, when the buffer has no room for it. All calls of one builder must be given
/// the same buffer. What fills attributes up to 32 bits is zero.
public struct STUNBuilder: Sendable {
    /// Bytes written so far, the head's 20 among them; always a multiple of 4.
    public private(set) var length = STUNMessage.headLength
    private let transaction: STUNTransactionID

    /// Writes the head; nil: there is no room for it.
    public init?(
        _ kind: STUNClass, method: UInt16 = STUNMethod.binding, _ transaction: STUNTransactionID,
        into buffer: inout MutableRawSpan
    ) {
        guard buffer.byteCount >= STUNMessage.headLength else { return nil }
        self.transaction = transaction
        let bits = method & 0x000F | (method & 0x0070) << 1 | (method & 0x0F80) << 2
        buffer.store(bits | (kind.rawValue & 2) << 7 | (kind.rawValue & 1) << 4, at: 0)
        buffer.store(UInt16(0), at: 2)
        buffer.store(STUNMessage.cookie, at: 4)
        buffer.store(transaction.high, at: 8)
        buffer.store(transaction.low, at: 12)
    }

    // MARK: - Attributes

    @discardableResult
    public mutating func username(_ text: String, into buffer: inout MutableRawSpan) -> Bool {
        self.text(text, STUNAttributeType.username, into: &buffer)
    }

    @discardableResult
    public mutating func software(_ text: String, into buffer: inout MutableRawSpan) -> Bool {
        self.text(text, STUNAttributeType.software, into: &buffer)
    }

    @discardableResult
    public mutating func priority(_ priority: UInt32, into buffer: inout MutableRawSpan) -> Bool {
        number(priority, STUNAttributeType.priority, into: &buffer)
    }

    @discardableResult
    public mutating func nomination(_ nomination: UInt32, into buffer: inout MutableRawSpan) -> Bool {
        number(nomination, STUNAttributeType.nomination, into: &buffer)
    }

    @discardableResult
    public mutating func useCandidate(into buffer: inout MutableRawSpan) -> Bool {
        append(STUNAttributeType.useCandidate, 0, into: &buffer) != nil
    }

    @discardableResult
    public mutating func controlling(_ tieBreaker: UInt64, into buffer: inout MutableRawSpan) -> Bool {
        role(tieBreaker, STUNAttributeType.iceControlling, into: &buffer)
    }

    @discardableResult
    public mutating func controlled(_ tieBreaker: UInt64, into buffer: inout MutableRawSpan) -> Bool {
        role(tieBreaker, STUNAttributeType.iceControlled, into: &buffer)
    }

    @discardableResult
    public mutating func xorMappedAddress(_ address: SocketAddress, into buffer: inout MutableRawSpan) -> Bool {
        guard let value = append(STUNAttributeType.xorMappedAddress, address.xoredLength, into: &buffer) else {
            return false
        }
        address.writeXored(transaction, at: value, into: &buffer)
        return true
    }

    /// Without a text behind the number: a refusal has to stay smaller than what it refuses.
    @discardableResult
    public mutating func errorCode(_ code: UInt16, into buffer: inout MutableRawSpan) -> Bool {
        number(UInt32(code / 100) << 8 | UInt32(code % 100), STUNAttributeType.errorCode, into: &buffer)
    }

    /// Behind it only the fingerprint counts.
    @discardableResult
    public mutating func messageIntegrity(_ key: STUNKey, into buffer: inout MutableRawSpan) -> Bool {
        guard let value = append(STUNAttributeType.messageIntegrity, 20, into: &buffer) else { return false }
        let sum = key.sum(buffer.bytes, integrityAt: value - 4)
        for place in 0..<20 { buffer.store(sum[place], at: value + place) }
        return true
    }

    /// The last one.
    @discardableResult
    public mutating func fingerprint(into buffer: inout MutableRawSpan) -> Bool {
        guard let value = append(STUNAttributeType.fingerprint, 4, into: &buffer) else { return false }
        buffer.store(STUNFingerprint.of(buffer.bytes.extracting(0..<value - 4)), at: value)
        return true
    }

    /// Any other, or one that is wrong on purpose.
    @discardableResult
    public mutating func attribute(_ type: UInt16, _ value: RawSpan, into buffer: inout MutableRawSpan) -> Bool {
        guard let start = append(type, value.byteCount, into: &buffer) else { return false }
        for place in 0..<value.byteCount { buffer.store(value.uint8(at: place), at: start + place) }
        return true
    }

    private mutating func text(_ text: String, _ type: UInt16, into buffer: inout MutableRawSpan) -> Bool {
        guard var place = append(type, text.utf8.count, into: &buffer) else { return false }
        for byte in text.utf8 {
            buffer.store(byte, at: place)
            place += 1
        }
        return true
    }

    private mutating func number(_ number: UInt32, _ type: UInt16, into buffer: inout MutableRawSpan) -> Bool {
        guard let value = append(type, 4, into: &buffer) else { return false }
        buffer.store(number, at: value)
        return true
    }

    private mutating func role(_ tieBreaker: UInt64, _ type: UInt16, into buffer: inout MutableRawSpan) -> Bool {
        guard let value = append(type, 8, into: &buffer) else { return false }
        buffer.store(tieBreaker, at: value)
        return true
    }

    /// Begins an attribute whose value is zero yet, and says where that lies.
    private mutating func append(_ type: UInt16, _ count: Int, into buffer: inout MutableRawSpan) -> Int? {
        let end = length + 4 + (count + 3) & ~3
        guard end <= buffer.byteCount, end - STUNMessage.headLength <= UInt16.max else { return nil }
        let start = length
        buffer.store(type, at: start)
        buffer.store(UInt16(count), at: start + 2)
        for word in stride(from: start + 4, to: end, by: 4) { buffer.store(UInt32(0), at: word) }
        length = end
        buffer.store(UInt16(end - STUNMessage.headLength), at: 2)
        return start + 4
    }
}
