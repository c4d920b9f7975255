import Base

/// From a file's times to media time: zero at the start of the first round, running on through all rounds.
///
/// Shared by the tracks of a source, so that whatever moves moves for all of them. A single time that is far off is
/// a broken one and not believed; when the next one of its track agrees with it, the source's clock has begun anew,
/// and all tracks go on with it.
final class Timeline {
    /// No track of a file that is in order runs this far ahead of the others, and none goes back.
    private let largestStep: Duration
    /// Within a track times rise, since what comes out of order is decoded. A second is more than any disorder of
    /// packets or rounding; two short clips that were joined go back by their length.
    private static let largestStepBack = Duration.seconds(1)
    /// Two times that are this close to each other tell of the same new clock.
    private static let agreement = Duration.seconds(10)

    private let origin: Duration
    private let start: Duration
    private var offset: Duration
    /// The offset before the clock began anew, and which tracks have come to the new one: a demuxer hands out the last
    /// packets of one track behind the first new ones of another.
    private var earlier: (offset: Duration, followed: Set<Int>)?
    /// The latest time of all tracks.
    private var latest: Duration
    /// By track: a time that was not believed.
    private var suspects: [Int: Duration] = [:]
    /// Where the last of all tracks ends so far.
    private(set) var end: Duration

    /// - Parameters:
    ///   - origin: the file's time that becomes `start`.
    ///   - largestStep: what is further ahead of everything else is no pause.
    ///   - start: above zero for a source that was away and goes on.
    init(origin: Duration, largestStep: Duration, start: Duration = .zero) {
        self.origin = origin
        (self.start, offset, latest, end) = (start, start, start, start)
        self.largestStep = largestStep
    }

    /// - Parameters:
    ///   - presentation: the file's own time; nil when it has none.
    ///   - last: media time of the frame before in this track.
    ///   - usual: how far frames of this track are apart.
    func time(of presentation: Duration?, track: Int, after last: Duration?, usual: Duration) -> Duration {
        let next = last.map { $0 + usual } ?? latest
        guard let presentation else { return note(next) }
        if let time = timeOnEarlierClock(of: presentation, track: track, next: next) { return note(time) }
        let time = presentation - origin + offset
        // The first frame of a track may stand in the file behind seconds of another track, but never long before the start.
        let earliest = last.map { $0 - Self.largestStepBack } ?? start - Self.agreement
        let isPlausible = time <= latest + largestStep && time >= earliest
        if isPlausible {
            suspects[track] = nil
            return note(time)
        }
        guard let suspect = suspects[track], time - suspect < Self.agreement, suspect - time < Self.agreement
        else {
            suspects[track] = time
            return note(next)
        }
        suspects = [:]
        earlier = (offset, [track])
        offset -= time - next
        return note(next)
    }

    /// After a new beginning: the time of what still comes from before it.
    private func timeOnEarlierClock(of presentation: Duration, track: Int, next: Duration) -> Duration? {
        guard let earlier, !earlier.followed.contains(track) else { return nil }
        let (old, new) = (presentation - origin + earlier.offset, presentation - origin + offset)
        // It goes on where the track was, by one clock or by the other.
        if distance(old, next) < distance(new, next) { return old }
        self.earlier?.followed.insert(track)
        return nil
    }

    private func distance(_ a: Duration, _ b: Duration) -> Duration { a > b ? a - b : b - a }

    private func note(_ time: Duration) -> Duration {
        latest = max(latest, time)
        return time
    }

    func noteEnd(_ time: Duration) { end = max(end, time) }

    /// The file begins anew where its longest track has ended.
    func beginRound() {
        offset = end
        latest = end
        suspects = [:]
        earlier = nil
    }
}
