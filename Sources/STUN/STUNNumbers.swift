/// What a message is for: two bits of its type (RFC 8489 §5).
public enum STUNClass: UInt16, Sendable, Hashable {
    case request = 0b00
    case indication = 0b01
    case success = 0b10
    case failure = 0b11
}

/// Methods, 12 bits (RFC 8489 §18.2).
public enum STUNMethod {
    /// The only one that ICE uses.
    public static let binding: UInt16 = 1
}

/// Attribute types. Below 0x8000 the receiver ought to understand them (RFC 8489 §14).
public enum STUNAttributeType {
    public static let username: UInt16 = 0x0006
    public static let messageIntegrity: UInt16 = 0x0008
    public static let errorCode: UInt16 = 0x0009
    public static let xorMappedAddress: UInt16 = 0x0020
    /// RFC 8445 §16.1, likewise the next and the two of roles.
    public static let priority: UInt16 = 0x0024
    public static let useCandidate: UInt16 = 0x0025
    public static let software: UInt16 = 0x8022
    public static let fingerprint: UInt16 = 0x8028
    public static let iceControlled: UInt16 = 0x8029
    public static let iceControlling: UInt16 = 0x802A
    /// libwebrtc's renomination: a number that grows with each nomination (draft-thatcher-ice-renomination-01).
    public static let nomination: UInt16 = 0xC001
}

/// What an ICE agent refuses a check with.
public enum STUNErrorCode: UInt16, Sendable, Hashable {
    case badRequest = 400
    case unauthorized = 401
    /// Both sides take the same role (RFC 8445 §7.3.1.1).
    case roleConflict = 487
}

/// 96 random bits by which an answer finds its request (RFC 8489 §5).
public struct STUNTransactionID: Sendable, Hashable {
    public var high: UInt32
    public var low: UInt64

    public init(high: UInt32, low: UInt64) { (self.high, self.low) = (high, low) }

    public init(using random: inout some RandomNumberGenerator) {
        high = UInt32(truncatingIfNeeded: random.next() as UInt64)
        low = random.next()
    }
}

/// Why bytes are no STUN message. Numbers are byte counts; `offset` is where an attribute begins.
public enum STUNParseError: Error, Sendable, Hashable, CustomStringConvertible {
    case truncated(needed: Int, got: Int)
    /// The two highest bits are not zero.
    case badType(UInt16)
    case badCookie(UInt32)
    /// The head announces another length than that of the datagram, or none that 4 divides.
    case badLength(announced: Int, got: Int)
    case attributeOverrun(type: UInt16, offset: Int, needed: Int, got: Int)
    /// An attribute of a length that its type does not have, or an address of no known family.
    case badAttribute(type: UInt16, offset: Int, length: Int)
    case behindFingerprint(type: UInt16, offset: Int)
    case badFingerprint

    public var description: String {
        switch self {
        case .truncated(let needed, let got): "STUN message of \(got) bytes that needs \(needed)"
        case .badType(let type): "STUN message of type \(hexadecimal(type)), whose highest bits are not zero"
        case .badCookie(let cookie): "STUN message whose cookie is \(hexadecimal(cookie)), not 0x2112a442"
        case .badLength(let announced, let got):
            "STUN message that announces \(announced) bytes of attributes and brings \(got)"
        case .attributeOverrun(let type, let offset, let needed, let got):
            "STUN attribute \(hexadecimal(type)) at byte \(offset) needs \(needed) bytes, \(got) are left"
        case .badAttribute(let type, let offset, let length):
            "STUN attribute \(hexadecimal(type)) at byte \(offset) with a content of \(length) bytes is malformed"
        case .behindFingerprint(let type, let offset):
            "STUN attribute \(hexadecimal(type)) at byte \(offset) stands behind the fingerprint"
        case .badFingerprint: "STUN message whose fingerprint is wrong: damaged, or no STUN"
        }
    }
}

private func hexadecimal(_ number: some BinaryInteger) -> String { "0x" + String(number, radix: 16) }
