import Base

/// Puts the packets of one stream in order, and waits a bounded time for those that are missing.
///
///     buffer.receive(packet, header, at: now, into: &out)   // when a packet comes
///     buffer.advance(to: now, into: &out)                   // when `nextDeadline` has passed
///
/// A packet in order goes straight through. Behind a hole packets wait until the hole is filled, until the delay
/// is over (counted from the first packet behind the hole), or until a bound is reached; then the hole is given up
/// and told as `.gap`. Duplicates and packets that come after their hole was given up are dropped and counted.
public struct JitterBuffer: Sendable {
    public struct Configuration: Sendable, Hashable {
        /// 200 ms: two retransmissions at a round trip of 100 ms, which is what mediasoup assumes before it knows.
        public var delay: Duration = .milliseconds(200)
        /// 2,048 packets: 200 ms of 100 Mbit/s.
        public var maximumPackets = 2_048
        public var maximumBytes = 4 << 20

        public init() {}
    }

    public struct Packet: Sendable, Hashable {
        /// The extended sequence number.
        public var index: Int64
        public var header: RTPHeader
        public var bytes: [UInt8]
        public var arrival: Instant
    }

    public enum Output: Sendable, Hashable {
        case packet(Packet)
        /// These were given up; the next packet is behind them.
        case gap(first: Int64, count: Int64)
    }

    public struct Statistics: Sendable, Hashable {
        public var duplicates = 0
        /// Came after they had been given up, or from before the first packet.
        public var late = 0
        /// Numbers that were given up.
        public var missing: Int64 = 0
        /// Too far from the stream to belong to it.
        public var strangers = 0

        public init() {}
    }

    public let configuration: Configuration
    public private(set) var statistics = Statistics()
    private var validator = SequenceValidator()
    /// The index that goes out next; nil before the first packet.
    private var next: Int64?
    /// Packets behind a hole, by rising index.
    private var waiting: [Packet] = []
    private var waitingBytes = 0

    public init(configuration: Configuration = Configuration()) { self.configuration = configuration }

    /// When the oldest hole is given up; nil while nothing waits.
    public var nextDeadline: Instant? {
        waiting.lazy.map(\.arrival).min().map { $0 + configuration.delay }
    }

    /// Takes in a packet of the stream. `header` is the parsed head of `bytes`.
    public mutating func receive(
        _ bytes: [UInt8], _ header: RTPHeader, at now: Instant, into out: inout [Output]
    ) {
        guard let index = validator.receive(header.sequenceNumber).index else {
            statistics.strangers += 1
            return
        }
        let packet = Packet(index: index, header: header, bytes: bytes, arrival: now)
        let expected = next ?? index
        if index < expected {
            // Those that went out long ago can't be told from those that were given up: both count as late.
            statistics.late += 1
            return
        }
        if index == expected {
            out.append(.packet(packet))
            next = index + 1
            release(into: &out)
            return
        }
        guard hold(packet) else {
            statistics.duplicates += 1
            return
        }
        while waiting.count > configuration.maximumPackets || waitingBytes > configuration.maximumBytes {
            skipHole(into: &out)
        }
    }

    /// Gives up the holes whose time is over.
    public mutating func advance(to now: Instant, into out: inout [Output]) {
        while let deadline = nextDeadline, deadline <= now { skipHole(into: &out) }
    }

    /// The stream is over: everything that waits goes out.
    public mutating func flush(into out: inout [Output]) {
        while !waiting.isEmpty { skipHole(into: &out) }
    }

    /// Keeps `waiting` sorted; false for a duplicate. Searches from the end, where nearly all packets belong.
    private mutating func hold(_ packet: Packet) -> Bool {
        var position = waiting.count
        while position > 0, waiting[position - 1].index >= packet.index {
            position -= 1
            if waiting[position].index == packet.index { return false }
        }
        waiting.insert(packet, at: position)
        waitingBytes += packet.bytes.count
        return true
    }

    /// Reports the hole in front of the first waiting packet, and lets go what follows without another hole.
    private mutating func skipHole(into out: inout [Output]) {
        guard let first = waiting.first, let expected = next else { return }
        if first.index > expected {
            statistics.missing += first.index - expected
            out.append(.gap(first: expected, count: first.index - expected))
        }
        next = first.index
        release(into: &out)
    }

    private mutating func release(into out: inout [Output]) {
        guard var expected = next else { return }
        var count = 0
        while count < waiting.count, waiting[count].index == expected {
            waitingBytes -= waiting[count].bytes.count
            out.append(.packet(waiting[count]))
            expected += 1
            count += 1
        }
        waiting.removeFirst(count)
        next = expected
    }
}
