import Base
import MediaCore

/// mediasoup's RtpObservers: who is loud, and who speaks. What they find arrives in `events`.
extension EmbeddedCore {
    /// Hears nobody yet.
    public func createAudioLevelObserver(
        on router: RouterID, _ options: AudioLevelObserverOptions = AudioLevelObserverOptions()
    ) async throws(MediaCoreError) -> RTPObserverID {
        try await worker(of: .router(router)).createObserver(
            on: router,
            .audioLevel(
                maximumEntries: options.maximumEntries, threshold: options.threshold, interval: options.interval))
    }

    /// Hears nobody yet.
    /// - Parameter interval: Brought into 100 ms … 5 s.
    public func createActiveSpeakerObserver(
        on router: RouterID, interval: Duration = .milliseconds(300)
    ) async throws(MediaCoreError) -> RTPObserverID {
        try await worker(of: .router(router)).createObserver(on: router, .activeSpeaker(interval: interval))
    }

    /// Lets an observer hear an audio producer of its router.
    public func addProducer(_ producer: ProducerID, to observer: RTPObserverID) async throws(MediaCoreError) {
        let number = directory.holder(of: .observer(observer)) ?? 0
        guard !spans.isEmpty else { return try await workers[number].addProducer(producer, to: observer) }
        try await withProducer(.producer(producer), on: number, of: .observer(observer)) {
            worker throws(MediaCoreError) in try await worker.addProducer(producer, to: observer)
        }
    }

    /// Nothing happens when the observer does not hear it.
    public func removeProducer(_ producer: ProducerID, from observer: RTPObserverID) async throws(MediaCoreError) {
        try await worker(of: .observer(observer)).removeProducer(producer, from: observer)
    }

    /// Stops listening and telling; silence is told if somebody was loud.
    public func pause(_ observer: RTPObserverID) async throws(MediaCoreError) {
        try await worker(of: .observer(observer)).pause(observer)
    }

    public func resume(_ observer: RTPObserverID) async throws(MediaCoreError) {
        try await worker(of: .observer(observer)).resume(observer)
    }

    /// Idempotent; an unknown one is closed already.
    public func close(_ observer: RTPObserverID) async { await worker(of: .observer(observer)).close(observer) }
}
