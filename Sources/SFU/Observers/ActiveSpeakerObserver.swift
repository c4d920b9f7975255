import Base
import Glibc

/// Tells who of several audio tracks speaks: mediasoup's ActiveSpeakerObserver.
///
/// Dominant speaker identification by Volfin and Cohen (Computer Speech & Language 27 (2013) 895): each track's level is
/// looked at over one, five and fifty samples; on each of the three scales the likelihood of speech is set against that
/// of noise. Whoever beats the dominant speaker on all of them takes its place, so a cough does not.
public struct ActiveSpeakerObserver<Track: Hashable & Sendable>: Sendable {
    private struct Member: Sendable {
        let track: Track
        var speaker: SpeakerActivity
    }

    /// How much more active than the dominant speaker one has to be, on each scale.
    private static var margins: (immediate: Double, medium: Double, long: Double) { (3, 2, 0) }

    /// Between 100 ms and 5 s.
    public let interval: Duration
    private var members: [Member] = []
    public private(set) var dominant: Track?

    public init(interval: Duration = .milliseconds(300)) {
        self.interval = min(max(interval, .milliseconds(100)), .milliseconds(5000))
    }

    /// False: it is there already.
    public mutating func add(_ track: Track, isPaused: Bool = false, now: Instant) -> Bool {
        guard !members.contains(where: { $0.track == track }) else { return false }
        members.append(Member(track: track, speaker: SpeakerActivity(isPaused: isPaused, now: now)))
        return true
    }

    /// - Returns: Who is dominant from now on, when that was the one who left.
    public mutating func remove(_ track: Track, now: Instant) -> Track? {
        members.removeAll { $0.track == track }
        guard track == dominant else { return nil }
        dominant = nil
        return update(now: now)
    }

    public mutating func setPaused(_ isPaused: Bool, _ track: Track) {
        guard let place = members.firstIndex(where: { $0.track == track }) else { return }
        members[place].speaker.isPaused = isPaused
    }

    /// - Parameter level: 0 (loudest) … 127 (silence), in −dBov (RFC 6464).
    public mutating func receive(level: UInt8, from track: Track, now: Instant) {
        guard let place = members.firstIndex(where: { $0.track == track }) else { return }
        members[place].speaker.receive(loudness: 127 - min(level, 127), now: now)
    }

    /// The interval is over.
    /// - Returns: Who is dominant from now on, when that changes.
    public mutating func update(now: Instant) -> Track? {
        for place in members.indices {
            members[place].speaker.passTime(until: now, isDominant: members[place].track == dominant)
        }
        guard let next = findDominant(), next != dominant else { return nil }
        dominant = next
        return next
    }

    private mutating func findDominant() -> Track? {
        guard members.count > 1 else { return members.first?.track }
        // Without a dominant speaker the first one is, unless another beats it.
        let standing =
            dominant.flatMap { track in members.firstIndex { $0.track == track } }
            ?? members.firstIndex { !$0.speaker.isPaused } ?? 0
        members[standing].speaker.judge()
        let rival = members[standing].speaker
        var best: (track: Track, medium: Double)? =
            dominant == nil ? (members[standing].track, Self.margins.medium) : nil
        for place in members.indices where place != standing && !members[place].speaker.isPaused {
            members[place].speaker.judge()
            let speaker = members[place].speaker
            let medium = log(speaker.medium / rival.medium)
            guard log(speaker.immediate / rival.immediate) > Self.margins.immediate,
                medium > max(Self.margins.medium, best?.medium ?? 0),
                log(speaker.long / rival.long) > Self.margins.long
            else { continue }
            best = (members[place].track, medium)
        }
        return best?.track
    }
}
