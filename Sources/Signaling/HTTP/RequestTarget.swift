/// The path and query of a request, decoded once. RFC 3986 §3.3 and §3.4.
struct RequestTarget: Sendable {
    /// Decoded one by one, so that an encoded slash stays inside its segment. A trailing slash counts for nothing.
    let segments: [String]
    /// Of a name that is there more than once, the last.
    let query: [String: String]
    /// In order.
    let queryItems: [(name: String, value: String)]

    init(_ target: String) throws(Problem) {
        let withoutFragment = target.prefix { $0 != "#" }
        let cut = withoutFragment.firstIndex(of: "?") ?? withoutFragment.endIndex
        var raw = withoutFragment[..<cut].split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        if raw.last == "" { raw.removeLast() }
        var segments: [String] = []
        for part in raw {
            guard let decoded = Self.decode(part) else { throw .badPath(String(part)) }
            segments.append(decoded)
        }
        self.segments = segments

        var query: [String: String] = [:]
        var items: [(name: String, value: String)] = []
        for pair in withoutFragment[cut...].dropFirst().split(separator: "&") {
            let equals = pair.firstIndex(of: "=") ?? pair.endIndex
            guard let name = Self.decode(pair[..<equals], plusIsSpace: true),
                let value = Self.decode(pair[equals...].dropFirst(), plusIsSpace: true)
            else { throw .badPath(String(pair)) }
            query[name] = value
            items.append((name, value))
        }
        self.query = query
        queryItems = items
    }

    /// Nil when an escape is no hexadecimal pair or the bytes are no UTF-8.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
                else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// As one segment of a path. RFC 3986 §2.3 and §3.3.
    static func encode(_ segment: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return segment.utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
