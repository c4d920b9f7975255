import Base
import COpenSSL

/// The key of MESSAGE-INTEGRITY, whose pads were hashed already: HMAC-SHA1 over a check then allocates nothing.
public struct STUNKey: Sendable {
    private var hmac = ladle_hmac_sha1()

    /// - Parameter password: Of any length: the password of ICE (RFC 8489 §9.1.1), or the MD5 sum of the long-term mechanism.
    public init(_ password: some Collection<UInt8>) {
        var key = Array(password)
        if key.count > 64 {
            // RFC 2104 §2: longer than a block it is hashed.
            var sum = [UInt8](repeating: 0, count: 20)
            SHA1(key, key.count, &sum)
            key = sum
        }
        let works = ladle_hmac_sha1_init(&hmac, key, Int32(key.count))
        precondition(works == 1, "OpenSSL has no SHA-1")
    }

    public init(_ password: String) { self.init(password.utf8) }

    /// HMAC over a message's bytes before its MESSAGE-INTEGRITY, as if the message ended behind that: a fingerprint that
    /// follows is not counted in the length (RFC 8489 §14.5).
    func sum(_ message: RawSpan, integrityAt end: Int) -> InlineArray<20, UInt8> {
        var (state, outer) = (hmac.inner, hmac.outer)
        let announced = UInt16(truncatingIfNeeded: end + 24 - STUNMessage.headLength)
        var length = (UInt8(announced >> 8), UInt8(announced & 0xFF))
        var sum = InlineArray<20, UInt8>(repeating: 0)
        // A message has 20 bytes at least and `end` lies within it; all pointers live for the length of the calls.
        message.extracting(0..<end).withUnsafeBytes { bytes in
            SHA1_Update(&state, bytes.baseAddress, 2)
            SHA1_Update(&state, &length, 2)
            SHA1_Update(&state, bytes.baseAddress.map { $0 + 4 }, bytes.count - 4)
        }
        var span = sum.mutableSpan
        span.withUnsafeMutableBufferPointer { sum in
            SHA1_Final(sum.baseAddress, &state)
            SHA1_Update(&outer, sum.baseAddress, 20)
            SHA1_Final(sum.baseAddress, &outer)
        }
        return sum
    }

    /// In a time that does not say how far off it is.
    func verifies(_ message: RawSpan, integrityAt offset: Int) -> Bool {
        let sum = sum(message, integrityAt: offset)
        return sum.span.withUnsafeBufferPointer { sum in
            message.extracting(offset + 4..<offset + 24).withUnsafeBytes {
                CRYPTO_memcmp(sum.baseAddress, $0.baseAddress, 20) == 0
            }
        }
    }
}

extension STUNKey: CustomStringConvertible, CustomReflectable {
    public var description: String { "•••" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// FINGERPRINT (RFC 8489 §14.7): CRC-32 as ITU V.42 has it, XORed with "STUN" so that another protocol's CRC is not ours.
enum STUNFingerprint {
    private static let table: InlineArray<256, UInt32> = {
        var table = InlineArray<256, UInt32>(repeating: 0)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
            table[byte] = value
        }
        return table
    }()

    static func of(_ bytes: RawSpan) -> UInt32 {
        var crc = UInt32.max
        for offset in 0..<bytes.byteCount {
            crc = table[Int((crc ^ UInt32(bytes.uint8(at: offset))) & 0xFF)] ^ crc >> 8
        }
        return ~crc ^ 0x5354_554E
    }
}
