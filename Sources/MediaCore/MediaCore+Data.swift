import Base
import ORTC

/// A core that carries data channels. Apart from the rest, since a core may do without: whoever has none leaves all of this
/// out, and says so when it is asked.
public protocol DataChannelCore: Sendable {
    /// A transport whose remote side is code of this process. Connected at once.
    /// - Parameter maximumMessageSize: In bytes; longer messages are refused one way and dropped the other.
    func createDirectTransport(
        on router: RouterID, maximumMessageSize: Int
    ) async throws(MediaCoreError) -> TransportID

    func produceData(
        on transport: TransportID, _ options: ProduceDataOptions
    ) async throws(MediaCoreError) -> DataProducerDescription

    func consumeData(
        on transport: TransportID, _ options: ConsumeDataOptions
    ) async throws(MediaCoreError) -> DataConsumerDescription

    func pause(_ producer: DataProducerID) async throws(MediaCoreError)
    func resume(_ producer: DataProducerID) async throws(MediaCoreError)
    func pause(_ consumer: DataConsumerID) async throws(MediaCoreError)
    func resume(_ consumer: DataConsumerID) async throws(MediaCoreError)

    /// mediasoup's `getStats()`: an array of objects.
    func stats(_ producer: DataProducerID) async throws(MediaCoreError) -> JSONValue
    func stats(_ consumer: DataConsumerID) async throws(MediaCoreError) -> JSONValue

    /// Closing is idempotent and never fails; an unknown id is already closed.
    func close(_ producer: DataProducerID) async
    func close(_ consumer: DataConsumerID) async

    /// A message into a data producer on a direct transport.
    /// - Parameters:
    ///   - subchannels: Not empty: only consumers that have one of them get it.
    ///   - required: Only consumers that have it get it.
    func send(
        _ message: DataMessage, on producer: DataProducerID, subchannels: [UInt16], required: UInt16?
    ) async throws(MediaCoreError)

    /// What a data consumer on a direct transport gets, from its creation on; ends with it. Bounded: a reader that is
    /// too slow loses messages. One reader.
    func messages(of consumer: DataConsumerID) async throws(MediaCoreError) -> AsyncStream<DataMessage>
}

extension DataChannelCore {
    public func send(_ message: DataMessage, on producer: DataProducerID) async throws(MediaCoreError) {
        try await send(message, on: producer, subchannels: [], required: nil)
    }
}

// For cores without data channels.
extension DataChannelCore {
    public func createDirectTransport(
        on router: RouterID, maximumMessageSize: Int
    ) async throws(MediaCoreError) -> TransportID {
        throw .noDataChannels
    }

    public func produceData(
        on transport: TransportID, _ options: ProduceDataOptions
    ) async throws(MediaCoreError) -> DataProducerDescription {
        throw .noDataChannels
    }

    public func consumeData(
        on transport: TransportID, _ options: ConsumeDataOptions
    ) async throws(MediaCoreError) -> DataConsumerDescription {
        throw .noDataChannels
    }

    public func pause(_ producer: DataProducerID) async throws(MediaCoreError) { throw .noDataChannels }
    public func resume(_ producer: DataProducerID) async throws(MediaCoreError) { throw .noDataChannels }
    public func pause(_ consumer: DataConsumerID) async throws(MediaCoreError) { throw .noDataChannels }
    public func resume(_ consumer: DataConsumerID) async throws(MediaCoreError) { throw .noDataChannels }
    public func stats(_ producer: DataProducerID) async throws(MediaCoreError) -> JSONValue { throw .noDataChannels }
    public func stats(_ consumer: DataConsumerID) async throws(MediaCoreError) -> JSONValue { throw .noDataChannels }
    public func close(_ producer: DataProducerID) async {}
    public func close(_ consumer: DataConsumerID) async {}

    public func send(
        _ message: DataMessage, on producer: DataProducerID, subchannels: [UInt16], required: UInt16?
    ) async throws(MediaCoreError) { throw .noDataChannels }

    public func messages(of consumer: DataConsumerID) async throws(MediaCoreError) -> AsyncStream<DataMessage> {
        throw .noDataChannels
    }
}

extension MediaCoreError {
    static let noDataChannels = MediaCoreError(
        .unsupported, name: "UnsupportedError", message: "this media core has no data channels")
}
