import Base

/// Where the server listens for a transport, as its candidates say it.
public struct ICEListen: Sendable, Hashable {
    public var transport: ICEProtocol
    /// What clients are told: the announced address if there is one. An IP address or a host name.
    public var address: String
    public var port: UInt16

    public init(_ transport: ICEProtocol, address: String, port: UInt16) {
        (self.transport, self.address, self.port) = (transport, address, port)
    }
}

/// A host candidate as mediasoup describes it: the only kind that a lite agent has.
public struct ICECandidate: Sendable, Hashable {
    public let listen: ICEListen
    public let priority: UInt32

    /// Constant: a client can't tell our candidates' bases apart, and needn't.
    public var foundation: String { "\(listen.transport.rawValue)candidate" }

    /// The candidates of a transport, first the most wanted.
    /// - Parameters:
    ///   - accepts: What the transport wants of a shared server's; a listener that is left out keeps its rank.
    ///   - prefers: Raised above the others, on a shared server only.
    public static func candidates(
        of listens: [ICEListen], accepts: Set<ICEProtocol> = Set(ICEProtocol.allCases), prefers: Set<ICEProtocol> = []
    ) -> [ICECandidate] {
        listens.enumerated().filter { accepts.contains($1.transport) }.map { rank, listen in
            let preference = 10_000 - 100 * rank + (prefers.contains(listen.transport) ? 1000 : 0)
            return ICECandidate(listen: listen, priority: priority(UInt32(min(max(preference, 0), 0xFFFF))))
        }
    }

    /// RFC 8445 §5.1.2.1, with mediasoup's type preference of 64 and component 1.
    private static func priority(_ localPreference: UInt32) -> UInt32 { 64 << 24 + localPreference << 8 + 255 }

    /// mediasoup's `IceCandidate`; `ip` is the name from before `address`.
    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "foundation": .string(foundation), "priority": .integer(Int64(priority)), "ip": .string(listen.address),
            "address": .string(listen.address), "protocol": .string(listen.transport.rawValue),
            "port": .integer(Int64(listen.port)), "type": "host",
        ]
        if listen.transport == .tcp { members["tcpType"] = "passive" }
        return .object(members)
    }
}
