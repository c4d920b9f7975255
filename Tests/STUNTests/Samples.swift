import Base
import STUN

/// RFC 5769: messages of a real exchange, with their passwords.
enum RFC5769 {
    static let password = "VOkJxbRl1RmTxUk/WvJxBt"
    static let transaction = STUNTransactionID(high: 0xB7E7_A701, low: 0xBC34_D686_FA87_DFAE)

    /// §2.1
    static let request = [UInt8](
        hex: """
            00010058 2112a442 b7e7a701bc34d686fa87dfae
            80220010 5354554e207465737420636c69656e74 00240004 6e0001ff 80290008 932ff9b151263b36
            00060009 6576746a3a68367659202020
            00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf
            """)
    /// §2.2
    static let answerIPv4 = [UInt8](
        hex: """
            0101003c 2112a442 b7e7a701bc34d686fa87dfae
            8022000b 7465737420766563746f7220 00200008 0001a147e112a643
            00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96
            """)
    /// §2.3
    static let answerIPv6 = [UInt8](
        hex: """
            01010048 2112a442 b7e7a701bc34d686fa87dfae
            8022000b 7465737420766563746f7220 00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
            00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c
            """)
    /// §2.4, of the long-term mechanism: realm and nonce, no fingerprint.
    static let longTerm = [UInt8](
        hex: """
            00010060 2112a442 78ad3433c6ad72c029da412e
            00060012 e3839ee38388e383aae38383e382afe382b90000
            0015001c 662f2f3439396b3935346436 4f4c33346f4c39465354767936347341 0014000b 6578616d706c652e6f726700
            00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666
            """)
    /// MD5 of its name, realm and password, with colons between.
    static let longTermKey = [UInt8](hex: "e8ca7ad59d5eb0518e312911d2dab2a9")

    static let all = [request, answerIPv4, answerIPv6, longTerm]
}

enum Sample {
    static let transaction = STUNTransactionID(high: 0x0102_0304, low: 0x0506_0708_090A_0B0C)
    static let key = STUNKey(RFC5769.password)

    /// What a builder's verbs make, in a buffer of this capacity.
    static func message(
        _ kind: STUNClass = .request, method: UInt16 = STUNMethod.binding, capacity: Int = 2000,
        _ body: (inout STUNBuilder, inout MutableRawSpan) -> Void
    ) -> [UInt8] {
        written(capacity: capacity) { buffer in
            guard var stun = STUNBuilder(kind, method: method, transaction, into: &buffer) else { return nil }
            body(&stun, &buffer)
            return stun.length
        } ?? []
    }

    static func written(capacity: Int = 2000, _ body: (inout MutableRawSpan) -> Int?) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0xEE, count: capacity)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        guard let length = body(&raw) else { return nil }
        return Array(bytes[..<length])
    }

    /// A request whose attributes are given as they stand, and whose length is right.
    static func raw(_ attributes: [UInt8], type: UInt16 = 1) -> [UInt8] {
        let length = attributes.count
        return [UInt8(type >> 8), UInt8(type & 0xFF), UInt8(length >> 8), UInt8(length & 0xFF), 0x21, 0x12, 0xA4, 0x42]
            + Array(1...12) + attributes
    }

    /// Why bytes are refused; nil: they are not.
    static func refusal(of bytes: [UInt8]) -> STUNParseError? {
        do {
            _ = try STUNMessage(parsing: bytes.span.bytes)
            return nil
        } catch {
            return error
        }
    }
}

extension STUNMessage {
    init(_ bytes: [UInt8]) throws { try self.init(parsing: bytes.span.bytes) }

    func isAuthentic(_ key: STUNKey, _ bytes: [UInt8]) -> Bool { isAuthentic(key, in: bytes.span.bytes) }

    func software(_ bytes: [UInt8]) -> String? { software(in: bytes.span.bytes) }

    func username(_ bytes: [UInt8]) -> String? { usernameRange.map { String(decoding: bytes[$0], as: UTF8.self) } }
}

extension [UInt8] {
    var attributeTypes: [UInt16] { STUNMessage.attributeTypes(in: span.bytes) }

    /// From hexadecimal digits; anything else between them is passed over.
    init(hex: String) {
        let digits = hex.compactMap(\.hexDigitValue)
        self = stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
