import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

/// Two routers, a data producer of this process on the first, piped to the second, and somebody who listens here and there.
struct PipedDataScene {
    let near: Stage
    let far: Stage
    /// The first router's transport, and the second's.
    let mouth: TransportID
    let beyond: TransportID
    let producer: DataProducerID
    let consumer: DataConsumerID
    let piped: PipedDataProducer
    let behind: DataConsumerID
    let ear: AsyncStream<DataMessage>
    let events: EventLog
    private let names: [String: String]

    var core: EmbeddedCore { near.core }

    init(workers: Int) async throws {
        let core = try EmbeddedCore(MediaPlaneConfiguration(workers: workers))
        (near, far) = (try await Stage(on: core), try await Stage(on: core))
        #expect((core.worker(of: near.router.id) != core.worker(of: far.router.id)) == (workers > 1))
        events = EventLog(core)
        mouth = try await core.createDirectTransport(on: near.router.id)
        beyond = try await core.createDirectTransport(on: far.router.id)
        producer = try await core.produceData(on: mouth, ProduceDataOptions(label: "chat", subprotocol: "p")).id
        // On a transport of its own, so that what closes the original's does not close this one first.
        let beside = try await core.createDirectTransport(on: near.router.id)
        consumer = try await core.consumeData(on: beside, ConsumeDataOptions(producer: producer)).id
        piped = try await core.pipe(producer, to: far.router.id)
        behind = try await core.consumeData(on: beyond, ConsumeDataOptions(producer: producer)).id
        ear = try await core.messages(of: behind)
        names = [
            mouth.rawValue: "t1", beside.rawValue: "t2", beyond.rawValue: "t3", producer.rawValue: "producer",
            consumer.rawValue: "consumer", piped.consumer.id.rawValue: "pipeConsumer", behind.rawValue: "behind",
            piped.transports.source.rawValue: "pipe near", piped.transports.sink.rawValue: "pipe far",
        ]
    }

    func say(_ text: String, subchannels: [UInt16] = [], required: UInt16? = nil) async throws {
        try await core.send(DataMessage(text), on: producer, subchannels: subchannels, required: required)
    }

    /// Somebody else who listens on the second router.
    func listen(subchannels: Set<UInt16> = []) async throws -> AsyncStream<DataMessage> {
        let options = ConsumeDataOptions(producer: producer, subchannels: subchannels)
        return try await core.messages(of: core.consumeData(on: beyond, options).id)
    }

    func isGone(_ consumer: DataConsumerID) async -> Bool {
        await eventually { (try? await core.stats(consumer)) == nil }
    }

    func isGone(_ transport: TransportID) async -> Bool {
        await eventually { (try? await core.stats(transport)) == nil }
    }

    /// Whether a data producer of that name can be had on the second router.
    func isBeyond() async throws -> Bool {
        let dump = try await core.dump(far.router.id)["mapDataProducerIdDataConsumerIds"]?.arrayValue ?? []
        return dump.contains { $0["key"] == JSONValue(producer.rawValue) }
    }

    /// All events, in mediasoup's words. Ends the core.
    func told() async -> [String] {
        await core.shutDown()
        return await events.all().compactMap { event in
            switch event {
            case .transportClosed(let id): "\(name(id.rawValue)) routerclose"
            case .dataProducerClosed(let id): "\(name(id.rawValue)) transportclose"
            case .dataConsumerClosed(let id, let reason): "\(name(id.rawValue)) \(reason.rawValue)"
            case .dataConsumerProducerPaused(let id, let isPaused):
                "\(name(id.rawValue)) \(isPaused ? "dataproducerpause" : "dataproducerresume")"
            default: "\(event)"
            }
        }
    }

    private func name(_ id: String) -> String { names[id] ?? id }
}

/// What was told of one object.
func events(_ told: [String], of object: String) -> [String] {
    told.filter { $0.hasPrefix("\(object) ") }.map { String($0.dropFirst(object.count + 1)) }
}

func texts(_ messages: [DataMessage]) -> [String] { messages.map { String(decoding: $0.payload, as: UTF8.self) } }
