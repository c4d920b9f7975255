import SFU

/// The figures of one worker since it began, at one moment.
public struct WorkerMeasurements: Sendable, Hashable {
    /// Packets thrown away, for one reason.
    public struct Drop: Sendable, Hashable {
        /// In snake case: "foreign_source".
        public var reason: String
        public var count: UInt64
    }

    public var counters = MediaPlaneCounters()
    /// Received and not forwarded. Every reason is there; what a closed transport dropped stays in.
    public var receivedDrops: [Drop] = []
    /// Not taken by the kernel. Every reason is there.
    public var sentDrops: [Drop] = []
    /// Packets of producers that never came, by their sequence numbers.
    public var receivedLost: UInt64 = 0
    /// Packets of consumers that their receivers missed, as they report it.
    public var sentLost: UInt64 = 0
    /// UDP sockets of its transports now.
    public var sockets = 0
    /// TCP connections of WebRTC clients, and of who may be one.
    public var connections = 0
    /// Producers and data producers of other routers or workers that come over pipes within this process.
    public var pipedProducers = 0

    public init() {}

    init(
        counters: MediaPlaneCounters, totals: EngineTotals, strayDatagrams: UInt64, sockets: Int, connections: Int,
        pipedProducers: Int
    ) {
        self.counters = counters
        self.sockets = sockets
        self.connections = connections
        self.pipedProducers = pipedProducers
        receivedDrops =
            DropCounters.reasons.map { Drop(reason: $0.name, count: totals.drops[keyPath: $0.path]) }
            + [Drop(reason: "closed_transport", count: strayDatagrams)]
        sentDrops = [
            Drop(reason: "buffer_full", count: counters.overflowed),
            Drop(reason: "system_error", count: counters.failed),
        ]
        receivedLost = UInt64(max(0, totals.receivedLost))
        sentLost = UInt64(max(0, totals.sentLost))
    }
}
