import Base
import LibAV
import RTP

/// Decides when the file begins and where each frame stands in it.
///
/// Frames wait until every picture has begun and until sender reports have said how sound and picture belong
/// together (or have had their time to). The first key frame, or the sound before it, is time zero.
struct RecordTimeline {
    /// Sender reports come with the first packets; a sender without them must not keep us waiting.
    static let patience = Duration.milliseconds(500)
    /// Sound from before the first picture belongs to it, as long as a recording waits for pictures at all: the source's
    /// picture may begin late, and a second of sound without it is worth more than none.
    static let lead = Record.patience + patience
    /// The last picture of a file stands as long as those before it did, but not longer than this: a slide show has one
    /// a second or two, and what comes slower is no motion anyway.
    static let longestPicture = Duration.seconds(2)

    struct Pending {
        var track: Int
        var unit: AccessUnit
    }

    private struct Last {
        var time: Duration
        var step: Duration
    }

    private(set) var pending: [Pending] = []
    private(set) var pendingBytes = 0
    /// When the first frame came that the file can begin with.
    private(set) var ripeSince: Instant?
    private var zero: Instant?
    private var last: [Int: Last] = [:]
    /// The end of the latest frame in the file.
    private(set) var end = Duration.zero

    var hasBegun: Bool { zero != nil }

    mutating func hold(_ unit: AccessUnit, track: Int) {
        pending.append(Pending(track: track, unit: unit))
        pendingBytes += unit.bytes.count
    }

    /// Everything that waits, once the file has begun.
    mutating func takePending() -> [Pending] {
        defer { (pending, pendingBytes) = ([], 0) }
        return pending
    }

    mutating func noteRipe(at now: Instant) { ripeSince = ripeSince ?? now }

    /// Sets time zero and hands out what the file begins with, in the order of time.
    /// - Parameter time: where a frame stands on the receiver's clock.
    mutating func begin(isVideo: (Int) -> Bool, time: (Pending) -> Instant?) -> [Pending] {
        let timed = pending.compactMap { frame in time(frame).map { (frame, $0) } }
        (pending, pendingBytes) = ([], 0)
        let firstPicture = timed.filter { isVideo($0.0.track) }.map(\.1).min()
        let earliest = firstPicture.map { $0 - Self.lead }
        let kept = timed.filter { frame in earliest.map { frame.1 >= $0 } ?? true }
        guard let zero = kept.map(\.1).min() else { return [] }
        self.zero = zero
        return kept.enumerated().sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }.map(\.element.0)
    }

    /// A frame for the file; nil for one from before time zero.
    mutating func place(_ frame: Pending, at time: Instant, isVideo: Bool) -> FileFrame? {
        guard let zero else { return nil }
        var position = time - zero
        // Sound from before the beginning; half a frame is rounding.
        if position < .milliseconds(-10) { return nil }
        position = max(position, .zero)
        let before = last[frame.track]
        // Reports may move a stream back; in the file, time only rises.
        if let before { position = max(position, before.time + .milliseconds(1)) }
        let step = before.map { position - $0.time } ?? .milliseconds(33)
        // Of the last two steps the shorter one: a pause or a loss says nothing about what follows.
        let usual = min(step, before?.step ?? step, Self.longestPicture)
        let duration = isVideo ? usual : OpusPacket.duration(of: frame.unit.bytes)
        last[frame.track] = Last(time: position, step: step)
        end = max(end, position + duration)
        return FileFrame(
            track: frame.track, bytes: frame.unit.bytes, time: position, duration: duration,
            isKey: frame.unit.isKeyFrame)
    }
}

enum OpusPacket {
    /// How long a packet sounds (RFC 6716 §3.1 and §3.2): frame length by configuration, times the frame count.
    static func duration(of packet: [UInt8]) -> Duration {
        guard let head = packet.first else { return .zero }
        let configuration = Int(head >> 3)
        let microseconds =
            switch configuration {
            case 0..<12: [10_000, 20_000, 40_000, 60_000][configuration % 4]
            case 12..<16: [10_000, 20_000][configuration % 2]
            default: [2_500, 5_000, 10_000, 20_000][configuration % 4]
            }
        let frames =
            switch head & 3 {
            case 0: 1
            case 1, 2: 2
            default: packet.count > 1 ? Int(packet[1] & 0x3F) : 0
            }
        // 120 ms is the longest packet there is.
        return .microseconds(min(120_000, microseconds * frames))
    }
}
