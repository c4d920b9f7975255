import STUN

/// A STUN or TURN server for clients behind difficult networks.
public struct ICEServer: Sendable, Hashable {
    /// Who asks, at a TURN server.
    public enum Account: Sendable, Hashable {
        case password(name: String, String)
        /// The one that the server was given, too: each client gets a name and a password that end.
        case secret(String)
    }

    /// How long an account of a shared secret is good, in seconds: a day, as its draft has it. Servers ask again with each
    /// refresh of an allocation, so sessions over TURN last as long at most.
    public static let accountLifetime: Int64 = 86_400

    /// `stun:…`, `stuns:…`, `turn:…`, `turns:…` (RFC 7064, RFC 7065).
    public var url: String
    public var account: Account?

    public init(url: String, account: Account? = nil) {
        self.url = url
        self.account = account
    }

    /// It ends up in a header: no character that could end its quotes or its line.
    var isPlausible: Bool {
        var texts = [url]
        if case .password(let name, let password) = account { texts += [name, password] }
        let isHarmless = texts.allSatisfy { text in
            text.unicodeScalars.allSatisfy { (0x20...0x7E).contains($0.value) && $0 != "\"" && $0 != "\\" }
        }
        return isHarmless && !url.contains(">") && !url.contains(" ")
            && ["stun:", "stuns:", "turn:", "turns:"].contains { url.hasPrefix($0) && url.count > $0.count }
    }

    /// As a `Link` header has it (RFC 9725 §4.6).
    /// - Parameter now: Seconds since 1970.
    func link(now: Int64) -> String {
        let link = "<\(url)>; rel=\"ice-server\""
        switch account {
        case nil: return link
        case .password(let name, let password): return link + Self.credentials(name, password)
        case .secret(let secret):
            let account = TURNAccount(secret: secret, expiry: now + Self.accountLifetime, user: "ladle")
            return link + Self.credentials(account.username, account.password)
        }
    }

    private static func credentials(_ name: String, _ password: String) -> String {
        "; username=\"\(name)\"; credential=\"\(password)\"; credential-type=\"password\""
    }
}
