import Base
import Control
import Events
import MediaCore
import ScriptedCore
import Testing

@Suite struct RoomLifecycleTests {
    @Test func `a room is made once, however many ask for it at the same time`() async throws {
        let fixture = RoomFixture()
        await fixture.core.hold()
        async let first = fixture.rooms.room("demo")
        await fixture.core.somebodyIsHeld()
        async let second = fixture.rooms.room("demo")
        async let third = fixture.rooms.room("demo")
        await fixture.core.letGo()
        let rooms = try await [first, second, third]
        #expect(rooms[0] === rooms[1] && rooms[1] === rooms[2])
        #expect(await fixture.core.openRouters == 1)
        #expect(await fixture.story() == ["room.created demo"])
    }

    @Test func `a core that refuses a router is heard, and the next try is a new one`() async throws {
        let fixture = RoomFixture()
        await fixture.core.refuse(MediaCoreError(.failed, name: "Error", message: "no more routers"))
        await #expect(throws: ControlError(.failed, "no more routers")) { try await fixture.rooms.room("demo") }
        _ = try await fixture.rooms.room("demo")
        #expect(await fixture.rooms.list().map(\.name) == ["demo"])
    }

    @Test func `a room that nobody uses closes after its time`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        var changes = await room.changes().makeAsyncIterator()
        await fixture.clock.sleepers(1)
        fixture.clock.advance(by: .seconds(60))
        guard case .closed(let reason) = await changes.next() else {
            Issue.record("the reader of changes was not told")
            return
        }
        #expect(reason == "idle")
        #expect(await fixture.story() == ["room.created demo", "room.closed demo (idle)"])
        #expect(await fixture.rooms.existing("demo") == nil)
    }

    @Test func `a broadcaster keeps a room open, and its leaving starts the time anew`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        await fixture.clock.sleepers(1)
        try await room.addBroadcaster(fixture.broadcaster("b"))
        #expect(fixture.clock.sleeping == 0)
        fixture.clock.advance(by: .seconds(600))
        #expect(await fixture.rooms.existing("demo") === room)

        try await room.removeBroadcaster("b")
        await fixture.clock.sleepers(1)
        fixture.clock.advance(by: .seconds(59))
        #expect(fixture.clock.sleeping == 1)
        var changes = await room.changes().makeAsyncIterator()
        fixture.clock.advance(by: .seconds(1))
        guard case .closed = await changes.next() else {
            Issue.record("it did not close")
            return
        }
    }

    @Test func `a holder keeps a room open until it lets go`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        try await room.retain("recording-1")
        #expect(fixture.clock.sleeping == 0)
        #expect(await room.snapshot.holders == ["recording-1"])
        await room.release("recording-1")
        await fixture.clock.sleepers(1)
    }

    @Test func `asking for a room starts its time anew`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        await fixture.clock.sleepers(1)
        fixture.clock.advance(by: .seconds(59))
        #expect(try await fixture.rooms.room("demo") === room)
        await fixture.clock.sleepers(1)
        fixture.clock.advance(by: .seconds(59))
        #expect(await fixture.rooms.existing("demo") === room)
    }

    @Test func `with no idle time a room stays`() async throws {
        let fixture = RoomFixture(idleTimeout: .zero)
        _ = try await fixture.rooms.room("demo")
        #expect(fixture.clock.sleeping == 0)
    }

    @Test func `closing a room closes everything in it in order, and the router at the core`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let sender = try await fixture.sender("s", in: room)
        let receiver = try await fixture.receiver("r", of: sender.producer, in: room)
        let before = fixture.bus.lastID.number
        try await fixture.rooms.close("demo")
        #expect(
            await fixture.story(after: before) == [
                "producer.closed \(sender.producer) (transportclose)",
                "consumer.closed \(receiver.consumer) (producerclose)",
                "transport.closed \(sender.transport) (roomclose)",
                "broadcaster.closed s (roomclose)",
                "transport.closed \(receiver.transport) (roomclose)",
                "broadcaster.closed r (roomclose)",
                "room.closed demo (requested)",
            ])
        #expect(await fixture.core.openRouters == 0)
        await #expect(throws: ControlError(.notFound, "room \"demo\" is closed")) {
            try await room.addBroadcaster(fixture.broadcaster("late"))
        }
        await #expect(throws: ControlError(.notFound, "room \"demo\" does not exist")) {
            try await fixture.rooms.close("demo")
        }
    }

    @Test func `the name of a closed room makes a new room`() async throws {
        let fixture = RoomFixture()
        let first = try await fixture.rooms.room("demo")
        await first.close(reason: "requested")
        let second = try await fixture.rooms.room("demo")
        #expect(first !== second)
        #expect(await second.snapshot.broadcasters.isEmpty)
    }

    @Test func `after shutdown there are no rooms and no new ones`() async throws {
        let fixture = RoomFixture()
        _ = try await fixture.rooms.room("a")
        await fixture.rooms.shutDown()
        #expect(await fixture.story() == ["room.created a", "room.closed a (shutdown)"])
        await #expect(throws: ControlError.self) { try await fixture.rooms.room("b") }
    }

    @Test func `when the core dies every room closes`() async throws {
        let fixture = RoomFixture()
        _ = try await fixture.rooms.room("a")
        fixture.core.say(.died("signal 11"))
        fixture.core.fallSilent()
        await fixture.rooms.run()
        #expect(await fixture.story() == ["room.created a", "room.closed a (coredied)"])
    }
}
