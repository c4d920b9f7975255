import Base

/// Sums over everything that lives and everything that has closed.
public struct EngineTotals: Sendable, Hashable {
    public var drops = DropCounters()
    /// Of producers' streams, by their sequence numbers. A late packet takes one off again.
    public var receivedLost: Int64 = 0
    /// Of consumers' streams, as receiver reports tell. Receivers may take some off again.
    public var sentLost: Int64 = 0

    public init() {}
}

extension MediaEngine {
    /// Walks all objects: for somebody who asks once a second at most.
    public var totals: EngineTotals {
        var totals = closedTotals
        for slot in 0..<transports.slotCount {
            if let index = transports.index(ofSlot: slot) { totals.drops += transports[index].drops }
        }
        for slot in 0..<streams.slotCount {
            if let index = streams.index(ofSlot: slot) { totals.receivedLost += streams[index].packetsLost }
        }
        for slot in 0..<senders.slotCount {
            if let index = senders.index(ofSlot: slot) {
                totals.sentLost += max(0, senders[index].reports.packetsLost)
            }
        }
        return totals
    }
}
