import Base

/// What WebSockets may cost, and how their silence is understood.
public struct WebSocketLimits: Sendable, Hashable {
    /// In bytes, of a message or one of its frames. 960,000: protoo's.
    public var messageLimit: Int
    /// Of what waits for a client to read it. 8 MB: some 3,000 consumers told at once, at 2.5 kB each.
    public var backlogLimit: Int
    /// A ping goes out so often. 60 s: protoo's.
    public var pingInterval: Duration
    /// … and something must come back within this time. 10 s: protoo's.
    public var pongPatience: Duration
    /// For the other side's half of the closing handshake.
    public var closePatience: Duration
    /// Clients of the newer dialect join within this time. 10 s: the newer demo's.
    public var joinPatience: Duration

    public init(
        messageLimit: Int = 960_000, backlogLimit: Int = 8 * 1024 * 1024, pingInterval: Duration = .seconds(60),
        pongPatience: Duration = .seconds(10), closePatience: Duration = .seconds(2),
        joinPatience: Duration = .seconds(10)
    ) {
        self.messageLimit = messageLimit
        self.backlogLimit = backlogLimit
        self.pingInterval = pingInterval
        self.pongPatience = pongPatience
        self.closePatience = closePatience
        self.joinPatience = joinPatience
    }

    func validate() throws(SignalingError) {
        guard (1024...16 * 1024 * 1024).contains(messageLimit) else {
            throw .configuration("messageLimit \(messageLimit) is not within 1024…16777216 bytes")
        }
        guard backlogLimit >= messageLimit else {
            throw .configuration("backlogLimit \(backlogLimit) is below the message limit (\(messageLimit))")
        }
    }
}
