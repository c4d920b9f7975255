import Base
import Control
import Events
import MediaCore
import ScriptedCore
import Testing

/// When sessions end, and that nothing of them stays.
@Suite struct ClientSessionTests {
    let fixture = RoomFixture(idleTimeout: .zero)

    /// A publisher of one video, with the rooms listening to the core.
    private func publisher(
        _ sessions: ClientSessions
    ) async throws -> (session: ClientSession, producer: ProducerID) {
        let room = try await fixture.rooms.room("demo")
        let session = try await sessions.open(.publisher, in: room, name: nil)
        let made = try await room.produce(on: session.transport.id, of: session.member.id, RoomFixture.vp8)
        await session.carry([SessionTrack(mediaID: 0, producer: made.id)])
        return (session, made.id)
    }

    /// Runs `body` while what the core says reaches the rooms.
    private func listening(_ body: () async throws -> Void) async throws {
        let task = Task { await fixture.rooms.run() }
        try await body()
        fixture.core.fallSilent()
        await task.value
    }

    /// The reason of the member's leaving, when it has left.
    private func reasonOfLeaving() async throws -> String {
        for await event in fixture.bus.subscribe(.beginning) {
            if case .broadcasterClosed(_, let reason) = event.fact { return reason }
        }
        return "never"
    }

    private func expectNothingLeft(_ sessions: ClientSessions) async throws {
        #expect(await sessions.count == 0)
        #expect(try await fixture.rooms.room("demo").snapshot.broadcasters.isEmpty)
        #expect(await fixture.core.transportIDs.isEmpty)
    }

    @Test(arguments: [
        (DTLSState.failed, ClosingReason.dtlsFailed), (.closed, ClosingReason.dtlsClosed),
    ])
    func `DTLS that fails or says goodbye ends it`(state: DTLSState, reason: String) async throws {
        let sessions = ClientSessions(clock: fixture.clock)
        try await listening {
            let (session, _) = try await publisher(sessions)
            fixture.core.say(.dtlsState(session.transport.id, state, reason: nil))
            #expect(try await reasonOfLeaving() == reason)
            #expect(await !session.isOpen)
        }
        try await expectNothingLeft(sessions)
    }

    @Test func `who never comes is not waited for longer than 30 seconds`() async throws {
        let sessions = ClientSessions(clock: fixture.clock)
        try await listening {
            let (session, _) = try await publisher(sessions)
            await fixture.clock.sleepers(1)
            fixture.clock.advance(by: .seconds(29))
            #expect(await session.isOpen)
            fixture.clock.advance(by: .seconds(1))
            #expect(try await reasonOfLeaving() == ClosingReason.neverConnected)
        }
        try await expectNothingLeft(sessions)
    }

    @Test func `lost consent ends it after 5 seconds, unless it is regained`() async throws {
        let sessions = ClientSessions(clock: fixture.clock)
        try await listening {
            let (session, _) = try await publisher(sessions)
            let id = session.transport.id
            let changes = fixture.bus.subscribe(.now)
            var states = changes.filter { event in
                if case .transportState = event.fact { true } else { false }
            }.makeAsyncIterator()
            fixture.core.say(.iceState(id, .completed))
            fixture.core.say(.dtlsState(id, .connected, reason: nil))
            _ = await (states.next(), states.next())
            // The timer of the beginning stops: nobody sleeps.
            while fixture.clock.sleeping > 0 { await Task.yield() }
            fixture.core.say(.iceState(id, .disconnected))
            await fixture.clock.sleepers(1)
            fixture.clock.advance(by: .seconds(4))
            fixture.core.say(.iceState(id, .connected))
            while fixture.clock.sleeping > 0 { await Task.yield() }
            fixture.clock.advance(by: .seconds(60))
            #expect(await session.isOpen)
            fixture.core.say(.iceState(id, .disconnected))
            await fixture.clock.sleepers(1)
            fixture.clock.advance(by: .seconds(5))
            #expect(try await reasonOfLeaving() == ClosingReason.iceDisconnected)
        }
        try await expectNothingLeft(sessions)
    }

    @Test func `it ends with the last that it sends, and with its room`() async throws {
        let sessions = ClientSessions(clock: fixture.clock)
        try await listening {
            let (session, producer) = try await publisher(sessions)
            let room = try await fixture.rooms.room("demo")
            try await room.closeProducer(producer, of: session.member.id)
            #expect(try await reasonOfLeaving() == ClosingReason.producerClosed)
            let (other, _) = try await publisher(sessions)
            await room.close(reason: ClosingReason.requested)
            while await sessions.count > 0 { await Task.yield() }
            #expect(await !other.isOpen)
        }
        #expect(await fixture.core.openRouters == 0)
        #expect(await fixture.core.transportIDs.isEmpty)
    }

    @Test func `a room that can't make a transport has no new member`() async throws {
        let sessions = ClientSessions(clock: fixture.clock)
        let room = try await fixture.rooms.room("demo")
        await fixture.core.refuse(MediaCoreError(.exhausted, name: "Error", message: "no port is free"))
        await #expect(throws: ControlError.self) { try await sessions.open(.player, in: room, name: nil) }
        try await expectNothingLeft(sessions)
    }
}
