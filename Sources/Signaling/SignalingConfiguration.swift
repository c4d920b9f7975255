import Base

/// How the HTTP door stands open.
public struct SignalingConfiguration: Sendable {
    /// A literal address or a name of this machine.
    public var host: String
    /// 0: any free one.
    public var port: Int
    /// Nil: everybody who reaches the address may do everything.
    public var token: BearerToken?
    /// Says that an address beyond loopback without a token is meant.
    public var allowsEverybody: Bool
    /// Names under which clients may reach this gateway besides its address and localhost, without ports.
    public var knownHosts: [String]
    /// Origins (scheme, host, port) whose web pages may use this gateway.
    public var allowedOrigins: [String]
    /// In bytes. 100 kB: the limit that broadcaster scripts know.
    public var bodyLimit: Int
    /// A connection that sends no whole request for so long is closed.
    public var idleTimeout: Duration
    /// How long clients may take to read their last answers when the gateway stops; then they are cut off.
    public var stopPatience: Duration
    /// More are not accepted until others end. 1,024: well below the descriptors that ports for media need.
    public var maximumConnections: Int
    public var webSockets = WebSocketLimits()
    /// HTTPS and wss instead of HTTP and ws; nil: without TLS.
    public var tls: TLSFiles?
    /// How often those files are looked at. They are read anew when two looks have found the same change.
    public var tlsLookInterval: Duration = .seconds(2)
    /// STUN and TURN servers that WHIP and WHEP clients are told of. The gateway needs none itself.
    public var iceServers: [ICEServer]

    public init(
        host: String = "127.0.0.1", port: Int = 4443, token: BearerToken? = nil, allowsEverybody: Bool = false,
        knownHosts: [String] = [], allowedOrigins: [String] = [], bodyLimit: Int = 100 * 1024,
        idleTimeout: Duration = .seconds(60), stopPatience: Duration = .seconds(3), maximumConnections: Int = 1024,
        iceServers: [ICEServer] = [], tls: TLSFiles? = nil
    ) {
        self.tls = tls
        self.iceServers = iceServers
        self.host = host
        self.port = port
        self.token = token
        self.allowsEverybody = allowsEverybody
        self.knownHosts = knownHosts
        self.allowedOrigins = allowedOrigins
        self.bodyLimit = bodyLimit
        self.idleTimeout = idleTimeout
        self.stopPatience = stopPatience
        self.maximumConnections = maximumConnections
    }

    /// Names the first key that is wrong, its value and what it may be.
    public func validate() throws(SignalingError) {
        guard !host.isEmpty else { throw .configuration("host is empty; it must be an address such as 127.0.0.1") }
        guard (0...65_535).contains(port) else { throw .configuration("port \(port) is not within 0…65535") }
        guard (1024...16 * 1024 * 1024).contains(bodyLimit) else {
            throw .configuration("bodyLimit \(bodyLimit) is not within 1024…16777216 bytes")
        }
        guard idleTimeout >= .seconds(1), idleTimeout <= .seconds(3600) else {
            throw .configuration("idleTimeout \(idleTimeout.seconds) s is not within 1…3600 s")
        }
        guard stopPatience >= .zero, stopPatience <= .seconds(60) else {
            throw .configuration("stopPatience \(stopPatience.seconds) s is not within 0…60 s")
        }
        guard (1...20_000).contains(maximumConnections) else {
            throw .configuration("maximumConnections \(maximumConnections) is not within 1…20000")
        }
        try webSockets.validate()
        guard tlsLookInterval > .zero, tlsLookInterval <= .seconds(3600) else {
            throw .configuration("tlsLookInterval \(tlsLookInterval.seconds) s is not within 0…3600 s")
        }
        for server in iceServers where !server.isPlausible {
            throw .configuration("iceServers: \"\(server.url)\" is none; write it as stun:stun.example.org:3478")
        }
        for origin in allowedOrigins where !Self.isOrigin(origin) {
            throw .configuration("allowedOrigins: \"\(origin)\" is no origin; write it as https://example.org:8443")
        }
        for name in knownHosts where name.isEmpty || name.contains("/") || name.contains(" ") {
            throw .configuration("knownHosts: \"\(name)\" is no host name; write it as media.example.org")
        }
        guard Self.isLoopback(host) || token != nil || allowsEverybody else {
            throw .configuration(
                "host \(host) can be reached from other machines: give a token, or say that everybody may come in")
        }
    }

    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.") && SocketAddress(host, port: 0) != nil
    }

    /// Scheme, host and perhaps a port; no path.
    private static func isOrigin(_ text: String) -> Bool {
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
            let rest = text.dropFirst(scheme.count)
            return !rest.isEmpty && !rest.contains("/") && !rest.contains(" ")
        }
        return false
    }
}

/// The secret that every request must bring. Prints as "•••".
public struct BearerToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    private let secret: [UInt8]

    /// Nil for an empty secret.
    public init?(_ secret: String) {
        guard !secret.isEmpty else { return nil }
        self.secret = Array(secret.utf8)
    }

    /// Takes as long for a wrong secret as for the right one, however many characters agree.
    public func matches(_ offered: some StringProtocol) -> Bool {
        let offered = Array(offered.utf8)
        var difference: UInt8 = offered.count == secret.count ? 0 : 1
        for index in secret.indices {
            difference |= secret[index] ^ (index < offered.count ? offered[index] : ~secret[index])
        }
        return difference == 0
    }

    public var description: String { "•••" }
    public var debugDescription: String { "•••" }
}
