import Base

/// Who is loud and who speaks (mediasoup's RtpObservers), and looking at objects from outside. What they find arrives in
/// `events`.
public protocol ObserverCore: Sendable {
    /// Hears nobody yet. It closes with its router.
    func createAudioLevelObserver(
        on router: RouterID, _ options: AudioLevelObserverOptions
    ) async throws(MediaCoreError) -> RTPObserverID

    /// Hears nobody yet. It closes with its router.
    /// - Parameter interval: Brought into 100 ms … 5 s; mediasoup's is 300 ms.
    func createActiveSpeakerObserver(
        on router: RouterID, interval: Duration
    ) async throws(MediaCoreError) -> RTPObserverID

    /// Lets an observer hear an audio producer of its router, until the producer closes.
    func addProducer(_ producer: ProducerID, to observer: RTPObserverID) async throws(MediaCoreError)
    func removeProducer(_ producer: ProducerID, from observer: RTPObserverID) async throws(MediaCoreError)

    /// Idempotent; an unknown one is closed already.
    func close(_ observer: RTPObserverID) async

    /// What is told in `events` from now on instead of what was. Types that the object does not have are left out.
    func enableTraceEvent(_ types: Set<TraceType>, of transport: TransportID) async throws(MediaCoreError)
    func enableTraceEvent(_ types: Set<TraceType>, of producer: ProducerID) async throws(MediaCoreError)
    func enableTraceEvent(_ types: Set<TraceType>, of consumer: ConsumerID) async throws(MediaCoreError)
}
