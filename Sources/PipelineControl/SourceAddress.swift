/// Where a source is found: a URL of a scheme that Ladle knows, or a device.
///
/// Holds secrets (passwords, stream keys); `description` never shows them, so a value of this type can be logged, told in
/// events and shown to anyone. `secretText` is for the library that opens the source, and for nothing else.
public struct SourceAddress: Sendable, Hashable, CustomStringConvertible {
    public enum Scheme: String, Sendable, Hashable, CaseIterable {
        case http, https, rtsp, rtsps, rtmp, rtmps, srt, udp
        /// A camera: `v4l2:/dev/video0`, and with `?microphone=hw:1` its sound.
        case v4l2
        /// A microphone alone: `alsa:hw:1`.
        case alsa

        public var isDevice: Bool { self == .v4l2 || self == .alsa }
    }

    /// Why a text is no address; one line for people, without secrets.
    public struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String
    }

    public let scheme: Scheme
    /// The whole of it, with secrets.
    public let secretText: String
    /// The same, with "•••" for every secret.
    public let description: String
    /// Every secret in it, as written and as decoded, so that log lines of libraries can be cleaned. Longest first.
    public let secrets: [String]
    /// Of a device: what stands between the scheme and the query, "/dev/video0" or "hw:1"; otherwise host and port.
    public let place: String
    /// The query's members, decoded; the last one of a name counts.
    public let query: [String: String]

    /// Members of a query that are secrets, whoever reads them.
    private static let secretNames: Set<String> = [
        "password", "passwd", "pass", "pwd", "passphrase", "token", "access_token", "key", "secret", "sig", "signature",
        "auth", "streamid", "apikey", "api_key",
    ]

    /// Whether a text is meant as an address: it begins with a word and "://", or with the name of a device's scheme.
    public static func looksLikeAddress(_ text: String) -> Bool {
        if text.hasPrefix("v4l2:") || text.hasPrefix("alsa:") { return true }
        guard let end = text.firstRange(of: "://")?.lowerBound else { return false }
        return text[..<end].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
    }

    public init(_ text: String) throws(Refusal) {
        let known = Scheme.allCases.map(\.rawValue).joined(separator: ", ")
        guard let colon = text.firstIndex(of: ":"), let scheme = Scheme(rawValue: text[..<colon].lowercased()) else {
            let word = text.prefix { $0 != ":" }
            throw Refusal(description: "sources of the scheme \"\(word)\" can't be played; possible: \(known)")
        }
        guard text.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value != 127 }), text.utf8.count <= 4096 else {
            throw Refusal(
                description: "the \(scheme.rawValue) address has spaces or control characters, or is too long")
        }
        self.scheme = scheme
        secretText = text
        var rest = text[text.index(after: colon)...]
        if !scheme.isDevice {
            guard rest.hasPrefix("//") else {
                throw Refusal(description: "an address of \(scheme.rawValue) begins with \(scheme.rawValue)://")
            }
            rest = rest.dropFirst(2)
        }
        var secrets: Set<String> = []
        let authority = scheme.isDevice ? rest.prefix { $0 != "?" } : rest.prefix { !"/?#".contains($0) }
        let behind = rest[authority.endIndex...]
        var shownAuthority = String(authority)
        var host = String(authority)
        if !scheme.isDevice, let at = authority.lastIndex(of: "@") {
            let user = authority[..<at]
            host = String(authority[authority.index(after: at)...])
            let name = user.prefix { $0 != ":" }
            let password = user[name.endIndex...].dropFirst()
            Self.note(String(password), in: &secrets)
            shownAuthority = password.isEmpty ? "\(name)@\(host)" : "\(name):•••@\(host)"
        }
        guard !host.isEmpty, host != ":" else {
            throw Refusal(description: "the \(scheme.rawValue) address names no \(scheme.isDevice ? "device" : "host")")
        }
        place = host
        var query: [String: String] = [:]
        var shownBehind = String(behind)
        if let mark = behind.firstIndex(of: "?") {
            let members = behind[behind.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false)
            let shown = members.map { member -> String in
                let name = member.prefix { $0 != "=" }
                let value = String(member[name.endIndex...].dropFirst())
                query[Self.decoded(String(name))] = Self.decoded(value)
                guard Self.secretNames.contains(name.lowercased()), !value.isEmpty else { return String(member) }
                Self.note(value, in: &secrets)
                return "\(name)=•••"
            }
            shownBehind = behind[...mark] + shown.joined(separator: "&")
        }
        self.query = query
        self.secrets = secrets.sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
        description = "\(text[...colon])\(scheme.isDevice ? "" : "//")\(shownAuthority)\(shownBehind)"
    }

    /// The text with every secret replaced.
    public func cleaned(_ text: String) -> String {
        secrets.reduce(text) { $0.replacing($1, with: "•••") }
    }

    private static func note(_ secret: String, in secrets: inout Set<String>) {
        guard !secret.isEmpty else { return }
        secrets.insert(secret)
        secrets.insert(decoded(secret))
    }

    /// RFC 3986 §2.1: %41 is "A"; what is no such sequence stays.
    private static func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
