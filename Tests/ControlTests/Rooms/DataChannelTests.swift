import Base
import Control
import Events
import MediaCore
import ORTC
import ScriptedCore
import Testing

/// Data producers and data consumers as members of a room: every end is a fact, told once and in mediasoup's order.
@Suite struct DataChannelTests {
    private static let withData = TransportRequest(sctp: SCTPOptions())

    private static func options(_ label: String = "chat", stream: Int = 0) throws -> ProduceDataOptions {
        ProduceDataOptions(stream: try SCTPStreamParameters(streamID: stream), label: label, subprotocol: "text")
    }

    private struct Scene {
        let fixture = RoomFixture()
        let room: Room
        let sending: TransportID
        let receiving: TransportID
        let producer: DataProducerID
        let consumer: DataConsumerID
        /// The facts until here.
        let before: Int

        /// "s" sends to "r".
        init() async throws {
            room = try await fixture.rooms.room("demo")
            for name in ["s", "r"] { try await room.addBroadcaster(fixture.broadcaster(name)) }
            sending = try await room.createPlainTransport(for: "s", options: DataChannelTests.withData).id
            receiving = try await room.createPlainTransport(for: "r", options: DataChannelTests.withData).id
            producer = try await room.produceData(on: sending, of: "s", try DataChannelTests.options()).id
            consumer = try await room.consumeData(
                on: receiving, of: "r", ConsumeDataOptions(producer: producer)
            ).id
            before = fixture.bus.lastID.number
        }

        /// Says the events, ends the core's stream and waits until the rooms have applied all.
        func play(_ events: [MediaCoreEvent] = []) async {
            for event in events { fixture.core.say(event) }
            fixture.core.fallSilent()
            await fixture.rooms.run()
        }

        /// "name id (reason)" of facts since the scene was set.
        func story() async -> [String] {
            var story: [String] = []
            for await event in fixture.bus.subscribe(
                .after(EventID(boot: fixture.bus.boot, number: before)), follow: false)
            {
                let members = event.json
                let subject =
                    [
                        "dataConsumerId", "dataProducerId", "consumerId", "producerId", "transportId", "broadcasterId",
                        "room",
                    ].lazy.compactMap { members[$0]?.stringValue }.first ?? "-"
                let detail = members["reason"]?.stringValue ?? members["sctpState"]?.stringValue
                story.append("\(event.fact.name) \(subject)" + (detail.map { " (\($0))" } ?? ""))
            }
            return story
        }
    }

    @Test func `what is made is told and shown`() async throws {
        let scene = try await Scene()
        let told = await scene.fixture.story().suffix(2)
        #expect(told.map { $0.split(separator: " ").first } == ["data_producer.created", "data_consumer.created"])
        let snapshot = await scene.room.snapshot
        let producer = try #require(snapshot.dataProducers.first)
        #expect(producer.id == scene.producer && producer.broadcaster == "s" && producer.transport == scene.sending)
        #expect(producer.label == "chat" && producer.subprotocol == "text" && producer.stream?.streamID == 0)
        let consumer = try #require(snapshot.dataConsumers.first)
        #expect(consumer.id == scene.consumer && consumer.producer == scene.producer && consumer.broadcaster == "r")
        #expect(consumer.label == "chat" && consumer.type == .sctp)
        #expect(snapshot.transports.allSatisfy { $0.sctp?.isDataChannel == false })
    }

    @Test func `dataproducerclose: closing a data producer closes its data consumers`() async throws {
        let scene = try await Scene()
        let changes = try await scene.room.changes(of: "r")
        try await scene.room.closeDataProducer(scene.producer, of: "s")
        // The core's own word comes late, and changes nothing.
        await scene.play()
        #expect(
            await scene.story() == [
                "data_producer.closed \(scene.producer) (requested)",
                "data_consumer.closed \(scene.consumer) (dataproducerclose)",
            ])
        var iterator = changes.makeAsyncIterator()
        guard case .dataConsumerClosed(scene.consumer) = await iterator.next() else {
            Issue.record("its receiver was not told")
            return
        }
        #expect(await scene.room.snapshot.dataConsumers.isEmpty)
        #expect(await scene.fixture.core.calls.last == "close \(scene.producer)")
    }

    @Test
    func `transportclose: a sender's transport takes its data producers along, and their data consumers elsewhere`()
        async throws
    {
        let scene = try await Scene()
        try await scene.room.closeTransport(scene.sending, of: "s")
        await scene.play()
        #expect(
            await scene.story() == [
                "data_producer.closed \(scene.producer) (transportclose)",
                "data_consumer.closed \(scene.consumer) (dataproducerclose)",
                "transport.closed \(scene.sending) (requested)",
            ])
    }

    @Test func `transportclose: a receiver's transport takes its data consumers along`() async throws {
        let scene = try await Scene()
        try await scene.room.closeTransport(scene.receiving, of: "r")
        await scene.play()
        #expect(
            await scene.story() == [
                "data_consumer.closed \(scene.consumer) (transportclose)",
                "transport.closed \(scene.receiving) (requested)",
            ])
    }

    @Test func `a member that leaves, and a room that closes, take all along`() async throws {
        let scene = try await Scene()
        try await scene.room.removeBroadcaster("s")
        await scene.room.close(reason: "requested")
        #expect(
            await scene.story() == [
                "data_producer.closed \(scene.producer) (transportclose)",
                "data_consumer.closed \(scene.consumer) (dataproducerclose)",
                "transport.closed \(scene.sending) (broadcasterclose)", "broadcaster.closed s (requested)",
                "transport.closed \(scene.receiving) (roomclose)", "broadcaster.closed r (roomclose)",
                "room.closed demo (requested)",
            ])
    }

    @Test func `a cascade that the core began is told with its reasons, once`() async throws {
        let scene = try await Scene()
        await scene.play([
            .dataProducerClosed(scene.producer), .dataConsumerClosed(scene.consumer, .dataProducerClosed),
            .dataConsumerClosed(scene.consumer, .dataProducerClosed), .dataProducerClosed(scene.producer),
        ])
        #expect(
            await scene.story() == [
                "data_producer.closed \(scene.producer) (transportclose)",
                "data_consumer.closed \(scene.consumer) (dataproducerclose)",
            ])
    }

    @Test func `dataproducerpause, dataproducerresume and pauses of one's own are facts, once each`() async throws {
        let scene = try await Scene()
        for _ in 0..<2 { try await scene.room.pause(scene.producer, of: "s") }
        await scene.play()
        #expect(await scene.room.snapshot.dataConsumers.first?.producerPaused == true)
        try await scene.room.resume(scene.producer, of: "s")
        for _ in 0..<2 { try await scene.room.pause(scene.consumer, of: "r") }
        try await scene.room.resume(scene.consumer, of: "r")
        #expect(
            await scene.story() == [
                "data_producer.paused \(scene.producer)", "data_consumer.paused \(scene.consumer)",
                "data_producer.resumed \(scene.producer)", "data_consumer.paused \(scene.consumer)",
                "data_consumer.resumed \(scene.consumer)",
            ])
    }

    @Test func `sctpstatechange is a fact of its transport`() async throws {
        let scene = try await Scene()
        await scene.play([
            .sctpState(scene.sending, .connecting), .sctpState(scene.sending, .connecting),
            .sctpState(scene.sending, .connected),
        ])
        #expect(
            await scene.story() == [
                "transport.sctp_state \(scene.sending) (connecting)",
                "transport.sctp_state \(scene.sending) (connected)",
            ])
        #expect(await scene.room.snapshot.transports.first?.sctpState == .connected)
    }

    @Test func `others' data channels are not one's own, and what is gone is not there`() async throws {
        let scene = try await Scene()
        await #expect { try await scene.room.pause(scene.producer, of: "r") } throws: {
            "\($0)" == "Error: dataProducer with id \"\(scene.producer)\" does not exist"
        }
        await #expect { _ = try await scene.room.stats(scene.consumer, of: "s") } throws: {
            "\($0)" == "Error: dataConsumer with id \"\(scene.consumer)\" does not exist"
        }
        try await scene.room.closeDataConsumer(scene.consumer, of: "r")
        try await scene.room.closeDataProducer(scene.producer, of: "s")
        await #expect(throws: ControlError.self) {
            try await scene.room.consumeData(on: scene.receiving, of: "r", ConsumeDataOptions(producer: scene.producer))
        }
        #expect(
            await scene.story() == [
                "data_consumer.closed \(scene.consumer) (requested)",
                "data_producer.closed \(scene.producer) (requested)",
            ])
    }

    @Test func `a data consumer whose producer goes while it is being made does not stay`() async throws {
        let scene = try await Scene()
        await scene.fixture.core.hold()
        async let making = scene.room.consumeData(
            on: scene.receiving, of: "r", ConsumeDataOptions(producer: scene.producer))
        await scene.fixture.core.somebodyIsHeld()
        try await scene.room.closeDataProducer(scene.producer, of: "s")
        await scene.fixture.core.letGo()
        do {
            _ = try await making
            Issue.record("it was made")
        } catch { #expect(error is ControlError) }
        #expect(await scene.room.snapshot.dataConsumers.isEmpty)
    }

    @Test func `names that would go to everybody are bounded`() async throws {
        let scene = try await Scene()
        await #expect {
            try await scene.room.produceData(
                on: scene.sending, of: "s",
                ProduceDataOptions(
                    stream: try SCTPStreamParameters(streamID: 9), label: String(repeating: "x", count: 8193)))
        } throws: {
            "\($0)" == "TypeError: label and protocol have 8193 bytes together; 8192 are possible"
        }
        try await scene.room.produceData(
            on: scene.sending, of: "s",
            ProduceDataOptions(
                stream: try SCTPStreamParameters(streamID: 9), label: String(repeating: "x", count: 8192)))
    }
}
