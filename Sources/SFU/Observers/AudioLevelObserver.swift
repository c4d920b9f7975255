import Base

/// Tells, once per interval, which of several audio tracks are the loudest: mediasoup's AudioLevelObserver.
///
/// It is fed with the levels that senders write into their packets (RFC 6464); no sound is decoded.
public struct AudioLevelObserver<Track: Hashable & Sendable>: Sendable {
    /// What an interval brought.
    public enum Outcome: Sendable, Equatable {
        /// The loudest first, as many as were asked for.
        case volumes([Volume])
        /// Nobody is loud enough any more; told once.
        case silence
        case nothing
    }

    public struct Volume: Sendable, Equatable {
        public var track: Track
        /// In dBov: −127 (silence) … 0 (loudest).
        public var volume: Int

        public init(track: Track, volume: Int) {
            self.track = track
            self.volume = volume
        }
    }

    private struct Member: Sendable {
        let track: Track
        var isPaused: Bool
        var sum = 0
        var count = 0

        mutating func clear() { (sum, count) = (0, 0) }
    }

    /// A track with fewer packets in an interval is not judged.
    private static var leastPackets: Int { 10 }

    private let maximumEntries: Int
    private let threshold: Int
    /// Between 250 ms and 5 s.
    public let interval: Duration
    private var members: [Member] = []
    /// Nobody was loud, and everybody has been told so.
    public private(set) var isSilent = true

    /// - Parameters:
    ///   - maximumEntries: Tracks told at most; above 0.
    ///   - threshold: In dBov, −127…0; what is quieter counts as silence.
    public init(maximumEntries: Int = 1, threshold: Int = -80, interval: Duration = .milliseconds(1000)) {
        self.maximumEntries = maximumEntries
        self.threshold = threshold
        self.interval = min(max(interval, .milliseconds(250)), .milliseconds(5000))
    }

    /// Nothing happens when it is there already.
    public mutating func add(_ track: Track, isPaused: Bool = false) {
        guard !members.contains(where: { $0.track == track }) else { return }
        members.append(Member(track: track, isPaused: isPaused))
    }

    public mutating func remove(_ track: Track) { members.removeAll { $0.track == track } }

    /// A paused track is not judged, whatever came before.
    public mutating func setPaused(_ isPaused: Bool, _ track: Track) {
        guard let place = members.firstIndex(where: { $0.track == track }) else { return }
        members[place].isPaused = isPaused
        members[place].clear()
    }

    /// - Parameter level: 0 (loudest) … 127 (silence), in −dBov.
    public mutating func receive(level: UInt8, from track: Track) {
        guard let place = members.firstIndex(where: { $0.track == track }) else { return }
        members[place].sum += Int(level)
        members[place].count += 1
    }

    /// The interval is over.
    public mutating func update() -> Outcome {
        var volumes: [Volume] = []
        for place in members.indices {
            let member = members[place]
            members[place].clear()
            guard !member.isPaused, member.count >= Self.leastPackets else { continue }
            // To the nearest; halves go up, away from zero.
            let volume = -((2 * member.sum + member.count) / (2 * member.count))
            if volume >= threshold { volumes.append(Volume(track: member.track, volume: volume)) }
        }
        guard !volumes.isEmpty else { return silence() }
        isSilent = false
        // Equally loud ones stay in the order in which they were added.
        let sorted = volumes.enumerated().sorted { ($1.element.volume, $0.offset) < ($0.element.volume, $1.offset) }
        return .volumes(sorted.prefix(maximumEntries).map(\.element))
    }

    /// The observer stops: what came so far is forgotten.
    public mutating func stop() -> Outcome {
        for place in members.indices { members[place].clear() }
        return silence()
    }

    private mutating func silence() -> Outcome {
        if isSilent { return .nothing }
        isSilent = true
        return .silence
    }
}
