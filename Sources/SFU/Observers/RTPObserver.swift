import Base

/// One observer of a router: mediasoup's RtpObserver, of one of its two kinds.
struct RTPObserver: ~Copyable {
    let id: RTPObserverID
    let router: SlabIndex
    /// In the order in which they were added.
    var producers: [SlabIndex] = []
    private(set) var isPaused = false
    /// When its interval is over; nil while paused, and while there is nobody to hear and nothing to tell.
    private(set) var nextUpdate: Instant?
    /// One of the two is there.
    var levels: AudioLevelObserver<SlabIndex>?
    var speakers: ActiveSpeakerObserver<SlabIndex>?

    init(_ setup: RTPObserverSetup, router: SlabIndex) {
        id = setup.id
        self.router = router
        switch setup.kind {
        case .audioLevel(let maximumEntries, let threshold, let interval):
            levels = AudioLevelObserver(maximumEntries: maximumEntries, threshold: threshold, interval: interval)
        case .activeSpeaker(let interval): speakers = ActiveSpeakerObserver(interval: interval)
        }
    }

    /// Time begins at the call, not at the last deadline: after a stall one interval is told, not many.
    mutating func beginInterval(now: Instant) {
        let isNeeded = !isPaused && !(producers.isEmpty && levels?.isSilent ?? true)
        nextUpdate = isNeeded ? now + (levels?.interval ?? speakers?.interval ?? .seconds(1)) : nil
    }

    mutating func add(_ producer: SlabIndex, now: Instant) {
        producers.append(producer)
        if nextUpdate == nil { beginInterval(now: now) }
    }

    mutating func pause() {
        isPaused = true
        nextUpdate = nil
    }

    mutating func resume(now: Instant) {
        isPaused = false
        beginInterval(now: now)
    }

    mutating func setPaused(_ isPaused: Bool, _ producer: SlabIndex) {
        levels?.setPaused(isPaused, producer)
        speakers?.setPaused(isPaused, producer)
    }

    mutating func receive(level: UInt8, from producer: SlabIndex, now: Instant) {
        guard !isPaused else { return }
        levels?.receive(level: level, from: producer)
        speakers?.receive(level: level, from: producer, now: now)
    }
}

/// What an observer is made of. Defaults are mediasoup's.
public struct RTPObserverSetup: Sendable {
    public enum Kind: Sendable {
        /// - Parameters:
        ///   - maximumEntries: Producers told at most; above 0.
        ///   - threshold: In dBov, −127…0.
        ///   - interval: Brought into 250 ms … 5 s.
        case audioLevel(maximumEntries: Int = 1, threshold: Int = -80, interval: Duration = .milliseconds(1000))
        /// - Parameter interval: Brought into 100 ms … 5 s.
        case activeSpeaker(interval: Duration = .milliseconds(300))
    }

    public var router: RouterID
    public var id: RTPObserverID
    public var kind: Kind

    public init(router: RouterID, id: RTPObserverID, kind: Kind) {
        self.router = router
        self.id = id
        self.kind = kind
    }
}
