import Base
import MediaCore
import MediaPlane
import ORTC
import TestSupport
import Testing

/// Data channels over pipe transports with sockets: bare SCTP, as on plain transports.
@Suite(.timeLimit(.minutes(10))) struct PipeTransportDataTests {
    /// Two pipe transports that are each other's remote side, each on a router of its own.
    private struct Scene {
        let near: Stage
        let far: Stage
        let here: PipeTransportDescription
        let there: PipeTransportDescription
        let events: EventLog
        var core: EmbeddedCore { near.core }

        init(workers: Int, isProtected: Bool) async throws {
            let core = try EmbeddedCore(MediaPlaneConfiguration(workers: workers))
            (near, far) = (try await Stage(on: core), try await Stage(on: core))
            events = EventLog(core)
            let options = PipeTransportOptions(enableSRTP: isProtected, sctp: .pipe)
            here = try await core.createPipeTransport(on: near.router.id, options)
            there = try await core.createPipeTransport(on: far.router.id, options)
        }

        func connect() async throws {
            for (one, other) in [(here, there), (there, here)] {
                _ = try await core.connectPipe(
                    one.id, ip: "127.0.0.1", port: other.tuple.localPort, srtpParameters: other.srtpParameters)
            }
            for transport in [here, there] { try #require(await events.has(.sctpState(transport.id, .connected))) }
        }

        /// What is said on one router is heard on the other.
        func line(
            from: Stage, over one: TransportID, and other: TransportID, to: Stage
        ) async throws -> (mouth: DataProducerID, consumer: DataConsumerDescription, ear: AsyncStream<DataMessage>) {
            let speaker = try await core.createDirectTransport(on: from.router.id, maximumMessageSize: 1 << 20)
            let mouth = try await core.produceData(on: speaker, ProduceDataOptions(label: "x")).id
            let consumer = try await core.consumeData(
                on: one, ConsumeDataOptions(producer: mouth, ordered: true))
            let arriving = try await core.produceData(
                on: other, ProduceDataOptions(stream: consumer.stream, label: consumer.label))
            #expect(consumer.type == .sctp && arriving.type == .sctp)
            let listener = try await core.createDirectTransport(on: to.router.id, maximumMessageSize: 1 << 20)
            let heard = try await core.consumeData(on: listener, ConsumeDataOptions(producer: arriving.id))
            return (mouth, consumer, try await core.messages(of: heard.id))
        }

        /// With SCTP's clock for itself.
        static func run(
            workers: Int, isProtected: Bool = false, _ body: @Sendable (Scene) async throws -> Void
        ) async throws {
            await Turn.sctp.take()
            do {
                let scene = try await Scene(workers: workers, isProtected: isProtected)
                do { try await body(scene) } catch {
                    await scene.core.shutDown()
                    throw error
                }
                await scene.core.shutDown()
            } catch {
                await Turn.sctp.give()
                throw error
            }
            await Turn.sctp.give()
        }
    }

    @Test(arguments: [1, 2], [false, true])
    func `messages go both ways between two pipe transports, in order, with SRTP and without`(
        workers: Int, isProtected: Bool
    ) async throws {
        try await Scene.run(workers: workers, isProtected: isProtected) { scene in
            let (core, near, far) = (scene.core, scene.near, scene.far)
            try await scene.connect()
            let there = try await scene.line(from: near, over: scene.here.id, and: scene.there.id, to: far)
            let back = try await scene.line(from: far, over: scene.there.id, and: scene.here.id, to: near)
            for number in 0..<100 {
                for (line, name) in [(there, "there"), (back, "back")] {
                    try await core.send(
                        DataMessage("\(name) \(number)"), on: line.mouth, subchannels: [], required: nil)
                }
            }
            #expect(texts(await there.ear.take(100)) == (0..<100).map { "there \($0)" })
            #expect(texts(await back.ear.take(100)) == (0..<100).map { "back \($0)" })
            // Longer than a plain transport takes unless it is told.
            let long = DataMessage((0..<600_000).map { UInt8($0 % 251) })
            try await core.send(long, on: there.mouth, subchannels: [], required: nil)
            #expect(await there.ear.take(1) == [long])
            #expect(try await core.stats(there.consumer.id).arrayValue?.first?["messagesSent"] == 101)
            let stats = try await core.stats(scene.here.id).arrayValue?.first
            #expect(stats?["type"] == "pipe-transport" && stats?["sctpState"] == "connected")
        }
    }

    @Test func `what is to be told of its SCTP is mediasoup's, and without SCTP there are no data channels`()
        async throws
    {
        try await Scene.run(workers: 1) { scene in
            let core = scene.core
            #expect(
                scene.here.sctpParameters?.json == [
                    "port": 5000, "OS": 1024, "MIS": 1024, "maxMessageSize": 268_435_456,
                    "sendBufferSize": 268_435_456, "sctpBufferedAmount": 0, "isDataChannel": false,
                ])
            #expect(try await core.dump(scene.here.id)["sctpParameters"] == scene.here.sctpParameters?.json)
            let without = try await core.createPipeTransport(on: scene.near.router.id)
            #expect(without.sctpParameters == nil)
            await #expect {
                _ = try await core.produceData(
                    on: without.id, ProduceDataOptions(stream: SCTPStreamParameters(streamID: 0)))
            } throws: {
                "\($0)" == "Error: SCTP not enabled and not a direct Transport [method:transport.produceData]"
            }
            #expect(core.portFigures.used == 3)
        }
    }

    @Test func `a pipe transport that closes takes its data channels along, and the other end is told`() async throws {
        try await Scene.run(workers: 2) { scene in
            try await scene.connect()
            let line = try await scene.line(
                from: scene.near, over: scene.here.id, and: scene.there.id, to: scene.far)
            await scene.core.close(scene.here.id)
            #expect(await scene.events.has(.dataConsumerClosed(line.consumer.id, .transportClosed)))
            #expect(await scene.events.has(.sctpState(scene.there.id, .closed)))
        }
    }
}
