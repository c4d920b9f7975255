import Base

/// One direction of a network that loses, doubles and reorders datagrams, the same way for the same seed.
public struct Link: Sendable {
    /// Shares of datagrams, 0…1.
    public var loss: Double
    public var duplication: Double
    /// Of those that are held back for `delay` once more, so that later ones overtake them.
    public var reordering: Double
    public var delay: Duration

    private var random: SeededGenerator
    private var flying: [(arrival: Instant, order: Int, datagram: [UInt8])] = []
    private var order = 0

    public init(
        seed: UInt64, loss: Double = 0, duplication: Double = 0, reordering: Double = 0,
        delay: Duration = .milliseconds(5)
    ) {
        (self.loss, self.duplication, self.reordering) = (loss, duplication, reordering)
        self.delay = delay
        random = SeededGenerator(seed: seed)
    }

    public mutating func send(_ datagram: [UInt8], at now: Instant) {
        if chance(loss) { return }
        let copies = chance(duplication) ? 2 : 1
        for _ in 0..<copies {
            let arrival = now + (chance(reordering) ? delay * 2 : delay)
            flying.append((arrival, order, datagram))
            order += 1
        }
    }

    /// What has arrived by then, in order of arrival; each datagram once.
    public mutating func arrivals(until now: Instant) -> [[UInt8]] {
        let arrived = flying.filter { $0.arrival <= now }
        flying.removeAll { $0.arrival <= now }
        return arrived.sorted { ($0.arrival, $0.order) < ($1.arrival, $1.order) }.map(\.datagram)
    }

    public var isEmpty: Bool { flying.isEmpty }

    private mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }
}
