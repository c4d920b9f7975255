import Base
import Control
import Events
import MediaCore
import ScriptedCore
import Testing

@Suite struct CoreEventTests {
    /// Says the events, ends the core's stream and waits until the rooms have applied all.
    func play(_ events: [MediaCoreEvent], on fixture: RoomFixture) async {
        for event in events { fixture.core.say(event) }
        fixture.core.fallSilent()
        await fixture.rooms.run()
    }

    @Test func `what the core says of media becomes state and facts`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let sender = try await fixture.sender("s", in: room)
        let receiver = try await fixture.receiver("r", of: sender.producer, in: room)
        let before = fixture.bus.lastID.number
        let tuple = TransportTuple(
            localAddress: "127.0.0.1", localPort: 40_000, remoteIP: "127.0.0.1", remotePort: 6000)
        await play(
            [
                .transportConnected(sender.transport, tuple), .producerFlowing(sender.producer, true),
                .producerFlowing(sender.producer, true),
                .producerScore(sender.producer, [ProducerScore(encodingIndex: 0, ssrc: 2222, score: 10)]),
                .consumerScore(
                    receiver.consumer, ConsumerScore(score: 9, producerScore: 10, producerScores: [10])),
                .producerFlowing(sender.producer, false),
            ], on: fixture)
        #expect(
            await fixture.story(after: before) == [
                "transport.connected \(sender.transport)", "media.flowing \(sender.producer)",
                "producer.score \(sender.producer)", "consumer.score \(receiver.consumer)",
                "media.not_flowing \(sender.producer)",
            ])
        let snapshot = await room.snapshot
        #expect(snapshot.transports.first?.tuple.remotePort == 6000)
        #expect(snapshot.producers.first?.scores.first?.score == 10)
        #expect(snapshot.producers.first?.flowing == false)
        #expect(snapshot.consumers.first?.score?.score == 9)
    }

    @Test func `pausing a producer is a fact of it and of its consumers, once`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let sender = try await fixture.sender("s", in: room)
        let receiver = try await fixture.receiver("r", of: sender.producer, in: room)
        let before = fixture.bus.lastID.number
        try await room.pause(sender.producer, of: "s")
        try await room.pause(sender.producer, of: "s")
        await play([], on: fixture)
        try await room.pause(receiver.consumer, of: "r")
        try await room.resume(receiver.consumer, of: "r")
        #expect(
            await fixture.story(after: before) == [
                "producer.paused \(sender.producer)", "consumer.paused \(receiver.consumer)",
                "consumer.paused \(receiver.consumer)", "consumer.resumed \(receiver.consumer)",
            ])
        let consumer = await room.snapshot.consumers.first
        #expect(consumer?.producerPaused == true && consumer?.paused == false)
    }

    @Test func `what is said of an object before its room knows it is not lost`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        try await room.addBroadcaster(fixture.broadcaster("b"))
        let transport = try await room.createPlainTransport(for: "b").id
        await fixture.core.hold()
        async let making = room.produce(on: transport, of: "b", RoomFixture.vp8)
        await fixture.core.somebodyIsHeld()
        await play([.producerFlowing(ProducerID(rawValue: "producer-3"), true)], on: fixture)
        await fixture.core.letGo()
        #expect(try await making.id.rawValue == "producer-3")
        #expect(await fixture.story(after: 3) == ["producer.created producer-3", "media.flowing producer-3"])
    }

    @Test func `what is said of closed objects changes nothing`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let sender = try await fixture.sender("s", in: room)
        try await room.closeProducer(sender.producer, of: "s")
        let before = fixture.bus.lastID.number
        await play(
            [.producerClosed(sender.producer), .producerFlowing(sender.producer, true)]
                + (0..<1000).map { .consumerClosed(ConsumerID(rawValue: "\($0)"), .producerClosed) },
            on: fixture)
        #expect(await fixture.story(after: before).isEmpty)
    }

    @Test func `a cascade that the core began is told with its reasons`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let sender = try await fixture.sender("s", in: room)
        let receiver = try await fixture.receiver("r", of: sender.producer, in: room)
        let before = fixture.bus.lastID.number
        await play(
            [.producerClosed(sender.producer), .consumerClosed(receiver.consumer, .producerClosed)], on: fixture)
        #expect(
            await fixture.story(after: before) == [
                "producer.closed \(sender.producer) (transportclose)",
                "consumer.closed \(receiver.consumer) (producerclose)",
            ])
    }

    @Test func `a reader of changes gets the present producers first, then each change, the closing last`() async throws
    {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let first = try await fixture.sender("a", in: room)
        let changes = await room.changes()
        let second = try await fixture.sender("b", in: room)
        try await room.removeBroadcaster("a", reason: "source ended")
        await room.close(reason: "requested")
        var story: [String] = []
        for await change in changes {
            switch change {
            case .memberAdded(let member): story.append("+\(member.id)")
            case .memberClosed(let member): story.append("-\(member.id)")
            case .producerAdded(let producer): story.append("+\(producer.id) \(producer.cname)")
            case .producerClosed(let id, let reason): story.append("-\(id) \(reason)")
            case .closed(let reason): story.append("closed \(reason)")
            }
        }
        #expect(
            story == [
                "+a", "+\(first.producer) cname-a", "+b", "+\(second.producer) cname-b", "-a",
                "-\(first.producer) transportclose", "-b", "-\(second.producer) transportclose", "closed requested",
            ])
    }
}
