import Base

/// When a flight that nobody answers goes again (RFC 6347 §4.2.4).
struct Retransmission {
    /// 400 ms, then doubled up to 6.4 s: 0.4, 1.2, 2.8, 6, 12.4, 18.8 and 25.2 s after the flight. RFC 6347 starts with 1 s;
    /// a viewer waits for the picture meanwhile, and ICE has just shown that the path works.
    private static let first = Duration.milliseconds(400)
    private static let longest = Duration.milliseconds(6400)
    /// Then, after 31.6 s, the remote side is given up. (The library gives up itself beyond 12.)
    static let count = 7
    static let patience = Duration.milliseconds(31_600)

    private(set) var deadline: Instant
    private var interval = Self.first
    /// How often it went again.
    private(set) var sentCount = 0

    init(now: Instant) { deadline = now + Self.first }

    enum Due: Equatable { case nothing, copy(Int), giveUp }

    mutating func advance(to now: Instant) -> Due {
        guard now >= deadline else { return .nothing }
        guard sentCount < Self.count else { return .giveUp }
        defer { sentCount += 1 }
        interval = min(interval * 2, Self.longest)
        deadline = now + interval
        return .copy(sentCount)
    }
}
