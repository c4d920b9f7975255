import Base

/// When padding is sent to find out whether the path carries more than is being sent, and how much of it.
///
/// Where the receiver reports arrivals: clusters of some 50 ms at twice the estimate, one after another while they come
/// through, then one in 5 s (libwebrtc's ProbeController in application-limited phases). Where the receiver estimates,
/// nothing short would move it: the rate that it told is filled up for a second, again while it rises, then after 5 s.
/// Nothing is sent before the receiver was heard, nor when nobody wants more. Bits per second, nanoseconds.
struct Prober: Sendable {
    enum Form: Sendable { case cluster, fill }

    /// Between two steps of a cluster: the timers of an engine are no finer.
    static let step: Int64 = 10_000_000
    static let clusterLength: Int64 = 50_000_000
    static let fillLength: Int64 = 1_000_000_000
    /// A cluster has at least this many bytes: five packets that are worth measuring.
    static let leastBytes = 4000.0
    static let pause: Int64 = 5_000_000_000
    /// After a fall to less than `largeFall` (libwebrtc: 0.66): of a sender of little the throughput says nothing, so the
    /// cut went too far, and is looked at soon.
    static let recovery: Int64 = 1_000_000_000
    static let fall = 0.97
    static let largeFall = 0.66
    static let factor = 2.0
    /// 10 Mbit/s, twice what libwebrtc probes at most: a receiver that lies, or a producer that promises too much, costs no
    /// more than 62 KB a cluster.
    static let highestRate = 10_000_000.0
    /// Of a cluster's rate: when so much came through the next one follows at once (libwebrtc: 0.7).
    static let goesOn = 0.7
    /// So much a filled rate must rise to be filled again at once.
    static let rise = 1.02
    /// Clusters of which no padding was reported before the receiver is taken for one that knows no padding.
    static let patience = 3

    private enum State {
        case idle
        case sending(rate: Double, began: Int64, until: Int64)
        case measured(rate: Double)
    }

    private let form: Form
    private var state = State.idle
    private var earliest: Int64 = 0
    private var isWanted = false
    /// Of everything since the cluster began.
    private var sentBytes = 0
    private var unanswered = 0
    /// Its padding has been reported.
    private(set) var isAnswered = false
    private(set) var nextStep: Int64?

    init(_ form: Form) { self.form = form }

    var isSending: Bool { if case .sending = state { true } else { false } }

    /// Whether more is wanted than there is. Say so whenever either has changed, after something was heard.
    mutating func review(isWanted: Bool, now: Int64) {
        self.isWanted = isWanted && unanswered < Self.patience
        guard case .idle = state else { return }
        nextStep = self.isWanted ? max(earliest, now) : nil
    }

    /// The estimate has become this share of what it was. When it fell the path is left alone for a while.
    mutating func changed(by share: Double, now: Int64) {
        guard share < Self.fall else { return }
        earliest = share < Self.largeFall ? now + Self.recovery : max(earliest, now + Self.pause)
    }

    @inline(__always)
    mutating func count(_ size: Int) { sentBytes += size }

    /// Something else is being measured.
    mutating func postpone(now: Int64) { nextStep = now + 10 * Self.step }

    enum Step { case nothing, begin, go, end }

    /// A step that is due.
    /// - Parameters:
    ///   - estimate, limit: What is available, and the most that it may become.
    ///   - media: What is sent beside the padding, where that is not counted packet by packet.
    /// - Returns: How many bytes of padding shall leave now.
    mutating func advance(estimate: Int64, limit: Int64, media: Int64, now: Int64) -> (step: Step, bytes: Int) {
        guard let due = nextStep, due <= now else { return (.nothing, 0) }
        switch state {
        case .measured: return (.nothing, 0)
        case .idle:
            guard isWanted else {
                nextStep = nil
                return (.nothing, 0)
            }
            let rate = min(
                Self.highestRate,
                form == .fill ? Double(estimate) : min(Self.factor * Double(estimate), Double(limit)))
            let length =
                form == .fill
                ? Self.fillLength : max(Self.clusterLength, Int64(Self.leastBytes * 8e9 / max(rate, 1)))
            state = .sending(rate: rate, began: now, until: now + length)
            sentBytes = 0
            return (.begin, bytes(rate: rate, began: now, media: media, now: now))
        case .sending(let rate, let began, let until):
            guard now < until, isWanted else {
                state = .measured(rate: rate)
                // Of one that was lost as a whole nothing is heard, if nothing else is being sent.
                nextStep = now + Cluster.timeout
                if form == .fill { finish(hasRisen: Double(estimate) >= Self.rise * rate, now: now) }
                return (.end, 0)
            }
            return (.go, bytes(rate: rate, began: began, media: media, now: now))
        }
    }

    private mutating func bytes(rate: Double, began: Int64, media: Int64, now: Int64) -> Int {
        nextStep = now + Self.step
        let elapsed = Double(now - began + Self.step) / 8e9
        let wanted = max(0, rate - Double(media)) * elapsed
        // A late step does not make a burst of it.
        return min(Int(wanted) - sentBytes, Int(rate * Double(2 * Self.step) / 8e9) + 200)
    }

    /// A cluster is waited for in vain.
    /// - Returns: Whether there was one.
    mutating func giveUp(now: Int64) -> Bool {
        guard case .measured = state else { return false }
        finish(hasRisen: false, now: now)
        return true
    }

    /// A cluster was given up: something else leaves in a burst.
    mutating func abandon(now: Int64) {
        if case .idle = state { return }
        finish(hasRisen: false, now: now)
    }

    /// What a cluster measured; nil: nothing that counts.
    mutating func measured(_ bitrate: Double?, wasAnswered: Bool, now: Int64) {
        guard case .measured(let rate) = state else { return }
        if wasAnswered {
            (isAnswered, unanswered) = (true, 0)
        } else if !isAnswered {
            unanswered += 1
        }
        finish(hasRisen: (bitrate ?? 0) >= Self.goesOn * rate, now: now)
    }

    private mutating func finish(hasRisen: Bool, now: Int64) {
        state = .idle
        earliest = max(earliest, hasRisen ? now : now + Self.pause)
        review(isWanted: isWanted, now: now)
    }
}
