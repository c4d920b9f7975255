import Base

/// When a producer's packets have to leave: at once, after the coalescing window, or at a pace for those who catch up.
struct ReleaseSchedule: Sendable {
    /// Gaps above are pauses, they say nothing about the rate.
    private static let longestGap: Int64 = 100_000_000

    /// Of live packets that came since the last flush; nil: none.
    private(set) var live: Instant?
    /// Of consumers that are behind, or have something else to be sent; nil: none.
    private(set) var catchUp: Instant?
    /// Whether the producer stands in the engine's list.
    var isListed = false
    private var pending = 0
    private var lastArrival: Instant?
    /// Between packets, in nanoseconds; mean of weight 1/16.
    private var meanGap = longestGap

    var due: Instant? {
        switch (live, catchUp) {
        case (let live?, let catchUp?): min(live, catchUp)
        default: live ?? catchUp
        }
    }

    mutating func packetArrived(
        isLastOfFrame: Bool, isWindowOpen: Bool, _ coalescing: SFUConfiguration.Coalescing, now: Instant
    ) {
        if let lastArrival {
            let gap = min(max(0, (now - lastArrival).nanoseconds), Self.longestGap)
            meanGap += (gap - meanGap) / 16
        }
        lastArrival = now
        pending += 1
        if live == nil {
            // Slow streams (audio) are never held: nothing would join them within the window.
            let holds = isWindowOpen && meanGap < coalescing.window.nanoseconds
            live = holds ? now + coalescing.window : now
        }
        // After the marker nothing more of this frame comes.
        if isLastOfFrame || pending >= coalescing.maximumPending { live = min(live ?? now, now) }
    }

    /// Everything that came so far has been sent.
    mutating func released() {
        live = nil
        pending = 0
    }

    /// Nothing is held any longer.
    mutating func hurry(at now: Instant) { live = min(live ?? now, now) }

    mutating func wake(at instant: Instant) { catchUp = min(catchUp ?? instant, instant) }
    mutating func setCatchUp(_ instant: Instant?) { catchUp = instant }
}
