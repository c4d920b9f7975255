import Base
import MediaCore
import ORTC

// Data channels. Each association is driven by the worker of its transport; where a router spans workers, messages are handed
// over to those that have data consumers of them.
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
        guard let source = directory.holder(of: .dataProducer(options.producer)), source != number, !spans.isEmpty,
            let router = await workers[number].router(of: .transport(transport)),
            await workers[source].router(of: .dataProducer(options.producer)) == router
        else { return try await workers[number].consumeData(on: transport, options) }
        let original = try await bringData(options.producer, of: router, from: source, to: number)
        // What it inherits is the original's; what was brought has no stream.
        var options = options
        options.ordered = options.ordered ?? original.stream?.ordered
        options.maxPacketLifeTime = options.maxPacketLifeTime ?? original.stream?.maxPacketLifeTime
        options.maxRetransmits = options.maxRetransmits ?? original.stream?.maxRetransmits
        return try await workers[number].consumeData(on: transport, options)
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

    // MARK: - Over workers

    /// Lets a worker have a data producer of the same router that is on another one. It may be there already.
    /// - Returns: The original.
    private func bringData(
        _ producer: DataProducerID, of router: RouterID, from source: Int, to sink: Int
    ) async throws(MediaCoreError) -> DataProducerDescription {
        let original = try await workers[source].handOver(producer, to: sink)
        try await workers[sink].takeOver(original, on: router)
        // What happened to the original meanwhile may have been said before anybody there knew it.
        guard directory.holder(of: .dataProducer(producer)) == source else {
            await workers[sink].dropTakenOver(producer)
            throw MediaCoreError(
                .notFound, name: "Error", message: "DataProducer with id \"\(producer)\" not found")
        }
        if let paused = await workers[source].isPaused(producer) {
            await workers[sink].setTakenOver(producer, paused: paused)
        }
        return original
    }
}
