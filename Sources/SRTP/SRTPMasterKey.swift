/// Master key and master salt of one direction, for one suite: mediasoup's `SrtpParameters`.
///
/// Prints as "•••".
public struct SRTPMasterKey: Sendable, Hashable {
    public let suite: SRTPCryptoSuite
    /// The key, then the salt: `suite.masterLength` bytes.
    public let bytes: [UInt8]

    /// - Throws: `wrongKeyLength`.
    public init(_ suite: SRTPCryptoSuite, _ bytes: [UInt8]) throws(SRTPError) {
        guard bytes.count == suite.masterLength else {
            throw .wrongKeyLength(needed: suite.masterLength, got: bytes.count)
        }
        self.suite = suite
        self.bytes = bytes
    }

    /// - Throws: `badBase64`, `wrongKeyLength`.
    public init(_ suite: SRTPCryptoSuite, base64: String) throws(SRTPError) {
        guard let bytes = Base64.decode(base64) else { throw .badBase64 }
        try self.init(suite, bytes)
    }

    /// A new key. The generator must be one for cryptography, as the system's is; a seeded one is for tests.
    public init(_ suite: SRTPCryptoSuite, using random: inout some RandomNumberGenerator) {
        self.suite = suite
        bytes = (0..<suite.masterLength).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }

    public var base64: String { Base64.encode(bytes) }

    var key: ArraySlice<UInt8> { bytes.prefix(suite.keyLength) }
    var salt: ArraySlice<UInt8> { bytes.suffix(suite.saltLength) }
}

extension SRTPMasterKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "•••" }
    public var debugDescription: String { "•••" }
    /// Without it, dump() and interpolated collections would show the bytes.
    public var customMirror: Mirror { Mirror(self, children: ["suite": suite]) }
}

/// RFC 4648 §4. Padding may be missing, nothing else may.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            bits <<= UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                let digit = alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)]
                text.append(place <= group.count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: String) -> [UInt8]? {
        var digits = Array(text.utf8)
        var padding = 0
        while padding < 2, digits.last == UInt8(ascii: "=") {
            digits.removeLast()
            padding += 1
        }
        // One digit alone is no byte, and padding fills up to four.
        guard digits.count % 4 != 1, padding == 0 || (digits.count + padding) % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        var (bits, count) = (UInt32(0), UInt32(0))
        for digit in digits {
            guard let value = alphabet.firstIndex(of: digit) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        return bytes
    }
}
