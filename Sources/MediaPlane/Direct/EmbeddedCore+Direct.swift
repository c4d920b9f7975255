import Base
import MediaCore

/// mediasoup's DirectTransport: RTP and RTCP from and to code of this process.
extension EmbeddedCore {
    /// Connected at once; `connect` does nothing.
    /// - Parameter worker: Where it is to be, of a router that spans workers; nil: at the router's home.
    public func createDirectTransport(
        on router: RouterID, cname: String? = nil, worker: Int? = nil
    ) async throws(MediaCoreError) -> TransportID {
        try await part(of: router, on: worker).createDirectTransport(on: router, cname: cname)
    }

    /// RTP packets into a producer on a direct transport, in their order.
    /// - Throws: `TypeError` for a packet of more than 1,600 bytes: then none is taken.
    public func send(_ packets: [[UInt8]], on producer: ProducerID) async throws(MediaCoreError) {
        try await worker(of: .producer(producer)).send(packets, on: producer)
    }

    /// An RTCP packet or compound, as from the transport's remote side.
    public func sendRTCP(_ packet: [UInt8], on transport: TransportID) async throws(MediaCoreError) {
        try await worker(of: .transport(transport)).sendRTCP(packet, on: transport)
    }

    /// What a consumer on a direct transport gets, from its creation on.
    public func packets(of consumer: ConsumerID) async throws(MediaCoreError) -> DirectPackets {
        try await worker(of: .consumer(consumer)).packets(of: consumer)
    }

    /// The RTCP that a direct transport sends.
    public func rtcp(of transport: TransportID) async throws(MediaCoreError) -> DirectPackets {
        try await worker(of: .transport(transport)).rtcp(of: transport)
    }
}
