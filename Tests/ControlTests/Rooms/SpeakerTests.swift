import Base
import Control
import Events
import MediaCore
import ScriptedCore
import Testing

@Suite struct SpeakerTests {
    /// Says the events, ends the core's stream and waits until the rooms have applied all.
    private func play(_ events: [MediaCoreEvent], on fixture: RoomFixture) async {
        for event in events { fixture.core.say(event) }
        fixture.core.fallSilent()
        await fixture.rooms.run()
    }

    private func levels(of room: Room) -> RTPObserverID { RTPObserverID(rawValue: "levels of \(room.router)") }
    private func speakers(of room: Room) -> RTPObserverID { RTPObserverID(rawValue: "speakers of \(room.router)") }

    /// A broadcaster with one transport, on which it sends sound.
    private func speaker(_ id: String, in room: Room, _ fixture: RoomFixture) async throws -> ProducerID {
        try await room.addBroadcaster(fixture.broadcaster(id))
        let transport = try await room.createPlainTransport(for: id).id
        return try await room.produce(on: transport, of: id, RoomFixture.opus).id
    }

    @Test func `both observers of a room hear all its sound and no pictures`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        _ = try await fixture.sender("video", in: room)
        let (first, second) = (
            try await speaker("a", in: room, fixture), try await speaker("b", in: room, fixture)
        )
        let heard = await fixture.core.heard
        #expect(heard == [levels(of: room): [first, second], speakers(of: room): [first, second]])
        // Another room has its own.
        let other = try await fixture.rooms.room("other")
        #expect(await fixture.core.heard[levels(of: other)] == [])
    }

    @Test func `who is loud, who leads and who is silent become state and facts, once each`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let (a, b) = (try await speaker("a", in: room, fixture), try await speaker("b", in: room, fixture))
        let before = fixture.bus.lastID.number
        let (loud, quiet) = (AudioVolume(producer: a, volume: -10), AudioVolume(producer: b, volume: -30))
        let gone = AudioVolume(producer: ProducerID(rawValue: "gone"), volume: 0)
        await play(
            [
                .observerDominantSpeaker(speakers(of: room), a),
                .observerVolumes(levels(of: room), [gone, loud, quiet]),
                .observerVolumes(levels(of: room), [loud]), .observerVolumes(levels(of: room), [quiet, loud]),
                .observerVolumes(levels(of: room), [gone]), .observerSilence(levels(of: room)),
                .observerSilence(levels(of: room)), .observerDominantSpeaker(speakers(of: room), b),
                .observerDominantSpeaker(speakers(of: room), gone.producer),
            ], on: fixture)
        #expect(
            await fixture.story(after: before) == [
                "speaker.dominant \(a)", "speaker.loudest \(a)", "speaker.loudest \(b)", "speaker.silence demo",
                "speaker.dominant \(b)",
            ])
        #expect(await room.snapshot.speakers.loudest == nil)
        #expect(await room.snapshot.speakers.dominant == b)
        try await room.closeProducer(b, of: "b")
        #expect(await room.snapshot.speakers.dominant == nil)
    }

    @Test func `the way that ICE chose, and layers, become state and facts`() async throws {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        let sender = try await fixture.sender("s", in: room)
        let receiver = try await fixture.receiver("r", of: sender.producer, in: room)
        try await room.addBroadcaster(fixture.broadcaster("client"))
        let transport = try await room.createWebRTCTransport(for: "client").id
        #expect(await room.snapshot.transports.last?.webRTC?.hasPath == false)
        let before = fixture.bus.lastID.number
        await play(
            [
                .iceSelectedTuple(
                    transport,
                    TransportTuple(
                        localAddress: "203.0.113.5", localPort: 44_444, remoteIP: "192.0.2.7", remotePort: 5000,
                        isTCP: true)),
                .consumerLayers(receiver.consumer, ForwardedLayers(spatialLayer: 1, temporalLayer: 2)),
                .consumerLayers(receiver.consumer, nil),
            ], on: fixture)
        #expect(
            await fixture.story(after: before) == [
                "transport.path \(transport)", "consumer.layers \(receiver.consumer)",
                "consumer.layers \(receiver.consumer)",
            ])
        let found = try #require(await room.snapshot.transports.last)
        #expect(found.webRTC?.hasPath == true && found.tuple.isTCP && found.tuple.localAddress == "203.0.113.5")
    }

    @Test func `the owner of a watched transport hears of its downlink, and of nothing else that is traced`()
        async throws
    {
        let fixture = RoomFixture()
        let room = try await fixture.rooms.room("demo")
        try await room.addBroadcaster(fixture.broadcaster("client"))
        let transport = try await room.createWebRTCTransport(for: "client").id
        try await room.watchDownlink(of: transport, of: "client")
        #expect(await fixture.core.traced == [transport: [.bandwidth]])
        await #expect(throws: ControlError.self) { try await room.watchDownlink(of: transport, of: "somebody") }
        let changes = try await room.changes(of: "client")
        let info: JSONValue = ["desiredBitrate": 7, "effectiveDesiredBitrate": 8, "availableBitrate": 9]
        func trace(_ type: TraceType, isIncoming: Bool = false) -> MediaCoreEvent {
            .transportTrace(transport, Trace(type: type, timestamp: 1, isIncoming: isIncoming, info: info))
        }
        await play([trace(.probation), trace(.bandwidth, isIncoming: true), trace(.bandwidth)], on: fixture)
        await room.close(reason: "over")
        var told: [DownlinkEstimate] = []
        for await case .downlink(transport, let estimate) in changes { told.append(estimate) }
        #expect(told == [DownlinkEstimate(desired: 7, effectiveDesired: 8, available: 9)])
    }
}
