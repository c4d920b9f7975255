import Base
import RTCP

/// Which packets of a stream that comes in are missing, and when each is asked for (again): mediasoup's rules, on
/// extended indexes.
///
///     arrived   10 11 · · 14        12 and 13 are missing from now on
///     asked           12 13         when a packet comes or the timer fires, 10 ms after the hole showed
///     again           12 13         each round trip, at most 10 times in all
///
/// A packet that fills a hole nobody has asked for yet was only late. As long as nothing is missing, nothing is
/// stored or allocated.
public struct NACKGenerator: Sendable {
    /// Indexes further back are given up; mediasoup's MaxPacketAge.
    public static let maximumAge: Int64 = 10_000
    /// Holes that are followed at once; mediasoup's MaxNackPackets.
    public static let maximumMissing = 1000
    /// Requests for one packet.
    public static let maximumRequests: UInt8 = 10
    /// As long as nothing is known of the round trip.
    public static let defaultRoundTrip = Duration.milliseconds(100)
    /// How often holes are looked at while there are some and no packet comes.
    public static let timerInterval = Duration.milliseconds(40)
    /// A hole is not asked for before this: most are packets that others overtook.
    public static let delay = Duration.milliseconds(10)

    /// What a packet meant.
    public struct Arrival: Sendable, Hashable {
        /// It had been asked for, and had not come since.
        public internal(set) var isRecovered = false
        /// More is missing than is worth asking for: only a key frame helps.
        public internal(set) var wantsKeyFrame = false
    }

    /// Why holes are looked at.
    public enum Trigger: Sendable {
        /// A packet came: the first requests.
        case packet
        /// The timer: those whose answer is overdue, too.
        case timer
    }

    private struct Missing: Sendable {
        var index: Int64
        /// Of the last request; before the first, when the hole showed.
        var moment: Instant
        var requests: UInt8
    }

    /// Ascending by index: holes show at the end.
    private var missing: [Missing] = []
    private var highest: Int64?
    /// The newest key frames' first packets, a ring: behind one of them a list that overflows is cut.
    private var keyFrames = InlineArray<16, Int64>(repeating: .min)
    private var nextKeyFrame = 0
    /// How far `takeRequest` has come, and for what reason it looks.
    private var sweep: Sweep?
    /// When the oldest hole showed that nobody has asked for; nil: there is none. It may have been filled since.
    private var oldestUnasked: Instant?
    private let reach: Int64

    private struct Sweep: Sendable {
        var position: Int
        let trigger: Trigger
        let now: Instant
    }

    /// Nil: not known yet.
    public var roundTrip: Duration?
    /// When the timer fires; nil: nothing is missing.
    public private(set) var nextDeadline: Instant?

    /// - Parameter reach: Indexes further back can't be used even if they come; at most `maximumAge`.
    public init(reach: Int64 = maximumAge) { self.reach = min(reach, Self.maximumAge) }

    public var missingCount: Int { missing.count }

    /// Forgets everything: the stream is paused, or its sender began anew.
    public mutating func reset() {
        missing.removeAll(keepingCapacity: false)
        highest = nil
        keyFrames = InlineArray(repeating: .min)
        nextDeadline = nil
        oldestUnasked = nil
        sweep = nil
    }

    /// A packet of the stream came, by itself or out of a retransmission.
    /// - Parameter isRetransmission: Came as RTX. Then it fills a hole or is of no use: one that nobody asked for,
    ///   or that runs ahead of the stream (probes repeat packets), changes nothing here.
    public mutating func receive(
        _ index: Int64, isKeyFrame: Bool, isRetransmission: Bool = false, now: Instant
    ) -> Arrival {
        guard let highest else {
            guard !isRetransmission else { return Arrival() }
            self.highest = index
            if isKeyFrame { remember(keyFrame: index) }
            return Arrival()
        }
        if index <= highest { return Arrival(isRecovered: fill(index, isRetransmission: isRetransmission)) }
        guard !isRetransmission else { return Arrival() }
        if isKeyFrame { remember(keyFrame: index) }
        self.highest = index
        dropOld(below: index - reach)
        guard index - highest > 1 else { return Arrival() }
        let wantsKeyFrame = !add(highest + 1..<index, now: now)
        if missing.isEmpty { nextDeadline = nil } else { nextDeadline = nextDeadline ?? now + Self.timerInterval }
        return Arrival(wantsKeyFrame: wantsKeyFrame)
    }

    // MARK: - Asking

    /// Whether there is something to ask for now that a packet has come: a glance, for each packet.
    public func isRequestDue(at now: Instant) -> Bool {
        guard let oldestUnasked else { return false }
        return now - oldestUnasked >= Self.delay
    }

    /// Begins to look for what is due. The timer is set anew.
    public mutating func beginRequests(_ trigger: Trigger, now: Instant) {
        sweep = Sweep(position: 0, trigger: trigger, now: now)
        if trigger == .timer { nextDeadline = now + Self.timerInterval }
    }

    /// The next packets to ask for, lowest first, and notes that they were; nil: that was all.
    public mutating func takeRequest() -> NACKItem? {
        guard var sweep else { return nil }
        var item: NACKItem?
        var first: Int64 = 0
        while sweep.position < missing.count {
            let index = missing[sweep.position].index
            if item != nil, index - first > 16 { break }
            if isDue(missing[sweep.position], sweep) {
                if item == nil {
                    first = index
                    item = NACKItem(packetID: UInt16(truncatingIfNeeded: index))
                } else {
                    item?.lossBitmap |= 1 << UInt16(index - first - 1)
                }
                missing[sweep.position].requests += 1
                missing[sweep.position].moment = sweep.now
            }
            sweep.position += 1
        }
        self.sweep = sweep
        if item == nil { endRequests() }
        return item
    }

    private func isDue(_ entry: Missing, _ sweep: Sweep) -> Bool {
        let waited = sweep.now - entry.moment
        if entry.requests == 0 { return waited >= Self.delay }
        return sweep.trigger == .timer && waited >= roundTrip ?? Self.defaultRoundTrip
    }

    /// Those that were asked for often enough are given up.
    private mutating func endRequests() {
        sweep = nil
        // Those that nobody has asked for stand at the end.
        oldestUnasked = nil
        for hole in missing.reversed() {
            guard hole.requests == 0 else { break }
            oldestUnasked = hole.moment
        }
        if missing.contains(where: { $0.requests >= Self.maximumRequests }) {
            missing.removeAll { $0.requests >= Self.maximumRequests }
        }
        if missing.isEmpty { nextDeadline = nil }
    }

    // MARK: - Holes

    /// Whether the hole at this index had been asked for. A retransmission that was not asked for leaves the hole
    /// open: it is not forwarded.
    private mutating func fill(_ index: Int64, isRetransmission: Bool) -> Bool {
        let place = firstPlace(from: index)
        guard place < missing.count, missing[place].index == index else { return false }
        if isRetransmission, missing[place].requests == 0 { return false }
        let wasRequested = missing.remove(at: place).requests > 0
        if missing.isEmpty { (nextDeadline, oldestUnasked) = (nil, nil) }
        return wasRequested
    }

    /// False: they are too many, and everything has been given up.
    private mutating func add(_ holes: Range<Int64>, now: Instant) -> Bool {
        let wanted = max(holes.lowerBound, holes.upperBound - reach)..<holes.upperBound
        while missing.count + wanted.count > Self.maximumMissing, cutBehindKeyFrame() {}
        guard missing.count + wanted.count <= Self.maximumMissing else {
            missing.removeAll(keepingCapacity: true)
            oldestUnasked = nil
            return false
        }
        oldestUnasked = oldestUnasked ?? now
        for index in wanted { missing.append(Missing(index: index, moment: now, requests: 0)) }
        return true
    }

    /// What came before the oldest key frame that something is missing before is not needed from there on.
    private mutating func cutBehindKeyFrame() -> Bool {
        guard let first = missing.first?.index else { return false }
        var oldest = Int64.max
        for slot in 0..<16 where keyFrames[slot] > first { oldest = min(oldest, keyFrames[slot]) }
        guard oldest < .max else { return false }
        missing.removeFirst(firstPlace(from: oldest))
        return true
    }

    private mutating func dropOld(below index: Int64) {
        guard let first = missing.first, first.index < index else { return }
        missing.removeFirst(firstPlace(from: index))
    }

    private mutating func remember(keyFrame index: Int64) {
        keyFrames[nextKeyFrame] = index
        nextKeyFrame = (nextKeyFrame + 1) % 16
    }

    /// The place of the first hole at this index or above.
    private func firstPlace(from index: Int64) -> Int {
        var (low, high) = (0, missing.count)
        while low < high {
            let middle = (low + high) / 2
            if missing[middle].index < index { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
