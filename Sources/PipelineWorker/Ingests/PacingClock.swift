import Base

/// One clock for all tracks of an ingest: when a media time is due, and which wall time it bears.
///
/// When the feed falls behind, due times move back for all tracks together and nothing is sent in a burst
/// afterwards. Wall times don't move: the line between RTP timestamps and wall time stays straight, and receivers
/// keep sound and picture together whatever happens to the sending.
struct PacingClock {
    /// Falling behind by more than this moves the due times; less is caught up.
    static let tolerance = Duration.milliseconds(250)

    private let start: Instant
    private let wallAtStart: Int64
    /// How far due times have moved back.
    private(set) var lag = Duration.zero

    /// - Parameter wallNanoseconds: since 1970, read at `start`.
    init(start: Instant, wallNanoseconds: Int64) {
        self.start = start
        wallAtStart = wallNanoseconds
    }

    /// The media time that is due now.
    func position(at now: Instant) -> Duration { now - start - lag }

    func due(_ time: Duration) -> Instant { start + lag + time }

    func wallTime(of time: Duration) -> NTPTime { NTPTime(unixNanoseconds: wallAtStart + time.nanoseconds) }

    /// Looks at the lateness of what is sent now.
    /// - Returns: by how much due times moved, if they did.
    mutating func noteSending(_ time: Duration, at now: Instant) -> Duration? {
        let lateness = position(at: now) - time
        guard lateness > Self.tolerance else { return nil }
        lag += lateness
        return lateness
    }

    /// Moves due times: later above zero, sooner below.
    mutating func move(by time: Duration) { lag += time }
}

/// Says that sending moves back: at once, then now and then with the sum of it.
struct MovedBack {
    private static let interval = Duration.seconds(10)
    private var said: Instant?
    private var unsaid = Duration.zero

    mutating func note(_ lateness: Duration, at now: Instant) {
        unsaid += lateness
        if let said, now - said < Self.interval { return }
        let milliseconds = Int(unsaid.seconds * 1000)
        log(
            said == nil
                ? "media comes \(milliseconds) ms late from the source: sending moves back by that"
                : "media comes late from the source: sending has moved back by \(milliseconds) ms more; either the source"
                    + " or this machine is too slow for real time")
        (said, unsaid) = (now, .zero)
    }
}
