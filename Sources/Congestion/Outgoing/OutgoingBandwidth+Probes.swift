import Base

// Padding and other bursts that the sender knows of.
extension OutgoingBandwidth {
    /// A packet of padding is at least so large, and at most.
    public static let smallestPadding = 200
    public static let largestPadding = 1200

    /// When padding may be due; nil: nobody wants more than there is, or the receiver was not heard yet.
    public var nextProbe: Instant? { prober?.nextStep.map { Instant(nanoseconds: $0) } }

    /// Padding that shall leave now, each packet numbered by `sendPadding`.
    /// - Parameter media: what is being sent, in bits per second: it counts where packets have no numbers.
    /// - Returns: bytes; 0: none, and fewer than `smallestPadding` wait for the next step.
    public mutating func advanceProbe(media: Int64, now: Instant) -> Int {
        guard let due = prober?.nextStep, due <= now.nanoseconds, prober?.giveUp(now: now.nanoseconds) == false else {
            return 0
        }
        if prober?.isSending == false, estimator?.beginProbe(now: now.nanoseconds) == false {
            prober?.postpone(now: now.nanoseconds)
            return 0
        }
        let (estimate, limit, counted) = (availableBitrate, bitrates.max, mechanism == .remb ? media : 0)
        guard
            let (step, bytes) = prober?.advance(
                estimate: estimate, limit: limit, media: counted, now: now.nanoseconds)
        else { return 0 }
        isProbing = prober?.isSending ?? false
        switch step {
        case .nothing, .end: estimator?.endProbe()
        case .begin, .go: break
        }
        return bytes
    }

    /// A packet of padding leaves now.
    /// - Returns: its number, as `send`.
    public mutating func sendPadding(_ size: Int, now: Instant) -> UInt16? {
        prober?.count(size)
        return estimator?.sendPadding(size, now: now)
    }

    /// A consumer that is behind is sent what it lacks, faster than it comes in. Say so before each piece of it.
    public mutating func sendsStart(now: Instant) {
        guard estimator?.sendsStart(now: now.nanoseconds) == true else { return }
        prober?.abandon(now: now.nanoseconds)
        isProbing = false
    }

    mutating func reviewProbes(previous: Int64, now: Instant) {
        guard prober != nil, wasHeard else { return }
        prober?.changed(by: Double(availableBitrate) / Double(max(1, previous)), now: now.nanoseconds)
        let isWanted =
            bitrates.effectiveDesired > availableBitrate && availableBitrate < bitrates.max
            && Double(availableBitrate) < Prober.highestRate
        prober?.review(isWanted: isWanted, now: now.nanoseconds)
    }
}
