import Base

/// When a source that has failed is tried again: a twentieth of the time it has been away, from 100 ms to 30 s, give or
/// take a fifth, so that a source comes back soon after it returns and many sources don't return as one.
public struct RetrySchedule: Sendable {
    public static let shortest = Duration.milliseconds(100)
    public static let longest = Duration.seconds(30)

    private let jitter: Double

    public init() { jitter = 0.2 }

    /// - Parameter away: since the source brought media last, or since it was first tried.
    public func delay(away: Duration, using random: inout some RandomNumberGenerator) -> Duration {
        let exact = min(max(away / 20, Self.shortest), Self.longest)
        return exact * Double.random(in: 1 - jitter...1 + jitter, using: &random)
    }
}
