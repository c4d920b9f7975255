import Base
import Control
import Events
import MediaCore
import ORTC
import ScriptedCore
import Testing

@Suite struct BroadcasterTests {
    @Test func `the scripts' sequence makes two transports and two producers, each told`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        try await room.addBroadcaster(fixture.broadcaster("b"))
        let audio = try await room.createPlainTransport(for: "b")
        let video = try await room.createPlainTransport(for: "b")
        try await room.produce(on: audio.id, of: "b", RoomFixture.opus)
        try await room.produce(on: video.id, of: "b", RoomFixture.vp8)
        #expect(
            await fixture.story() == [
                "room.created demo", "broadcaster.created b", "transport.created \(audio.id)",
                "transport.created \(video.id)", "producer.created producer-4", "producer.created producer-5",
            ])
        let snapshot = await room.snapshot
        #expect(snapshot.producers.map(\.kind) == [.audio, .video])
        #expect(snapshot.producers.map(\.codec) == ["audio/opus", "video/vp8"])
        #expect(snapshot.transports.map(\.id) == [audio.id, video.id])
    }

    @Test func `all transports of a broadcaster share its CNAME, and the API's defaults hold`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        try await room.addBroadcaster(fixture.broadcaster("b"))
        for _ in 0..<2 { _ = try await room.createPlainTransport(for: "b") }
        for id in await fixture.core.transportIDs {
            let options = await fixture.core.options(of: id)
            #expect(options == PlainTransportOptions(rtcpMux: false, comedia: true, cname: "cname-b"))
        }
    }

    @Test func `an id that is taken is refused`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        try await room.addBroadcaster(fixture.broadcaster("b"))
        await #expect(throws: ControlError(.conflict, "broadcaster with id \"b\" already exists")) {
            try await room.addBroadcaster(fixture.broadcaster("b"))
        }
    }

    @Test func `leaving closes transports, producers and their consumers elsewhere, then the broadcaster`() async throws
    {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let sender = try await fixture.sender("s", in: room)
        let receiver = try await fixture.receiver("r", of: sender.producer, in: room)
        let before = fixture.bus.lastID.number
        try await room.removeBroadcaster("s")
        #expect(
            await fixture.story(after: before) == [
                "producer.closed \(sender.producer) (transportclose)",
                "consumer.closed \(receiver.consumer) (producerclose)",
                "transport.closed \(sender.transport) (broadcasterclose)",
                "broadcaster.closed s (requested)",
            ])
        #expect(await fixture.core.calls.last == "close \(sender.transport)")
        let snapshot = await room.snapshot
        #expect(snapshot.broadcasters.map(\.id) == ["r"])
        #expect(snapshot.producers.isEmpty && snapshot.consumers.isEmpty)
        #expect(snapshot.transports.map(\.id) == [receiver.transport])
    }

    @Test func `another broadcaster's objects are as unknown as none`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let sender = try await fixture.sender("s", in: room)
        let receiver = try await fixture.receiver("r", of: sender.producer, in: room)
        await #expect(throws: ControlError(.notFound, "transport with id \"\(sender.transport)\" does not exist")) {
            try await room.produce(on: sender.transport, of: "r", RoomFixture.vp8)
        }
        await #expect(throws: ControlError(.notFound, "producer with id \"\(sender.producer)\" does not exist")) {
            try await room.pause(sender.producer, of: "r")
        }
        await #expect(throws: ControlError(.notFound, "consumer with id \"\(receiver.consumer)\" does not exist")) {
            try await room.resume(receiver.consumer, of: "s")
        }
        await #expect(throws: ControlError(.notFound, "broadcaster with id \"x\" does not exist")) {
            try await room.closeTransport(sender.transport, of: "x")
        }
    }

    @Test func `a broadcaster that leaves while its transport is made leaves no transport behind`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        try await room.addBroadcaster(fixture.broadcaster("b"))
        await fixture.core.hold()
        let making = Task { try await room.createPlainTransport(for: "b") }
        await fixture.core.somebodyIsHeld()
        try await room.removeBroadcaster("b")
        await fixture.core.letGo()
        await #expect(throws: ControlError(.notFound, "broadcaster with id \"b\" does not exist")) {
            _ = try await making.value
        }
        #expect(await fixture.core.transportIDs.isEmpty)
        #expect(await !fixture.story().contains { $0.hasPrefix("transport.created") })
    }

    @Test func `a consumer whose producer goes while it is made never appears`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let sender = try await fixture.sender("s", in: room)
        try await room.addBroadcaster(fixture.broadcaster("r", capabilities: room.routerCapabilities))
        let transport = try await room.createPlainTransport(for: "r").id
        await fixture.core.hold()
        let making = Task {
            try await room.consume(on: transport, of: "r", ConsumeRequest(producer: sender.producer))
        }
        await fixture.core.somebodyIsHeld()
        try await room.closeProducer(sender.producer, of: "s")
        await fixture.core.letGo()
        await #expect(throws: ControlError(.notFound, "Producer with id \"\(sender.producer)\" not found")) {
            _ = try await making.value
        }
        #expect(await room.snapshot.consumers.isEmpty)
    }

    @Test func `consuming needs capabilities, of the broadcaster or of the request`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let sender = try await fixture.sender("s", in: room)
        await #expect(throws: ControlError(.invalid, "broadcaster does not have rtpCapabilities")) {
            try await room.consume(on: sender.transport, of: "s", ConsumeRequest(producer: sender.producer))
        }
        let consumer = try await room.consume(
            on: sender.transport, of: "s",
            ConsumeRequest(producer: sender.producer, rtpCapabilities: room.routerCapabilities, paused: true))
        #expect(consumer.paused)
        #expect(consumer.kind == .video)
    }

    @Test func `connecting is told, twice is refused with the core's words`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        try await room.addBroadcaster(fixture.broadcaster("b"))
        let transport = try await room.createPlainTransport(for: "b", options: TransportRequest(comedia: false))
        let remote = PlainTransportRemote(ip: "127.0.0.1", port: 5000, rtcpPort: 5001)
        try await room.connect(transport.id, of: "b", remote)
        #expect(
            await fixture.story(after: 3) == [
                "transport.connected \(transport.id)", "transport.connected \(transport.id)",
            ])
        await #expect(
            throws: ControlError(.conflict, "connect() already called [method:plainTransport.connect]")
        ) { try await room.connect(transport.id, of: "b", remote) }
        #expect(await room.snapshot.transports.first?.rtcpTuple?.remotePort == 5001)
    }
}
