import Base

/// From a file's times to media time: zero at the start of the first round, running on through all rounds.
///
/// Shared by the tracks of a source, so that whatever moves moves for all of them.
final class Timeline {
    /// Steps beyond this in a container that allows them are a new clock, no pause.
    private static let largestStep = Duration.seconds(10)

    private let origin: Duration
    private let allowsJumps: Bool
    private var offset = Duration.zero
    /// Where the last of all tracks ends so far.
    private(set) var end = Duration.zero

    /// - Parameters:
    ///   - origin: the file's time that becomes zero.
    ///   - allowsJumps: the container's clock may begin anew in the middle (MPEG-TS).
    init(origin: Duration, allowsJumps: Bool) {
        self.origin = origin
        self.allowsJumps = allowsJumps
    }

    /// - Parameter last: media time of the frame before in this track.
    func time(of presentation: Duration, after last: Duration?) -> Duration {
        let time = presentation - origin + offset
        guard allowsJumps, let last else { return time }
        let step = time - last
        guard step > Self.largestStep || step < .zero - Self.largestStep else { return time }
        offset -= step
        return last
    }

    func noteEnd(_ time: Duration) { end = max(end, time) }

    /// The file begins anew where its longest track has ended.
    func beginRound() { offset = end }
}
