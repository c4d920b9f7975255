/// A STUN or TURN server for clients behind difficult networks.
public struct ICEServer: Sendable, Hashable {
    /// `stun:…`, `stuns:…`, `turn:…`, `turns:…` (RFC 7064, RFC 7065).
    public var url: String
    public var username: String?
    public var credential: String?

    public init(url: String, username: String? = nil, credential: String? = nil) {
        self.url = url
        self.username = username
        self.credential = credential
    }

    /// It ends up in a header: no character that could end its quotes or its line.
    var isPlausible: Bool {
        let isHarmless = [url, username ?? "", credential ?? ""].allSatisfy { text in
            text.unicodeScalars.allSatisfy { (0x20...0x7E).contains($0.value) && $0 != "\"" && $0 != "\\" }
        }
        return isHarmless && !url.contains(">") && !url.contains(" ")
            && ["stun:", "stuns:", "turn:", "turns:"].contains { url.hasPrefix($0) && url.count > $0.count }
    }

    /// As a `Link` header has it (RFC 9725 §4.6).
    var link: String {
        var link = "<\(url)>; rel=\"ice-server\""
        if let username { link += "; username=\"\(username)\"" }
        if let credential { link += "; credential=\"\(credential)\"; credential-type=\"password\"" }
        return link
    }
}
