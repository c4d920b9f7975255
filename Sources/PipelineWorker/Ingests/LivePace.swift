import Base

/// How due times of a live source follow its arrivals, so that nothing waits longer than it must and nothing is late
/// for ever, whatever the source's clock does.
///
/// Looks at each frame's slack: how long it would wait until it is due; below zero it is late. Frames that are late now
/// and then go out at once and move nothing. When all frames of some seconds wait, due times move forward; when even
/// the best ones are late, they move back. Both gently, since receivers see it as a change of the path's delay; only
/// what is hopelessly late moves them at once. All tracks move together, so sound and picture keep together.
public struct LivePace: Sendable {
    /// How long the frame that waits least shall wait: covers a read or an encoding that takes longer once.
    public static let margin = Duration.milliseconds(40)
    /// Within this nothing moves.
    private static let hysteresis = Duration.milliseconds(10)
    /// Beyond this all frames are late for good, and due times jump.
    private static let hopeless = Duration.milliseconds(-250)
    /// Receivers' jitter buffers follow 2 % without a sound; 10 % is heard by nobody who just met a second of delay.
    private static let gentle = 0.02
    private static let brisk = 0.1
    private static let much = Duration.milliseconds(300)

    /// Arrivals of half a second.
    private struct Bucket {
        var start: Instant
        var least: Duration
        var best: [Int: Duration]
    }
    private static let bucketLength = Duration.milliseconds(500)
    /// Three seconds: longer than a usual distance of key frames, whose size delays them.
    private static let bucketCount = 6

    private var buckets: [Bucket] = []
    private var lastMove: Instant?

    public init() {}

    /// - Parameter slack: due time minus arrival.
    public mutating func note(slack: Duration, track: Int, at arrival: Instant) {
        if let last = buckets.indices.last, arrival - buckets[last].start < Self.bucketLength {
            buckets[last].least = min(buckets[last].least, slack)
            buckets[last].best[track] = max(buckets[last].best[track] ?? slack, slack)
        } else {
            buckets.append(Bucket(start: arrival, least: slack, best: [track: slack]))
            if buckets.count > Self.bucketCount { buckets.removeFirst() }
        }
    }

    /// Forgets everything: the source was away.
    public mutating func reset() { (buckets, lastMove) = ([], nil) }

    /// By how much due times move now: later above zero, sooner below.
    public mutating func advance(to now: Instant) -> Duration {
        let elapsed = min(max(now - (lastMove ?? now), .zero), Self.bucketLength)
        lastMove = now
        let move = move(elapsed: elapsed)
        guard move != .zero else { return .zero }
        for index in buckets.indices {
            buckets[index].least += move
            for track in buckets[index].best.keys { buckets[index].best[track]? += move }
        }
        return move
    }

    private func move(elapsed: Duration) -> Duration {
        // The newest bucket is still filling: in the middle of a backlog its frames look late.
        let whole = buckets.dropLast()
        if let late = whole.last?.best.values.min(), late < Self.hopeless { return Self.margin - late }
        guard whole.count >= Self.bucketCount - 1 else { return .zero }
        if let least = buckets.map(\.least).min(), least > Self.margin + Self.hysteresis {
            let excess = least - Self.margin
            return .zero - min(excess, elapsed * (excess > Self.much ? Self.brisk : Self.gentle))
        }
        var best: [Int: Duration] = [:]
        for bucket in whole { best.merge(bucket.best) { max($0, $1) } }
        if let late = best.values.min(), late < .zero { return min(.zero - late, elapsed * Self.gentle) }
        return .zero
    }
}
