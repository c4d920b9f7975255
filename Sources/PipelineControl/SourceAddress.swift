import FoundationEssentials

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

        public init(description: String) { self.description = description }
    }

    public let scheme: Scheme
    /// The whole of it, with secrets.
    public let secretText: String
    /// The same, with "•••" for every secret.
    public let description: String
    /// Every secret in it, as written and as decoded, so that log lines of libraries can be cleaned. Longest first.
    public let secrets: [String]
    /// The user's name, decoded; nil when there is none.
    public let user: String?
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

    /// - Parameter listens: the address is waited at for one who publishes; the last part of an rtmp path is a stream key
    ///   then, and a secret.
    public init(_ text: String, listens: Bool = false) throws(Refusal) {
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
        var user: String?
        if !scheme.isDevice, let at = authority.lastIndex(of: "@") {
            let both = authority[..<at]
            host = String(authority[authority.index(after: at)...])
            let name = both.prefix { $0 != ":" }
            let password = both[name.endIndex...].dropFirst()
            Self.note(String(password), in: &secrets)
            shownAuthority = password.isEmpty ? "\(name)@\(host)" : "\(name):•••@\(host)"
            if !both.isEmpty {
                user = Self.decoded(String(name))
                // As it stands in an HTTP header (RFC 7617 §2), which libraries log.
                if !password.isEmpty { secrets.insert(Self.base64("\(user ?? ""):\(Self.decoded(String(password)))")) }
            }
        }
        self.user = user
        guard !host.isEmpty, host != ":" else {
            throw Refusal(description: "the \(scheme.rawValue) address names no \(scheme.isDevice ? "device" : "host")")
        }
        if !scheme.isDevice { try Self.check(host: host, authority: authority, behind: behind, scheme) }
        place = host
        var query: [String: String] = [:]
        let path = behind.prefix { $0 != "?" }
        var shownBehind = String(path)
        if listens, scheme == .rtmp, let slash = path.lastIndex(of: "/"), path[slash...].count > 1 {
            Self.note(String(path[slash...].dropFirst()), in: &secrets)
            shownBehind = path[...slash] + "•••"
        }
        if let mark = behind.firstIndex(of: "?") {
            let members = behind[behind.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false)
            let shown = members.map { member -> String in
                let name = member.prefix { $0 != "=" }
                let value = String(member[name.endIndex...].dropFirst())
                let decodedName = Self.decoded(String(name))
                query[decodedName] = Self.decoded(value)
                guard Self.secretNames.contains(decodedName.lowercased()), !value.isEmpty else { return String(member) }
                Self.note(value, in: &secrets)
                return "\(name)=•••"
            }
            shownBehind += "?" + shown.joined(separator: "&")
        }
        self.query = query
        self.secrets = secrets.sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
        description = "\(text[...colon])\(scheme.isDevice ? "" : "//")\(shownAuthority)\(shownBehind)"
    }

    /// The address without these members of its query.
    public func secretText(without names: Set<String>) -> String {
        guard let mark = secretText.firstIndex(of: "?") else { return secretText }
        let members = secretText[secretText.index(after: mark)...].split(separator: "&").filter { member in
            !names.contains(Self.decoded(String(member.prefix { $0 != "=" })))
        }
        return secretText[..<mark] + (members.isEmpty ? "" : "?" + members.joined(separator: "&"))
    }

    /// A password with "/", "?" or "#" in it ends the authority too soon, and its rest would be shown as a path.
    private static func check(
        host: String, authority: Substring, behind: Substring, _ scheme: Scheme
    ) throws(Refusal) {
        let advice = "special characters of a password are written as %40 (@), %2F (/), %3F (?), %23 (#), %3A (:)"
        let behindHost = host.hasPrefix("[") ? host.drop { $0 != "]" }.dropFirst() : host.drop { $0 != ":" }
        if host.hasPrefix("["), !host.contains("]") || !(behindHost.isEmpty || behindHost.hasPrefix(":")) {
            throw Refusal(description: "the \(scheme.rawValue) address has an IPv6 host that is not [in brackets]")
        }
        let port = behindHost.dropFirst()
        if !port.isEmpty, UInt16(port) == nil {
            throw Refusal(
                description: "the \(scheme.rawValue) address has a port that is no number up to 65535; \(advice)")
        }
        // Which "@" ends the password can't be told.
        if behind.contains("@"), !port.isEmpty || authority.contains("@") {
            throw Refusal(description: "the \(scheme.rawValue) address has an @ behind its host; \(advice)")
        }
    }

    private static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

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
