import Base

extension MediaEngine {
    /// The driver could not send packets of an outgoing stream. `owner` is what the run said; the stream may be gone.
    public mutating func sendFailed(_ owner: SlabIndex, count: Int, now: Instant) {
        guard senders.contains(owner) else { return }
        senders[owner].failures.add(count)
    }

    /// Part of a transport's RTCP timer.
    mutating func judgeFailures(of transport: SlabIndex, into out: inout Outbox) {
        for consumer in transports[transport].consumers {
            for sender in consumers[consumer].senders where senders[sender].failures.isOpen {
                let packets = senders[sender].forwarder.packetCount
                guard senders[sender].failures.judge(packets: packets) else { continue }
                out.report(.consumerScore(consumers[consumer].id, score(of: consumer)))
            }
        }
    }
}
