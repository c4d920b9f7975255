/// An address at which ICE may reach a side (RFC 8839 §5.1; TCP: RFC 6544 §4.5).
///
///     candidate:1 1 udp 2113937151 192.0.2.7 40000 typ host
public struct CandidateAttribute: Sendable, Hashable {
    public var foundation: String
    /// 1: RTP, and RTCP with it when they are multiplexed.
    public var component: UInt16
    /// In lower case: `udp`, `tcp`.
    public var transport: String
    public var priority: UInt32
    /// An IP address or a host name (`….local`: multicast DNS).
    public var address: String
    public var port: UInt16
    /// `host`, `srflx`, `prflx`, `relay`.
    public var type: String
    public var relatedAddress: String?
    public var relatedPort: UInt16?
    /// `active`, `passive`, `so`.
    public var tcpType: String?
    /// Extensions (`generation`, `ufrag`, `network-cost`), as written.
    public var extensions: [FormatParameter]

    public init(
        foundation: String, component: UInt16 = 1, transport: String = "udp", priority: UInt32, address: String,
        port: UInt16, type: String = "host", relatedAddress: String? = nil, relatedPort: UInt16? = nil,
        tcpType: String? = nil, extensions: [FormatParameter] = []
    ) {
        self.foundation = foundation
        self.component = component
        self.transport = transport
        self.priority = priority
        self.address = address
        self.port = port
        self.type = type
        self.relatedAddress = relatedAddress
        self.relatedPort = relatedPort
        self.tcpType = tcpType
        self.extensions = extensions
    }

    /// The attribute's value; nil: it isn't one.
    public init?(parsing text: some StringProtocol) {
        var words = SDPWords(text)
        guard let foundation = words.next(), let component: UInt16 = words.number(), let transport = words.next(),
            let priority: UInt32 = words.number(), let address = words.next(), let port: UInt16 = words.number(),
            words.next() == "typ", let type = words.next()
        else { return nil }
        self.init(
            foundation: foundation, component: component, transport: transport.lowercased(), priority: priority,
            address: address, port: port, type: type)
        while let name = words.next() {
            guard let value = words.next() else { return nil }
            switch name {
            case "raddr": relatedAddress = value
            case "rport":
                guard let port: UInt16 = sdpNumber(value) else { return nil }
                relatedPort = port
            case "tcptype": tcpType = value
            default: extensions.append(FormatParameter(name, value))
            }
        }
    }

    /// The attribute's value.
    public var text: String {
        var words = [foundation, "\(component)", transport, "\(priority)", address, "\(port)", "typ", type]
        if let relatedAddress { words += ["raddr", relatedAddress] }
        if let relatedPort { words += ["rport", "\(relatedPort)"] }
        if let tcpType { words += ["tcptype", tcpType] }
        for one in extensions { words += [one.name, one.value ?? ""] }
        return words.joined(separator: " ")
    }
}
