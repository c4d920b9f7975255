import Base
import MediaCore

// Traces and dumps: looking at objects from outside.
extension EmbeddedCore {
    /// What is told in `events` from now on instead of what was. Types that the object does not have are left out.
    public func enableTraceEvent(_ types: Set<TraceType>, of transport: TransportID) async throws(MediaCoreError) {
        try await worker(of: .transport(transport)).enableTraceEvent(types, of: transport)
    }

    public func enableTraceEvent(_ types: Set<TraceType>, of producer: ProducerID) async throws(MediaCoreError) {
        try await worker(of: .producer(producer)).enableTraceEvent(types, of: producer)
    }

    public func enableTraceEvent(_ types: Set<TraceType>, of consumer: ConsumerID) async throws(MediaCoreError) {
        try await worker(of: .consumer(consumer)).enableTraceEvent(types, of: consumer)
    }

    /// mediasoup's `dump()`.
    public func dump(_ router: RouterID) async throws(MediaCoreError) -> JSONValue {
        try await dumpParts(of: router)
    }

    public func dump(_ transport: TransportID) async throws(MediaCoreError) -> JSONValue {
        try await worker(of: .transport(transport)).dump(transport)
    }

    public func dump(_ producer: ProducerID) async throws(MediaCoreError) -> JSONValue {
        try await worker(of: .producer(producer)).dump(producer)
    }

    public func dump(_ consumer: ConsumerID) async throws(MediaCoreError) -> JSONValue {
        try await worker(of: .consumer(consumer)).dump(consumer)
    }

    public func dump(_ observer: RTPObserverID) async throws(MediaCoreError) -> JSONValue {
        try await worker(of: .observer(observer)).dump(observer)
    }
}
