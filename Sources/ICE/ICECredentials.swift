import Base
import STUN

/// A username fragment of up to 32 bytes, kept in place: a key by which a shared socket finds an agent, without
/// allocation. Ours always have 32.
public struct ICEUsernameFragment: Sendable, Hashable {
    public static let capacity = 32

    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt64 = 0
    private var fourth: UInt64 = 0
    public let count: Int

    /// Nil: empty, or longer than any of ours can be.
    public init?(_ bytes: RawSpan) {
        count = bytes.byteCount
        guard count > 0, count <= Self.capacity else { return nil }
        first = Self.word(0, of: bytes)
        second = Self.word(1, of: bytes)
        third = Self.word(2, of: bytes)
        fourth = Self.word(3, of: bytes)
    }

    public init?(_ text: String) { self.init(Array(text.utf8).span.bytes) }

    private static func word(_ number: Int, of bytes: RawSpan) -> UInt64 {
        let start = 8 * number
        if start + 8 <= bytes.byteCount { return bytes.uint64(at: start) }
        var word: UInt64 = 0
        for offset in start..<start + 8 {
            word = word << 8 | (offset < bytes.byteCount ? UInt64(bytes.uint8(at: offset)) : 0)
        }
        return word
    }
}

extension ICEUsernameFragment: CustomStringConvertible {
    public var description: String {
        let bytes = [first, second, third, fourth].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
        }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

/// What a client has to know to be answered. Prints without the password.
public struct ICECredentials: Sendable {
    public let usernameFragment: ICEUsernameFragment
    /// For whoever signals it, and for nobody's log.
    public let password: String
    /// Of the password.
    public let key: STUNKey

    /// Fresh ones: 32 of [0-9a-z] each (mediasoup's length; RFC 8445 §5.3 asks for 4 and 22).
    public init(using random: inout some RandomNumberGenerator) {
        let name = Self.letters(using: &random)
        password = String(decoding: Self.letters(using: &random), as: UTF8.self)
        key = STUNKey(password)
        guard let fragment = ICEUsernameFragment(name.span.bytes) else {
            preconditionFailure("32 letters are a fragment")
        }
        usernameFragment = fragment
    }

    /// Given ones. Nil: the fragment is empty, longer than 32 bytes, or holds a colon, where it would end.
    public init?(usernameFragment: String, password: String) {
        guard !usernameFragment.utf8.contains(ICEUsername.colon), let fragment = ICEUsernameFragment(usernameFragment)
        else { return nil }
        (self.usernameFragment, self.password, key) = (fragment, password, STUNKey(password))
    }

    private static func letters(using random: inout some RandomNumberGenerator) -> [UInt8] {
        let alphabet = Array("0123456789abcdefghijklmnopqrstuvwxyz".utf8)
        return (0..<ICEUsernameFragment.capacity).map { _ in
            alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
        }
    }
}

extension ICECredentials: CustomStringConvertible, CustomReflectable {
    public var description: String { "\(usernameFragment):•••" }
    public var customMirror: Mirror { Mirror(self, children: ["usernameFragment": "\(usernameFragment)"]) }
}

/// The name in a check: the receiver's fragment, a colon, the sender's (RFC 8445 §7.2.2). The sender's may be of any length.
public struct ICEUsername: Sendable, Hashable {
    static let colon = UInt8(ascii: ":")

    /// What stands before the first colon: whom the check is for.
    public let local: ICEUsernameFragment

    /// Nil: no colon, or nothing or more than 32 bytes before it, which is nobody here.
    public init?(_ username: RawSpan) {
        // The colon of one of ours is among the first 33 bytes.
        for offset in 0..<min(username.byteCount, ICEUsernameFragment.capacity + 1)
        where username.uint8(at: offset) == Self.colon {
            guard let local = ICEUsernameFragment(username.extracting(0..<offset)) else { return nil }
            self.local = local
            return
        }
        return nil
    }

    /// For a shared socket: whom a message from an unknown tuple is for. `bytes` are those that it was parsed from.
    public init?(of message: STUNMessage, in bytes: RawSpan) {
        guard bytes.byteCount == message.length, let range = message.usernameRange else { return nil }
        self.init(bytes.extracting(range))
    }
}
