import Base
import Glibc

/// One STUN message (RFC 8489), read without allocation. It keeps numbers and places; the bytes stay where they are, and
/// whatever asks for them must be given the same ones.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |0 0|  method and class         |  length of the attributes     |
///     |                     magic cookie 0x2112A442                   |
///     |                     transaction ID (96 bits)                  |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |         type                  |            length             |  attributes: the length is that of the value,
///     |                value, filled up to 32 bits                    |  without what fills it up
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///
/// Attributes of unknown types are passed over, also those that ought to be understood: mediasoup does so. Of two of the same
/// type the first counts (RFC 8489 §14).
public struct STUNMessage: Sendable, Hashable {
    public static let headLength = 20
    public static let cookie: UInt32 = 0x2112_A442
    /// RFC 5389 §15.3 has 513 as the bound.
    static let maximumUsername = 513
    /// RFC 8489 §14.14: 128 characters of UTF-8.
    static let maximumSoftware = 763

    public let kind: STUNClass
    public let method: UInt16
    public let transaction: STUNTransactionID
    /// Of the whole, in bytes.
    public let length: Int

    public private(set) var priority: UInt32?
    public private(set) var usesCandidate = false
    /// The tie-breaker of a sender that takes this role.
    public private(set) var controlling: UInt64?
    public private(set) var controlled: UInt64?
    public private(set) var nomination: UInt32?
    /// 300…699.
    public private(set) var errorCode: UInt16?
    /// XOR-MAPPED-ADDRESS, unmasked.
    public private(set) var mappedAddress: SocketAddress?
    private var username: Place?
    private var software: Place?
    /// Where MESSAGE-INTEGRITY begins.
    private var integrity: Int?
    /// Where FINGERPRINT begins.
    private var fingerprint: Int?

    private struct Place: Hashable {
        var start: Int32
        var count: Int32
    }

    /// Whether a datagram is to be taken for STUN, before anything is parsed: mediasoup's first question (RFC 7983 §7).
    public static func isSTUN(_ datagram: RawSpan) -> Bool {
        datagram.byteCount >= headLength && datagram.uint8(at: 0) < 3 && datagram.uint32(at: 4) == cookie
    }

    /// Parses a datagram, or a frame, that is one message. A fingerprint is checked, integrity is not: see `isAuthentic`.
    public init(parsing bytes: RawSpan) throws(STUNParseError) {
        let count = bytes.byteCount
        guard count >= Self.headLength else { throw .truncated(needed: Self.headLength, got: count) }
        let type = bytes.uint16(at: 0)
        // M11…M7 C1 M6…M4 C0 M3…M0: the class lies between the bits of the method.
        guard type >> 14 == 0, let kind = STUNClass(rawValue: type >> 7 & 2 | type >> 4 & 1) else {
            throw .badType(type)
        }
        guard bytes.uint32(at: 4) == Self.cookie else { throw .badCookie(bytes.uint32(at: 4)) }
        let announced = Int(bytes.uint16(at: 2))
        guard announced % 4 == 0, announced == count - Self.headLength else {
            throw .badLength(announced: announced, got: count - Self.headLength)
        }
        self.kind = kind
        method = type & 0x000F | (type & 0x00E0) >> 1 | (type & 0x3E00) >> 2
        transaction = STUNTransactionID(high: bytes.uint32(at: 8), low: bytes.uint64(at: 12))
        length = count
        try readAttributes(bytes)
        if let fingerprint, bytes.uint32(at: fingerprint + 4) != STUNFingerprint.of(bytes.extracting(0..<fingerprint)) {
            throw .badFingerprint
        }
    }

    private mutating func readAttributes(_ bytes: RawSpan) throws(STUNParseError) {
        var offset = Self.headLength
        // A multiple of 4 is left each time, so there is a head where there is anything.
        while offset < length {
            let type = bytes.uint16(at: offset)
            let count = Int(bytes.uint16(at: offset + 2))
            let whole = 4 + (count + 3) & ~3
            guard whole <= length - offset else {
                throw .attributeOverrun(type: type, offset: offset, needed: whole, got: length - offset)
            }
            guard fingerprint == nil else { throw .behindFingerprint(type: type, offset: offset) }
            // Behind the integrity nobody vouches for what stands there (RFC 8489 §14.5).
            if integrity == nil || type == STUNAttributeType.fingerprint {
                guard read(type, at: offset, count, in: bytes) else {
                    throw .badAttribute(type: type, offset: offset, length: count)
                }
            }
            offset += whole
        }
    }

    /// Takes one attribute, whose value lies within the message; false: its length or content is none that it can have.
    private mutating func read(_ type: UInt16, at offset: Int, _ count: Int, in bytes: RawSpan) -> Bool {
        let value = offset + 4
        // A message has 65,555 bytes at most.
        let place = Place(start: Int32(value), count: Int32(count))
        switch type {
        case STUNAttributeType.username:
            guard count <= Self.maximumUsername else { return false }
            username = username ?? place
        case STUNAttributeType.software:
            guard count <= Self.maximumSoftware else { return false }
            software = software ?? place
        case STUNAttributeType.priority:
            guard count == 4 else { return false }
            priority = priority ?? bytes.uint32(at: value)
        case STUNAttributeType.nomination:
            guard count == 4 else { return false }
            nomination = nomination ?? bytes.uint32(at: value)
        case STUNAttributeType.useCandidate:
            guard count == 0 else { return false }
            usesCandidate = true
        case STUNAttributeType.iceControlling:
            guard count == 8 else { return false }
            controlling = controlling ?? bytes.uint64(at: value)
        case STUNAttributeType.iceControlled:
            guard count == 8 else { return false }
            controlled = controlled ?? bytes.uint64(at: value)
        case STUNAttributeType.errorCode:
            // Three bits of hundreds, then the rest; text behind them (RFC 8489 §14.8).
            guard count >= 4 else { return false }
            errorCode = errorCode ?? UInt16(bytes.uint8(at: value + 2) & 7) * 100 + UInt16(bytes.uint8(at: value + 3))
        case STUNAttributeType.xorMappedAddress:
            guard let address = SocketAddress(xored: bytes, at: value, count, transaction) else { return false }
            mappedAddress = mappedAddress ?? address
        case STUNAttributeType.messageIntegrity:
            guard count == 20 else { return false }
            integrity = offset
        case STUNAttributeType.fingerprint:
            guard count == 4 else { return false }
            fingerprint = offset
        default: break
        }
        return true
    }

    // MARK: - What stands in the bytes

    /// The place of USERNAME's value; nil: there is none. `bytes.extracting(_:)` lends it.
    public var usernameRange: Range<Int>? { username.map { Int($0.start)..<Int($0.start) + Int($0.count) } }

    /// SOFTWARE, for people.
    public func software(in bytes: RawSpan) -> String? {
        guard let software, bytes.byteCount == length else { return nil }
        let (start, end) = (Int(software.start), Int(software.start) + Int(software.count))
        // Copied into the text before the bytes are given back.
        return bytes.extracting(start..<end).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    public var hasIntegrity: Bool { integrity != nil }
    /// Present, and right: a wrong one is no message.
    public var hasFingerprint: Bool { fingerprint != nil }

    /// Whether MESSAGE-INTEGRITY is there and was made with this key (RFC 8489 §14.5).
    public func isAuthentic(_ key: STUNKey, in bytes: RawSpan) -> Bool {
        guard let integrity, bytes.byteCount == length else { return false }
        return key.verifies(bytes, integrityAt: integrity)
    }

    /// The types in the order they stand in, for tests and dumps.
    public static func attributeTypes(in bytes: RawSpan) -> [UInt16] {
        var (types, offset) = ([UInt16](), headLength)
        while offset + 4 <= bytes.byteCount {
            types.append(bytes.uint16(at: offset))
            offset += 4 + (Int(bytes.uint16(at: offset + 2)) + 3) & ~3
        }
        return types
    }
}
