import Base
import HTTPTypes
import Hummingbird

/// Who may ask. A web page that a person on this machine happens to look at must not be able to steer the gateway:
/// a foreign name in Host would be DNS rebinding, a foreign Origin a page's script.
struct Doorkeeper: Sendable {
    let configuration: SignalingConfiguration

    func checkHost(_ request: Request) throws(Problem) {
        guard let authority = request.head.authority, !authority.isEmpty else { throw .unknownHost(nil) }
        guard isKnown(Self.host(of: authority)) else { throw .unknownHost(authority) }
    }

    /// Only browsers send these headers; scripts and other programs are not held up. On the broadcaster API too:
    /// `GET /rooms/{room}` makes a room, and any page can have a picture with that address. Browsers send no Origin with
    /// such a request, but tell that it comes from elsewhere (W3C Fetch Metadata §2.3).
    func checkOrigin(_ request: Request) throws(Problem) {
        if let origin = request.headers[.origin] {
            guard isAllowed(origin, request) else { throw .originRefused(origin) }
        } else if let site = Self.fetchSite.flatMap({ request.headers[$0] }) {
            guard !["cross-site", "same-site"].contains(site.lowercased()) else {
                throw .originRefused("another origin")
            }
        }
    }

    /// A person follows a link, from wherever, into a tab of its own (W3C Fetch Metadata §2.1, §2.2): what needs no token and
    /// changes nothing may be linked to. Scripts and pictures of other pages can't ask so.
    func isVisit(_ request: Request) -> Bool {
        guard request.method == .get, request.headers[.origin] == nil else { return false }
        return Self.fetchMode.flatMap { request.headers[$0] } == "navigate"
            && Self.fetchDestination.flatMap { request.headers[$0] } == "document"
    }

    private static let fetchSite = HTTPField.Name("Sec-Fetch-Site")
    private static let fetchMode = HTTPField.Name("Sec-Fetch-Mode")
    private static let fetchDestination = HTTPField.Name("Sec-Fetch-Dest")

    func checkToken(_ request: Request) throws(Problem) {
        guard let token = configuration.token else { return }
        guard let header = request.headers[.authorization] else { throw .tokenRequired(given: false) }
        let words = header.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer", token.matches(words[1]) else {
            throw .tokenRequired(given: true)
        }
    }

    /// So that pages of allowed origins can read the answer (WHATWG Fetch §3.2).
    func addCrossOriginHeaders(to response: inout Response, for request: Request) {
        guard let origin = request.headers[.origin], isAllowed(origin, request) else { return }
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.vary] = "Origin"
        // Where a session is, which of its states this was, and what goes with it (RFC 9725 §4): not for pages otherwise.
        response.headers[.accessControlExposeHeaders] = "Location, ETag, Link, Retry-After"
        guard request.method == .options else { return }
        response.headers[.accessControlAllowMethods] = response.headers[.allow]
        response.headers[.accessControlAllowHeaders] = "Authorization, Content-Type, If-Match, Last-Event-ID"
    }

    // MARK: - Helpers

    private func isAllowed(_ origin: String, _ request: Request) -> Bool {
        // A page that we serve ourselves; its host has been checked before.
        if let authority = request.head.authority, ownSchemes.contains(where: { origin == $0 + authority }) {
            return true
        }
        return configuration.allowedOrigins.contains(origin)
    }

    /// With TLS, a page without it is somebody else's: whoever sits between can forge one. Without TLS a proxy in front may
    /// have it; then its pages come by https and their requests, on the way here, do not.
    private var ownSchemes: [String] { configuration.tls != nil ? ["https://"] : ["http://", "https://"] }

    private func isKnown(_ host: String) -> Bool {
        let host = host.lowercased()
        if host == "localhost" || host == configuration.host.lowercased() { return true }
        if configuration.knownHosts.contains(where: { $0.lowercased() == host }) { return true }
        // Nobody can point a name of theirs at a literal address.
        guard SocketAddress(host, port: 0) != nil else { return false }
        return isWildcard || SignalingConfiguration.isLoopback(host)
    }

    /// Listening on every address, the gateway can't know them all.
    private var isWildcard: Bool { ["0.0.0.0", "::"].contains(configuration.host) }

    /// Without the port; IPv6 without its brackets.
    static func host(of authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return String(authority[authority.index(after: authority.startIndex)..<end])
        }
        return String(authority.prefix { $0 != ":" })
    }
}
