import Base
import LibAV
import PipelineControl

/// One coded frame as RTP packets, ready to go out.
struct SendItem: Sendable {
    /// Position among the tracks of the source.
    var track: Int
    /// Media time since the start.
    var time: Duration
    var packets: RTPPackets
}

/// How a track looks on the wire.
struct WireTrack: Sendable {
    /// Position among the tracks of the source.
    var track: Int
    var ssrc: UInt32
    var payloadType: UInt8
    /// The RTP timestamp of media time zero.
    var timestampBase: UInt32
    var firstSequence: UInt16
}

/// What the two threads of an ingest hand each other: the feeding one reads, decodes and encodes ahead,
/// the main one paces and sends.
final class IngestExchange: Sendable {
    struct Limits: Sendable {
        /// How far ahead every track is prepared. Covers slow reads and the start of the next round of a loop;
        /// more would delay answers to key frame requests.
        var lookahead = Duration.milliseconds(500)
        /// How far ahead one track may run when another one lags behind in the file; the one behind may always come.
        var farthest = Duration.seconds(5)
        var bytes = 64 << 20
        /// Media comes when it comes: what is ahead of time is kept rather than held up.
        var isLive = false
        /// A source that brings media faster than it can be played is no live one: it waits from here on.
        var farthestLive = Duration.seconds(10)
        /// A live track that begins later than this behind the first one is not waited for.
        var livePriming = Duration.milliseconds(150)
    }

    enum News: Sendable {
        case opened(OpenedSource)
        /// As much as may be is prepared.
        case primed
        /// The source brings nothing; the next try comes then.
        case interrupted(SourceInterruption, retry: Instant?)
        /// Media comes again.
        case resumed
        /// The source is closed; the feeding thread ends.
        case closed
        case failed(PipelineFailure)
    }

    /// When a frame of a live source came.
    struct Arrival: Sendable {
        var track: Int
        var time: Duration
        var arrival: Instant

        func isFresher(than other: Arrival?) -> Bool {
            guard let other else { return true }
            return time - other.time >= arrival - other.arrival
        }
    }

    private struct State {
        var queues: [Fifo<SendItem>] = []
        /// Media time up to which each track was pushed.
        var prepared: [Duration] = []
        var bytes = 0
        var position = Duration.zero
        var news: [News] = []
        var isPrimed = false
        var wire: [WireTrack]?
        /// Media time at which the last track ends.
        var end: Duration?
        var isStopped = false
        var wantsNudge = true
        var keyFrameRequests: Set<Int> = []
        var clock: PacingClock?
        /// Of a live source, since they were looked at last.
        var arrivals: [Arrival] = []
        var firstArrival: Instant?
        /// By track, the frame that came soonest for its time.
        var freshest: [Int: Arrival] = [:]
    }

    /// What is due, and when the next will be.
    struct Batch: Sendable {
        var items: [SendItem] = []
        var next: Duration?
        /// Set when nothing will follow what is queued.
        var end: Duration?
    }

    private let state = Monitor(State())
    private let waiter: Waiter
    private let limits: Limits
    /// Stops libav where it waits for a network.
    let interrupt = InputInterrupt()

    init(waiter: Waiter, limits: Limits) {
        self.waiter = waiter
        self.limits = limits
    }

    // MARK: The feeding thread

    func tell(_ news: News) {
        state.update { $0.news.append(news) }
        waiter.nudge()
    }

    /// Waits for the plan; nil when the ingest was stopped before it came.
    func awaitWire(tracks: Int) -> [WireTrack]? {
        state.wait { state -> [WireTrack]?? in
            if state.isStopped { return .some(nil) }
            guard let wire = state.wire else { return nil }
            state.queues = Array(repeating: Fifo(), count: tracks)
            state.prepared = Array(repeating: .zero, count: tracks)
            // A track that is not sent never holds the others back.
            for track in 0..<tracks where !wire.contains(where: { $0.track == track }) {
                state.prepared[track] = .seconds(Int64(Int32.max))
            }
            return wire
        }
    }

    /// The plan, as soon as it is there, without waiting.
    func wireIfKnown(tracks: Int) -> [WireTrack]? {
        state.update { $0.isStopped || $0.wire == nil } ? nil : awaitWire(tracks: tracks)
    }

    /// Queues a frame, waiting while enough is prepared. False: stop, nobody wants more.
    func push(_ item: SendItem, until preparedTime: Duration) -> Bool {
        if limits.isLive { return pushLive(item, until: preparedTime) }
        let limits = limits
        return state.wait { state -> Bool? in
            if state.isStopped { return false }
            let nearest = state.prepared.min() ?? .zero
            // Only the track that is far ahead waits. Were another one held up by it, that one would come late, sending
            // would move back by that, the first one would be as far ahead as before, and so on.
            let isFar = state.prepared[item.track] > state.position + limits.farthest
            if nearest > state.position + limits.lookahead || isFar || state.bytes > limits.bytes {
                self.prime(&state)
                return nil
            }
            state.bytes += item.packets.bytes.count
            state.prepared[item.track] = max(state.prepared[item.track], preparedTime)
            state.queues[item.track].append(item)
            if state.wantsNudge {
                state.wantsNudge = false
                self.waiter.nudge()
            }
            return true
        }
    }

    /// Whether the track is so far ahead that its next frame would wait.
    func isFarAhead(track: Int) -> Bool {
        state.update { state in
            // One that is not sent waits for nothing.
            guard state.prepared[track] < .seconds(Int64(Int32.max)) else { return false }
            let isFar = state.prepared[track] > state.position + limits.farthest
            if isFar { prime(&state) }
            return isFar
        }
    }

    private func pushLive(_ item: SendItem, until preparedTime: Duration) -> Bool {
        let limits = limits
        let arrival = Arrival(track: item.track, time: item.time, arrival: MonotonicClock.now)
        return state.wait { state -> Bool? in
            if state.isStopped { return false }
            let isFar = state.isPrimed && item.time > state.position + limits.farthestLive && state.clock != nil
            if isFar || state.bytes > limits.bytes { return nil }
            state.bytes += item.packets.bytes.count
            state.prepared[item.track] = max(state.prepared[item.track], preparedTime)
            state.queues[item.track].append(item)
            state.arrivals.append(arrival)
            if arrival.isFresher(than: state.freshest[item.track]) { state.freshest[item.track] = arrival }
            let first = state.firstArrival ?? arrival.arrival
            state.firstArrival = first
            if !state.prepared.contains(.zero) || arrival.arrival - first >= limits.livePriming { prime(&state) }
            if state.wantsNudge {
                state.wantsNudge = false
                self.waiter.nudge()
            }
            return true
        }
    }

    /// The media time that is due at an instant; nil before the clock runs.
    func position(at now: Instant) -> Duration? { state.update { $0.clock?.position(at: now) } }

    /// Waits. False: stop.
    func pause(until deadline: Instant) -> Bool {
        state.wait(until: deadline) { $0.isStopped ? false : nil } ?? true
    }

    /// Nothing more will come.
    func end(at time: Duration) {
        state.update { state in
            state.end = time
            prime(&state)
        }
        waiter.nudge()
    }

    private func prime(_ state: inout State) {
        if state.isPrimed { return }
        state.isPrimed = true
        state.news.append(.primed)
        waiter.nudge()
    }

    /// Whether a key frame was asked for since the last call.
    func takeKeyFrameRequest(track: Int) -> Bool { state.update { $0.keyFrameRequests.remove(track) != nil } }

    var isStopped: Bool { state.update { $0.isStopped } }

    // MARK: The main thread

    func takeNews() -> [News] {
        state.update { state in
            defer { state.news = [] }
            return state.news
        }
    }

    func start(_ wire: [WireTrack]) { state.update { $0.wire = wire } }

    /// The clock that media goes by.
    func note(_ clock: PacingClock) { state.update { $0.clock = clock } }

    /// Where a live source stands: the time that the freshest frame would have now, of the track that comes latest.
    /// Nil when nothing has come.
    func livePosition(at now: Instant) -> Duration? {
        state.update { state in state.freshest.values.map { $0.time + (now - $0.arrival) }.min() }
    }

    /// Arrivals of a live source since the last call.
    func takeArrivals() -> [Arrival] {
        state.update { state in
            defer { state.arrivals = [] }
            return state.arrivals
        }
    }

    /// Everything with a time up to `time`, in the order of time, but not much more than so many packets at once.
    func take(upTo time: Duration, packets limit: Int = .max) -> Batch {
        state.update { state in
            state.position = max(state.position, time)
            var batch = Batch(end: state.end)
            var packets = 0
            while true {
                let heads = state.queues.compactMap(\.first)
                guard let head = heads.min(by: { $0.time < $1.time }) else { break }
                batch.next = head.time
                guard head.time <= time, packets < limit else { break }
                packets += head.packets.sizes.count
                state.queues[head.track].removeFirst()
                state.bytes -= head.packets.bytes.count
                batch.items.append(head)
                batch.next = nil
            }
            state.wantsNudge = batch.next == nil
            return batch
        }
    }

    func requestKeyFrame(track: Int) { state.update { _ = $0.keyFrameRequests.insert(track) } }

    func stop() {
        state.update { $0.isStopped = true }
        interrupt.stop()
    }
}

/// First in, first out, without moving the rest at each removal.
struct Fifo<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }
    var first: Element? { head < elements.count ? elements[head] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    @discardableResult
    mutating func removeFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            elements[head] = nil
            head += 1
            if head > 64, head * 2 > elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }
}

extension Fifo: Sendable where Element: Sendable {}
