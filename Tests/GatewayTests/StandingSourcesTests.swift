import Base
import Control
import Gateway
import Logging
import PipelineControl
import ScriptedCore
import Testing

@Suite struct `Sources at the start` {
    @Test func `wait until requests are accepted`() async throws {
        let world = World()
        try await world.running([StandingSource(Self.camera)]) {
            for _ in 0..<100 { await Task.yield() }
            #expect(world.started.withLock { $0.isEmpty })
            world.open()
            let (request, life) = try await world.next()
            #expect(request == Self.camera)
            life.end(.finished)
        }
    }

    @Test func `that failed are started again after a growing delay, which a long life forgives`() async throws {
        let world = World()
        try await world.running([StandingSource(Self.camera)]) {
            world.open()
            // Without jitter: 1, 2, 4 … 60 s.
            for delay in [1, 2, 4, 8, 16, 32, 60, 60] {
                try await world.next().life.end(.failed)
                await world.clock.sleepers(1)
                world.clock.advance(by: .seconds(delay) - .milliseconds(1))
                for _ in 0..<100 { await Task.yield() }
                #expect(world.started.withLock { $0.isEmpty }, "after less than \(delay) s")
                world.clock.advance(by: .milliseconds(1))
            }
            let long = try await world.next().life
            world.clock.advance(by: .seconds(60))
            long.end(.failed)
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(1))
            try await world.next().life.end(.finished)
        }
    }

    @Test func `that are refused are tried again too`() async throws {
        let world = World()
        world.refusals.withLock { $0 = 2 }
        try await world.running([StandingSource(Self.camera)]) {
            world.open()
            for delay in [1, 2] {
                await world.clock.sleepers(1)
                world.clock.advance(by: .seconds(delay))
            }
            try await world.next().life.end(.finished)
        }
    }

    @Test func `come back apart from each other`() async throws {
        // With the largest jitter half of the delay is left.
        let world = World(jitter: 1)
        try await world.running([StandingSource(Self.camera)]) {
            world.open()
            try await world.next().life.end(.failed)
            await world.clock.sleepers(1)
            world.clock.advance(by: .milliseconds(500))
            try await world.next().life.end(.finished)
        }
    }

    @Test func `that came to their end stay there, and the others go on`() async throws {
        let world = World()
        let film = IngestRequest(room: "film", source: .file("film.mp4"))
        try await world.running([StandingSource(Self.camera), StandingSource(film)]) {
            world.open()
            let lives = [try await world.next(), try await world.next()]
            lives.first { $0.request == film }?.life.end(.finished)
            lives.first { $0.request == Self.camera }?.life.end(.failed)
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(1))
            let again = try await world.next()
            #expect(again.request == Self.camera)
            #expect(world.started.withLock { $0.isEmpty })
            again.life.end(.finished)
        }
    }

    private static let camera = IngestRequest(room: "a", source: .test, retry: .always)

    private struct Life: Sendable {
        let statuses: AsyncStream<IngestStatus>.Continuation

        func end(_ state: IngestStatus.State) {
            statuses.yield(IngestStatus(id: "ingest-1", room: "a", source: "test", state: state))
            statuses.finish()
        }
    }

    /// Ingests that live as long as the test says.
    private final class World: Sendable {
        let clock = ManualClock()
        let started = Locked<[(request: IngestRequest, life: Life)]>([])
        let refusals = Locked(0)
        private let jitter: Double
        private let listening = AsyncStream.makeStream(of: Void.self)

        init(jitter: Double = 0) { self.jitter = jitter }

        func open() { listening.continuation.yield() }

        /// The next ingest that was started, within a minute.
        func next() async throws -> (request: IngestRequest, life: Life) {
            let deadline = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < deadline {
                if let first = started.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return first }
                try await Task.sleep(for: .milliseconds(2))
            }
            throw ControlError(.failed, "nothing was started within a minute")
        }

        /// - Returns: when every source has come to its end.
        func running(_ sources: [StandingSource], _ body: @escaping @Sendable () async throws -> Void) async throws {
            let standing = StandingSources(
                sources, after: listening.stream,
                start: { [started, refusals] request throws(ControlError) in
                    let isRefused = refusals.withLock { count in
                        defer { count = max(0, count - 1) }
                        return count > 0
                    }
                    if isRefused { throw ControlError(.failed, "no port is free") }
                    let (stream, statuses) = AsyncStream.makeStream(of: IngestStatus.self)
                    started.withLock { $0.append((request, Life(statuses: statuses))) }
                    return stream
                }, record: { _ throws(ControlError) in throw ControlError(.failed, "nothing is recorded here") },
                clock: clock, jitter: { [jitter] in jitter }, logger: Logger(label: "test"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await standing.run() }
                do { try await body() } catch {
                    group.cancelAll()
                    throw error
                }
                try await group.next()
            }
        }
    }
}
