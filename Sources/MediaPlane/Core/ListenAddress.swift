/// An address that transports listen on, and what others are told of it.
public struct ListenAddress: Sendable, Hashable {
    /// A literal address.
    public var ip: String
    /// The address or host name by which others reach it, behind a NAT for instance; nil: `ip`.
    public var announced: String?

    public init(_ ip: String, announced: String? = nil) {
        self.ip = ip
        self.announced = announced
    }

    public var told: String { announced ?? ip }
}
