import Base
import MediaCore
import MediaPlane
import ORTC
import TestSupport
import Testing

/// Two transports of one router that are each other's remote side, so that their SCTP is spoken over sockets; and one of this
/// process, to send and to listen.
struct DataStage {
    let room: Room
    let core: EmbeddedCore
    let events: EventLog
    let left: PlainTransportDescription
    let right: PlainTransportDescription
    let direct: TransportID

    /// - Parameter isSplit: The two are on two workers.
    init(isSplit: Bool = false) async throws {
        room = try await Room()
        core = room.core
        events = room.watch()
        let options = PlainTransportOptions(sctp: SCTPOptions())
        left = try await core.createPlainTransport(on: room.id, options, worker: room.home)
        right = try await core.createPlainTransport(
            on: room.id, options, worker: isSplit ? room.other : room.home)
        direct = try await core.createDirectTransport(on: room.id, maximumMessageSize: 262_144)
    }

    func connect() async throws {
        for (one, other) in [(left, right), (right, left)] {
            _ = try await core.connect(
                one.id, PlainTransportRemote(ip: core.configuration.listenIP, port: other.tuple.localPort))
        }
        for transport in [left, right] { try #require(await events.has(.sctpState(transport.id, .connected))) }
    }

    /// What is said on the first goes over the transport to the other one; there somebody of this process listens.
    func line(
        from: TransportID, to: TransportID, label: String, _ options: (Bool?, Int?) = (true, nil)
    ) async throws -> (mouth: DataProducerID, consumer: DataConsumerDescription, ear: AsyncStream<DataMessage>) {
        let mouth = try await core.produceData(on: direct, ProduceDataOptions(label: label)).id
        let consumer = try await core.consumeData(
            on: from, ConsumeDataOptions(producer: mouth, ordered: options.0, maxRetransmits: options.1))
        let arriving = try await core.produceData(
            on: to, ProduceDataOptions(stream: consumer.stream, label: label))
        let listener = try await core.consumeData(on: direct, ConsumeDataOptions(producer: arriving.id))
        return (mouth, consumer, try await core.messages(of: listener.id))
    }

    /// Runs with SCTP's clock for itself.
    static func run(isSplit: Bool = false, _ body: @Sendable (DataStage) async throws -> Void) async throws {
        await Turn.sctp.take()
        do {
            let stage = try await DataStage(isSplit: isSplit)
            do { try await body(stage) } catch {
                await stage.core.shutDown()
                throw error
            }
            await stage.core.shutDown()
        } catch {
            await Turn.sctp.give()
            throw error
        }
        await Turn.sctp.give()
    }
}

extension AsyncStream<DataMessage> {
    /// So many, or fewer when it ends.
    func take(_ count: Int) async -> [DataMessage] {
        var taken: [DataMessage] = []
        guard count > 0 else { return [] }
        for await message in self {
            taken.append(message)
            if taken.count == count { break }
        }
        return taken
    }
}
