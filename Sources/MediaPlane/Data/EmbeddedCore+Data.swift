import Base
import MediaCore
import ORTC

// Data channels. Each association is driven by the worker of its transport; where a router spans workers, messages go over
// pipes to those that have data consumers of them.
extension EmbeddedCore {
    /// Carries data channels only; for RTP see `createDirectTransport(on:cname:worker:)`.
    public func createDirectTransport(
        on router: RouterID, maximumMessageSize: Int
    ) async throws(MediaCoreError) -> TransportID {
        try await part(of: router, on: nil).createDirectTransport(on: router, maximumMessageSize: maximumMessageSize)
    }

    public func produceData(
        on transport: TransportID, _ options: ProduceDataOptions
    ) async throws(MediaCoreError) -> DataProducerDescription {
        try await worker(of: .transport(transport)).produceData(on: transport, options)
    }

    public func consumeData(
        on transport: TransportID, _ options: ConsumeDataOptions
    ) async throws(MediaCoreError) -> DataConsumerDescription {
        let number = directory.holder(of: .transport(transport)) ?? 0
        guard !spans.isEmpty else { return try await workers[number].consumeData(on: transport, options) }
        return try await withProducer(.dataProducer(options.producer), on: number, of: .transport(transport)) {
            worker throws(MediaCoreError) in try await worker.consumeData(on: transport, options)
        }
    }

    public func pause(_ producer: DataProducerID) async throws(MediaCoreError) {
        try await worker(of: .dataProducer(producer)).setPaused(true, producer)
    }

    public func resume(_ producer: DataProducerID) async throws(MediaCoreError) {
        try await worker(of: .dataProducer(producer)).setPaused(false, producer)
    }

    public func pause(_ consumer: DataConsumerID) async throws(MediaCoreError) {
        try await worker(of: .dataConsumer(consumer)).setPaused(true, consumer)
    }

    public func resume(_ consumer: DataConsumerID) async throws(MediaCoreError) {
        try await worker(of: .dataConsumer(consumer)).setPaused(false, consumer)
    }

    public func stats(_ producer: DataProducerID) async throws(MediaCoreError) -> JSONValue {
        try await worker(of: .dataProducer(producer)).stats(producer)
    }

    public func stats(_ consumer: DataConsumerID) async throws(MediaCoreError) -> JSONValue {
        try await worker(of: .dataConsumer(consumer)).stats(consumer)
    }

    public func close(_ producer: DataProducerID) async { await worker(of: .dataProducer(producer)).close(producer) }
    public func close(_ consumer: DataConsumerID) async { await worker(of: .dataConsumer(consumer)).close(consumer) }

    public func send(
        _ message: DataMessage, on producer: DataProducerID, subchannels: [UInt16], required: UInt16?
    ) async throws(MediaCoreError) {
        try await worker(of: .dataProducer(producer))
            .send(message, on: producer, subchannels: subchannels, required: required)
    }

    public func messages(of consumer: DataConsumerID) async throws(MediaCoreError) -> AsyncStream<DataMessage> {
        try await worker(of: .dataConsumer(consumer)).messages(of: consumer)
    }

    // MARK: - Beside MediaCore

    /// mediasoup's `dump()`.
    public func dump(_ producer: DataProducerID) async throws(MediaCoreError) -> JSONValue {
        try await worker(of: .dataProducer(producer)).dump(producer)
    }

    public func dump(_ consumer: DataConsumerID) async throws(MediaCoreError) -> JSONValue {
        try await worker(of: .dataConsumer(consumer)).dump(consumer)
    }

    /// A message of our own to the remote side of one data consumer.
    public func send(_ message: DataMessage, to consumer: DataConsumerID) async throws(MediaCoreError) {
        try await worker(of: .dataConsumer(consumer)).send(message, to: consumer)
    }

    public func setSubchannels(
        _ subchannels: Set<UInt16>, of consumer: DataConsumerID
    ) async throws(MediaCoreError) {
        try await worker(of: .dataConsumer(consumer)).setSubchannels(subchannels, of: consumer)
    }

    /// When as little or less waits for acknowledgement, `dataConsumerBufferLow` says so. In bytes.
    public func setBufferedAmountLowThreshold(
        _ threshold: Int, of consumer: DataConsumerID
    ) async throws(MediaCoreError) {
        try await worker(of: .dataConsumer(consumer)).setBufferedAmountLowThreshold(threshold, of: consumer)
    }

    /// Bytes that wait for acknowledgement, of the whole association.
    public func bufferedAmount(of consumer: DataConsumerID) async throws(MediaCoreError) -> Int {
        try await worker(of: .dataConsumer(consumer)).bufferedAmount(of: consumer)
    }
}
