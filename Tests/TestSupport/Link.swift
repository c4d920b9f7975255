import Base

/// One direction of a network that loses, doubles, reorders and delays datagrams, the same way for the same seed.
public struct Link: Sendable, CustomStringConvertible {
    /// Shares of datagrams, 0…1.
    public var loss: Double
    public var duplication: Double
    /// Of those that are held back for `delay` once more, so that later ones overtake them.
    public var reordering: Double
    public var delay: Duration
    /// On top of `delay`, evenly between nothing and this. It does not reorder.
    public var jitter: Duration
    /// Bits a second that the link carries; nil: any number.
    public var rate: Int?
    /// Bytes that may wait for their turn when the rate is limited; what comes beyond is lost.
    public var queue: Int
    public let seed: UInt64

    private var random: SeededGenerator
    private var flying: [(arrival: Instant, order: Int, datagram: [UInt8])] = []
    private var order = 0
    /// When all that waits will have left.
    private var isFreeAt = Instant(nanoseconds: .min)
    /// Of those that were not held back.
    private var lastArrival = Instant(nanoseconds: .min)
    public private(set) var sentCount = 0
    public private(set) var lostCount = 0

    public init(
        seed: UInt64, loss: Double = 0, duplication: Double = 0, reordering: Double = 0,
        delay: Duration = .milliseconds(5), jitter: Duration = .zero, rate: Int? = nil, queue: Int = 64_000
    ) {
        (self.loss, self.duplication, self.reordering) = (loss, duplication, reordering)
        (self.delay, self.jitter, self.rate, self.queue, self.seed) = (delay, jitter, rate, queue, seed)
        random = SeededGenerator(seed: seed)
    }

    public mutating func send(_ datagram: [UInt8], at now: Instant) {
        sentCount += 1
        if chance(loss) {
            lostCount += 1
            return
        }
        let copies = chance(duplication) ? 2 : 1
        for _ in 0..<copies {
            guard let departure = departure(of: datagram.count, at: now) else {
                lostCount += 1
                continue
            }
            flying.append((arrival(from: departure), order, datagram))
            order += 1
        }
    }

    /// When a datagram has left; nil: it finds the queue full.
    private mutating func departure(of size: Int, at now: Instant) -> Instant? {
        guard let rate else { return now }
        let wait = max(.zero, isFreeAt > now ? isFreeAt - now : .zero)
        guard wait.seconds * Double(rate) / 8 + Double(size) <= Double(queue) else { return nil }
        isFreeAt = now + wait + .nanoseconds(Int64(Double(size) * 8e9 / Double(rate)))
        return isFreeAt
    }

    private mutating func arrival(from departure: Instant) -> Instant {
        if chance(reordering) { return departure + delay * 2 }
        guard jitter > .zero else { return departure + delay }
        let extra = Duration.nanoseconds(Int64.random(in: 0...jitter.nanoseconds, using: &random))
        lastArrival = max(lastArrival, departure + delay + extra)
        return lastArrival
    }

    /// What has arrived by then, in order of arrival; each datagram once.
    public mutating func arrivals(until now: Instant) -> [[UInt8]] {
        let arrived = flying.filter { $0.arrival <= now }
        flying.removeAll { $0.arrival <= now }
        return arrived.sorted { ($0.arrival, $0.order) < ($1.arrival, $1.order) }.map(\.datagram)
    }

    public var isEmpty: Bool { flying.isEmpty }

    /// When the next datagram arrives; nil: none is under way.
    public var nextArrival: Instant? { flying.map(\.arrival).min() }

    /// For the comment of an expectation: with it a failure can be had again.
    public var description: String {
        "link(seed: \(seed), loss: \(loss), duplication: \(duplication), reordering: \(reordering), delay: \(delay), "
            + "jitter: \(jitter), rate: \(rate.map(String.init) ?? "any"))"
    }

    private mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }
}
