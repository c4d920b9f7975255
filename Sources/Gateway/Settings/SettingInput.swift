import Base
import StrictYAML

/// Why a value is refused: what is allowed instead. The place is known to whoever read it.
struct SettingRefusal: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// One value as it was written: in the file (where 1 and "1" differ), or as the text of a variable or flag.
enum SettingInput {
    case file(JSONValue)
    case text(String)

    /// As it stands in a complaint.
    private var shown: String {
        switch self {
        case .file(.string(let text)), .text(let text): "\"\(Self.short(text))\""
        case .file(let value): value.text
        }
    }

    private static func short(_ text: String) -> String {
        let plain = String(text.map { $0.isNewline || $0 < " " ? "?" : $0 })
        return plain.count > 80 ? plain.prefix(80) + "…" : plain
    }

    func refusal(_ allowed: String) -> SettingRefusal { SettingRefusal("\(shown) is not \(allowed)") }

    func bool() throws(SettingRefusal) -> Bool {
        switch self {
        case .file(.bool(let value)): return value
        case .text("true"), .text("1"): return true
        case .text("false"), .text("0"): return false
        default: throw refusal("true or false")
        }
    }

    func integer(in range: ClosedRange<Int>, unit: String = "") throws(SettingRefusal) -> Int {
        let allowed = "a whole number from \(range.lowerBound) to \(range.upperBound)\(unit)"
        let number: Int? =
            switch self {
            case .file(let value): value.integerValue.map { Int($0) }
            case .text(let text): Int(text)
            }
        guard let number, range.contains(number) else { throw refusal(allowed) }
        return number
    }

    /// - Parameter allowed: What such a text is, for the refusal of something else.
    func text(_ allowed: String, limit: Int = 4096) throws(SettingRefusal) -> String {
        let text: String
        switch self {
        case .file(.string(let value)), .text(let value): text = value
        case .file: throw refusal("\(allowed); put it in quotes")
        }
        guard !text.isEmpty, text.utf8.count <= limit else {
            throw SettingRefusal(text.isEmpty ? "is empty; expected is \(allowed)" : "is longer than \(limit) bytes")
        }
        guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw SettingRefusal("has control characters in it; expected is \(allowed)")
        }
        return text
    }

    /// One of a list of words.
    func word<Word: RawRepresentable & CaseIterable>() throws(SettingRefusal) -> Word where Word.RawValue == String {
        let words = Word.allCases.map(\.rawValue)
        let text: String
        switch self {
        case .file(.string(let value)), .text(let value): text = value
        case .file: throw refusal("one of \(words.joined(separator: ", "))")
        }
        guard let word = Word(rawValue: text) else {
            let meant = Suggestion.nearest(to: text, among: words).map { "; did you mean \($0)?" } ?? ""
            throw refusal("one of \(words.joined(separator: ", "))\(meant)")
        }
        return word
    }

    // MARK: What only settings know

    /// "127.0.0.1:4443", "[::1]:4443", or a port alone, which means loopback.
    func listenAddress() throws(SettingRefusal) -> (ip: String, port: UInt16) {
        let allowed = "ADDRESS:PORT with a literal address, for instance 127.0.0.1:4443 or [::1]:4443, or a port alone"
        if case .file(.integer(let number)) = self {
            guard let port = UInt16(exactly: number) else { throw refusal("a port from 0 to 65535") }
            return ("127.0.0.1", port)
        }
        let text = try text(allowed)
        if let port = UInt16(text) { return ("127.0.0.1", port) }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw refusal(allowed)
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw refusal("\(allowed); an IPv6 address stands in brackets")
        }
        guard SocketAddress(String(host), port: port) != nil else { throw refusal(allowed) }
        return (String(host), port)
    }

    func address() throws(SettingRefusal) -> String {
        let allowed = "a literal IPv4 or IPv6 address, for instance 192.0.2.10"
        let text = try text(allowed)
        guard SocketAddress(text, port: 0) != nil else { throw refusal(allowed) }
        return text
    }

    /// A literal address or a host name (RFC 1123 §2.1).
    func host() throws(SettingRefusal) -> String {
        let allowed = "an address or a host name without port, for instance media.example.org"
        let text = try text(allowed, limit: 253)
        guard SocketAddress(text, port: 0) == nil else { return text }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            !label.isEmpty && label.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        }
        // All digits and dots is a mistyped address.
        guard isName, !text.allSatisfy({ $0.isNumber || $0 == "." }) else { throw refusal(allowed) }
        return text
    }

    /// A web origin: scheme, host, perhaps a port.
    func origin() throws(SettingRefusal) -> String {
        let allowed = "a web origin, for instance https://example.org:8443"
        let text = try text(allowed)
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
            let rest = text.dropFirst(scheme.count)
            if !rest.isEmpty, rest.allSatisfy({ !"/?#@ ".contains($0) }) { return text }
        }
        throw refusal(allowed)
    }

    func ports() throws(SettingRefusal) -> ClosedRange<UInt16> {
        let allowed = "MIN-MAX within 1024-65535, for instance 40000-49999"
        let parts = try text(allowed).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let low = UInt16(parts[0]), let high = UInt16(parts[1]), low <= high, low >= 1024
        else { throw refusal(allowed) }
        return low...high
    }

    /// Nil: each transport has a port of its own.
    func webRTCPort() throws(SettingRefusal) -> UInt16? {
        switch self {
        case .file(.string("perTransport")), .text("perTransport"): nil
        default: UInt16(try integer(in: 0...65_535, unit: ", or perTransport"))
        }
    }

    func path() throws(SettingRefusal) -> String { try text("a path") }
}
