import Base

/// Brings the timestamps of whatever stream a consumer gets onto one line that only rises.
///
/// Encodings of one source count time from different random beginnings; their sender reports tell how these lie to each
/// other. The first stream's timestamps go out unchanged, those of every other one with the difference added.
///
/// A switch begins with a key frame that may be older than what was sent already: by a frame or two when it came live,
/// by seconds when it comes from the cached group of pictures. Its frames follow the last one in steps of a
/// millisecond, until their own timestamps are above that:
///
///     sent so far     …  900 933 966
///     cached group                    300 333 366 … 933  966  1000 1033     as they should be
///     as they go out                  967 968 969 … 986  987  1000 1033
///
/// So the receiver decodes the group at once, shows its newest picture, and never goes back; and nothing of the delay
/// remains. (mediasoup shifts the new stream for as long as it is forwarded, by at most 75 ms: when more is needed it asks
/// for another key frame. Squeezed frames need neither.)
public struct TimestampAlignment: Sendable {
    /// A stream that lies further behind than a cached group can be old has other reports than its pictures: it goes on
    /// after the last one, and stays there.
    public static let mostBehind = Duration.seconds(20)
    /// As if it had 30 pictures a second.
    public static let frameGap = Duration.milliseconds(33)
    /// Packets of frames from before the landing may be late by this much.
    private static let longestMemory = Duration.seconds(2)

    private let clockRate: Int
    /// A millisecond: containers that count in them keep frames apart.
    private let step: UInt32

    /// Added to incoming timestamps, once the stream has caught up with the line.
    public private(set) var offset: UInt32 = 0
    /// The newest that went out; nil: none yet.
    public private(set) var last: UInt32?
    /// Nil: every frame's own timestamp holds.
    private var catchUp: CatchUp?

    /// Frames of the stream that is catching up, as they came and as they went.
    fileprivate struct CatchUp: Sendable {
        /// 16: as many pictures as packets of one may be late behind.
        var frames = InlineArray<16, (incoming: UInt32, outgoing: UInt32)>(repeating: (0, 0))
        var count = 0
        /// From this frame on the stream's own timestamps hold; nil: not yet.
        var landing: UInt32?
    }

    public init(clockRate: Int) {
        self.clockRate = max(1, clockRate)
        step = UInt32(max(1, clockRate / 1000))
    }

    // MARK: - Beginning

    /// The next frame is the first of another stream, or from elsewhere in the same one.
    /// - Parameter offset: What brings the stream onto the consumer's line; nil: nobody knows.
    public mutating func begin(_ timestamp: UInt32, offset: UInt32?) {
        self.offset = offset ?? 0
        catchUp = nil
        guard let last else { return }
        let behind = behind(timestamp &+ self.offset, last)
        if offset == nil || behind > ticks(Self.mostBehind) {
            self.offset = last &+ UInt32(ticks(Self.frameGap)) &- timestamp
        } else if behind >= 0 {
            catchUp = CatchUp()
        }
    }

    /// Whether frames still go out under other timestamps than their own.
    public var isCatchingUp: Bool { catchUp != nil && catchUp?.landing == nil }

    // MARK: - Mapping

    /// The timestamp under which a packet goes out.
    public mutating func map(_ timestamp: UInt32) -> UInt32 {
        let outgoing = catchUp == nil ? timestamp &+ offset : mapCatchingUp(timestamp)
        if Int32(bitPattern: outgoing &- (last ?? outgoing)) >= 0 { last = outgoing }
        return outgoing
    }

    private mutating func mapCatchingUp(_ timestamp: UInt32) -> UInt32 {
        let own = timestamp &+ offset
        if let landing = catchUp?.landing, behind(landing, timestamp) >= 0 {
            if behind(landing, timestamp) > ticks(Self.longestMemory) { catchUp = nil }
            return own
        }
        guard var state = catchUp, let last else { return own }
        if let known = state.outgoing(of: timestamp) { return known }
        let isLandingFrame = Int32(bitPattern: own &- last) > 0
        let outgoing = isLandingFrame ? own : last &+ step
        if isLandingFrame { state.landing = timestamp }
        state.add(timestamp, outgoing)
        catchUp = state
        return outgoing
    }

    // MARK: - Helpers

    private func ticks(_ duration: Duration) -> Int32 {
        Int32(clamping: duration.nanoseconds * Int64(clockRate) / 1_000_000_000)
    }

    /// How many ticks one timestamp lies before or at another; negative: it lies after.
    private func behind(_ timestamp: UInt32, _ last: UInt32) -> Int32 { Int32(bitPattern: last &- timestamp) }
}

extension TimestampAlignment.CatchUp {
    /// Of this frame, or, for one that comes after newer ones, of the next older one.
    fileprivate func outgoing(of timestamp: UInt32) -> UInt32? {
        guard count > 0 else { return nil }
        var nearest: (distance: UInt32, outgoing: UInt32)?
        var isNewest = true
        for slot in 0..<min(count, 16) {
            let distance = timestamp &- frames[slot].incoming
            guard Int32(bitPattern: distance) >= 0 else {
                isNewest = false
                continue
            }
            if distance == 0 { return frames[slot].outgoing }
            if distance < nearest?.distance ?? .max { nearest = (distance, frames[slot].outgoing) }
        }
        // Older than all that is remembered: with the oldest of them.
        if let nearest { return isNewest ? nil : nearest.outgoing }
        return frames[count < 16 ? 0 : count % 16].outgoing
    }

    fileprivate mutating func add(_ incoming: UInt32, _ outgoing: UInt32) {
        frames[count % 16] = (incoming, outgoing)
        count += 1
    }
}

extension TimestampLine {
    /// What has to be added to timestamps of this line to bring them onto another one.
    func offset(to other: TimestampLine) -> UInt32 {
        other.timestamp(atUnixNanoseconds: unixNanoseconds) &- timestamp
    }
}
