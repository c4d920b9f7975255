import Base
import MediaCore

// Observers hear nothing by themselves: tests say what they tell. They are not among `calls`, since every room has two.
extension ScriptedCore {
    /// Who hears whom, in order.
    public var heard: [RTPObserverID: [ProducerID]] { observed }

    public func createAudioLevelObserver(
        on router: RouterID, _ options: AudioLevelObserverOptions
    ) async throws(MediaCoreError) -> RTPObserverID { makeObserver("levels", on: router) }

    public func createActiveSpeakerObserver(
        on router: RouterID, interval: Duration
    ) async throws(MediaCoreError) -> RTPObserverID { makeObserver("speakers", on: router) }

    public func addProducer(_ producer: ProducerID, to observer: RTPObserverID) async throws(MediaCoreError) {
        guard observed[observer]?.contains(producer) == false else {
            throw MediaCoreError(
                .conflict, name: "Error", message: "no such observer, or the producer is heard already")
        }
        observed[observer]?.append(producer)
    }

    public func removeProducer(_ producer: ProducerID, from observer: RTPObserverID) async throws(MediaCoreError) {
        observed[observer]?.removeAll { $0 == producer }
    }

    public func close(_ observer: RTPObserverID) async { observed[observer] = nil }

    public func enableTraceEvent(_ types: Set<TraceType>, of transport: TransportID) async throws(MediaCoreError) {
        traced[transport] = types
    }

    public func enableTraceEvent(_ types: Set<TraceType>, of producer: ProducerID) async throws(MediaCoreError) {}
    public func enableTraceEvent(_ types: Set<TraceType>, of consumer: ConsumerID) async throws(MediaCoreError) {}

    /// "levels of router-1"
    private func makeObserver(_ noun: String, on router: RouterID) -> RTPObserverID {
        let id = RTPObserverID(rawValue: "\(noun) of \(router)")
        observed[id] = []
        return id
    }
}
