import Base

/// Decides when a source is asked for a key frame: at most once per interval, whoever asks and how often.
///
/// A request that falls into the interval is kept; when no key frame comes until its end, it is sent then. That is
/// mediasoup's rule (a pending request absorbs others and is repeated once), with one difference: a key frame that
/// arrives does not shorten the interval.
public struct KeyFrameRequester: Sendable, Hashable {
    private let interval: Duration
    /// What holds for those who may not wait for the producer's own delay.
    private let leastInterval: Duration
    private var lastSent: Instant?
    private var isWanted = false

    /// - Parameter delay: The producer's `keyFrameRequestDelay`.
    public init(interval: Duration, delay: Duration = .zero) {
        leastInterval = interval
        self.interval = max(interval, delay)
    }

    /// True: send the request now.
    public mutating func request(now: Instant) -> Bool {
        if let lastSent, now - lastSent < interval {
            isWanted = true
            return false
        }
        return send(now)
    }

    /// As `request`, but without the producer's delay, which begins anew: nobody can see anything until then.
    public mutating func force(now: Instant) -> Bool {
        if let lastSent, now - lastSent < leastInterval { return request(now: now) }
        return send(now)
    }

    /// Whoever waited has been served.
    public mutating func keyFrameReceived() { isWanted = false }

    /// What was to be sent now could not be: once more after the interval.
    public mutating func postpone() { isWanted = true }

    /// The source is paused or gone: nobody waits.
    public mutating func cancel() { isWanted = false }

    /// When `advance` may have something to send.
    public var deadline: Instant? {
        guard isWanted, let lastSent else { return nil }
        return lastSent + interval
    }

    /// True: send the request that was kept.
    public mutating func advance(to now: Instant) -> Bool {
        guard let deadline, now >= deadline else { return false }
        return send(now)
    }

    private mutating func send(_ now: Instant) -> Bool {
        lastSent = now
        isWanted = false
        return true
    }
}
