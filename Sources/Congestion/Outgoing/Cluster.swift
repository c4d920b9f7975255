/// Packets that left faster than the path may carry them, and knowingly so: a probe, or what a consumer starts with.
///
/// The queue that they make is no over-use, so the delay's trend leaves them out. How fast they came through is a
/// measurement of the path (libwebrtc's ProbeBitrateEstimator, whose shares these are). Times in ns.
struct Cluster: Sendable {
    /// Fewer that came say nothing.
    static let leastReceived = 0.8
    static let leastPackets = 5
    /// Over less time than this arrivals are no rate.
    static let leastSpan: Int64 = 5_000_000
    /// Longer than this it was no burst, or nothing of it is heard any more.
    static let timeout: Int64 = 3_000_000_000
    /// The path was full when less than this share of the sending rate came through; then 95 % of that are taken.
    static let fullShare = 0.9
    static let utilization = 0.95

    /// 1…65,535: packets name it.
    let id: UInt16
    let began: Int64
    var isProbe: Bool
    /// Packets are added.
    var isOpen = true
    private(set) var lastIndex: Int64 = -1
    private(set) var padding = 0
    private(set) var paddingReceived = 0

    private var sent = Span()
    private var received = Span()
    /// When what came first had left: those that left with it say nothing of the rate.
    private var firstSent: Int64?

    private struct Span {
        var packets = 0
        var bytes = 0
        var first: Int64 = 0
        var last: Int64 = 0
        /// At the first time, or the last.
        var edgeBytes = 0
    }

    init(id: UInt16, began: Int64, isProbe: Bool) {
        (self.id, self.began, self.isProbe) = (id, began, isProbe)
    }

    mutating func send(_ size: Int, index: Int64, isPadding: Bool, now: Int64) {
        if sent.packets == 0 { sent.first = now }
        if now > sent.last { (sent.last, sent.edgeBytes) = (now, 0) }
        sent.edgeBytes += size
        sent.bytes += size
        sent.packets += 1
        lastIndex = index
        if isPadding { padding += 1 }
    }

    mutating func receive(_ packet: SentPackets.Packet, arrived: Int64) {
        let left = firstSent ?? packet.sent
        firstSent = left
        received.packets += 1
        received.bytes += Int(packet.size)
        if packet.sent <= left {
            received.first = max(received.first, arrived)
            received.edgeBytes += Int(packet.size)
        }
        received.last = max(received.last, arrived)
        if packet.isPadding { paddingReceived += 1 }
    }

    /// Bits per second; nil: it says nothing.
    var bitrate: Double? {
        guard received.packets >= Self.leastPackets,
            Double(received.packets) >= Self.leastReceived * Double(sent.packets)
        else { return nil }
        // Of what left at once alone there is no telling how fast it came.
        guard received.bytes > received.edgeBytes else { return nil }
        let (leaving, coming) = (sent.last - sent.first, received.last - received.first)
        guard leaving >= Self.leastSpan, max(leaving, coming) < Self.timeout else { return nil }
        let sending = Double(sent.bytes - sent.edgeBytes) * 8e9 / Double(leaving)
        // What came all at once came at least as fast as it left.
        guard coming >= Self.leastSpan else { return sending }
        let receiving = Double(received.bytes - received.edgeBytes) * 8e9 / Double(coming)
        return receiving < Self.fullShare * sending ? Self.utilization * receiving : min(sending, receiving)
    }
}
