import Base

/// Where the packets since the last key frame begin in a producer's log, so that a consumer can start with a picture.
///
/// The start is given up when the group grows too long or too old, until the next key frame comes.
struct GOPCache: Sendable {
    struct Start: Sendable, Hashable {
        /// Where to begin reading.
        var position: UInt64
        /// Of the key frame's first packet; packets with lower indexes behind `position` are late ones of the past.
        var index: UInt64
        var arrival: Instant
        var timestamp: UInt32
    }

    /// Packets that a late key frame start can be behind of.
    private static let recentLength = 32

    private let maximumBytes: UInt64
    private let maximumAge: Duration
    private var start: Start?
    private var recent = InlineArray<32, (position: UInt64, index: UInt64)>(repeating: (0, 0))
    private var recentNext = 0

    init(_ configuration: SFUConfiguration) {
        maximumBytes = UInt64(max(0, configuration.gopCacheBytes))
        maximumAge = configuration.gopCacheDuration
    }

    /// A packet was appended to the log.
    mutating func appended(
        position: UInt64, index: UInt64, isKeyFrame: Bool, timestamp: UInt32, now: Instant
    ) {
        recent[recentNext] = (position, index)
        recentNext = (recentNext + 1) % Self.recentLength
        // A second parameter set of the same picture begins nothing new.
        if isKeyFrame, start?.timestamp != timestamp {
            start = Start(position: earliest(from: index, position), index: index, arrival: now, timestamp: timestamp)
        } else if let start, position - start.position > maximumBytes || now - start.arrival > maximumAge {
            self.start = nil
        }
    }

    /// Whether packets behind this one came before it: a group that it begins lies from them on.
    func isOvertaken(_ index: UInt64) -> Bool {
        for slot in 0..<Self.recentLength where recent[slot].index > index { return true }
        return false
    }

    /// What a consumer may begin with.
    func start(in log: borrowing PacketLog, now: Instant) -> Start? {
        guard let start, log.contains(start.position), log.head - start.position <= maximumBytes,
            now - start.arrival <= maximumAge
        else { return nil }
        return start
    }

    /// Nobody begins here any more.
    mutating func giveUp() { start = nil }

    /// Bytes from its beginning up to the log's head; 0 without one.
    func length(upTo head: UInt64) -> Int { start.map { Int(head - $0.position) } ?? 0 }

    /// Whether nobody may begin with it any more, for its age.
    func isTooOld(at now: Instant) -> Bool { start.map { now - $0.arrival > maximumAge } ?? false }

    mutating func forget() {
        start = nil
        recent = InlineArray(repeating: (0, 0))
    }

    /// Packets of the key frame may have overtaken its first one.
    private func earliest(from index: UInt64, _ position: UInt64) -> UInt64 {
        var earliest = position
        for slot in 0..<Self.recentLength where recent[slot].index > index {
            earliest = min(earliest, recent[slot].position)
        }
        return earliest
    }
}
