import Base
import Control
import Gateway
import Logging
import PipelineControl
import ScriptedCore
import Testing

@Suite struct `Sources that are recorded` {
    @Test(arguments: StandingSource.Recording.allCases)
    func `have their recording before them`(_ container: StandingSource.Recording) async throws {
        let world = World()
        try await world.running(StandingSource(Self.camera, record: container)) {
            try await world.tells("record a by record-\(container)")
            try await world.tells("ingest a")
            world.endIngest(.finished)
            try await world.tells("finish recording 1")
        }
    }

    @Test func `go into their room though the recording can't be made, and it is tried again after a growing delay`()
        async throws
    {
        let world = World(refusals: 3)
        try await world.running(StandingSource(Self.camera, record: .mkv)) {
            try await world.tells("refused")
            try await world.tells("ingest a")
            for (delay, outcome) in [(1, "refused"), (2, "refused"), (4, "record a by record-mkv")] {
                await world.clock.sleepers(1)
                world.clock.advance(by: .seconds(delay) - .milliseconds(1))
                for _ in 0..<100 { await Task.yield() }
                #expect(world.isQuiet, "after less than \(delay) s")
                world.clock.advance(by: .milliseconds(1))
                try await world.tells(outcome)
            }
            world.endIngest(.finished)
            try await world.tells("finish recording 1")
        }
    }

    @Test(arguments: [RecordingStatus.State.failed, .finished])
    func `are recorded into another file when one ends and they go on`(_ state: RecordingStatus.State) async throws {
        let world = World()
        try await world.running(StandingSource(Self.camera, record: .mkv)) {
            try await world.tells("record a by record-mkv")
            try await world.tells("ingest a")
            world.endRecording(state)
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(1))
            try await world.tells("record a by record-mkv")
            world.endIngest(.finished)
            try await world.tells("finish recording 2")
        }
    }

    @Test func `that are started again have another file`() async throws {
        let world = World()
        try await world.running(StandingSource(Self.camera, record: .mkv)) {
            try await world.tells("record a by record-mkv")
            try await world.tells("ingest a")
            world.endIngest(.failed)
            try await world.tells("finish recording 1")
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(1))
            try await world.tells("record a by record-mkv")
            try await world.tells("ingest a")
            world.endIngest(.finished)
            try await world.tells("finish recording 2")
        }
    }

    @Test func `leave a recording that ended with them alone`() async throws {
        let world = World()
        try await world.running(StandingSource(Self.camera, record: .mkv)) {
            try await world.tells("record a by record-mkv")
            try await world.tells("ingest a")
            world.endRecording(.finished)
            await world.clock.sleepers(1)
            world.endIngest(.finished)
        }
        #expect(world.isQuiet)
    }

    private static let camera = IngestRequest(room: "a", source: .test, retry: .always)

    /// What is started and ended, in its order; the test says how long it lives.
    private final class World: Sendable {
        struct State {
            var told: [String] = []
            var refusals: Int
            var recordings = 0
            var ingest: AsyncStream<IngestStatus>.Continuation?
            var recording: AsyncStream<RecordingStatus>.Continuation?
        }

        let clock = ManualClock()
        private let state: Locked<State>

        init(refusals: Int = 0) { state = Locked(State(refusals: refusals)) }

        var isQuiet: Bool { state.withLock { $0.told.isEmpty } }

        /// Expects that this happens next, within a minute.
        func tells(_ wanted: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let told = try await next()
            #expect(told == wanted, sourceLocation: sourceLocation)
        }

        private func next() async throws -> String {
            let deadline = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < deadline {
                if let first = state.withLock({ $0.told.isEmpty ? nil : $0.told.removeFirst() }) { return first }
                try await Task.sleep(for: .milliseconds(2))
            }
            throw ControlError(.failed, "nothing happened within a minute")
        }

        func endIngest(_ end: IngestStatus.State) {
            let statuses = state.withLock { $0.ingest }
            statuses?.yield(IngestStatus(id: "ingest-1", room: "a", source: "test", state: end))
            statuses?.finish()
        }

        func endRecording(_ end: RecordingStatus.State) {
            let statuses = state.withLock { $0.recording }
            statuses?.yield(RecordingStatus(id: "recording-1", room: "a", file: "a.mkv", state: end))
            statuses?.finish()
        }

        private func record(
            _ request: RecordingRequest
        ) throws(ControlError) -> (statuses: AsyncStream<RecordingStatus>, finish: @Sendable () async -> Void) {
            let (stream, statuses) = AsyncStream.makeStream(of: RecordingStatus.self)
            let number = state.withLock { state -> Int? in
                guard state.refusals == 0 else {
                    state.refusals -= 1
                    state.told.append("refused")
                    return nil
                }
                state.recordings += 1
                state.recording = statuses
                state.told.append("record \(request.room) by \(request.pipeline ?? "?")")
                return state.recordings
            }
            guard let number else { throw ControlError(.failed, "the disk is full") }
            return (stream, { [self] in state.withLock { $0.told.append("finish recording \(number)") } })
        }

        /// - Returns: when the source has come to its end.
        func running(_ source: StandingSource, _ body: @escaping @Sendable () async throws -> Void) async throws {
            let (listening, isListening) = AsyncStream.makeStream(of: Void.self)
            isListening.yield()
            let standing = StandingSources(
                [source], after: listening,
                start: { [self] request throws(ControlError) in
                    let (stream, statuses) = AsyncStream.makeStream(of: IngestStatus.self)
                    state.withLock { state in
                        state.ingest = statuses
                        state.told.append("ingest \(request.room)")
                    }
                    return stream
                }, record: { [self] request throws(ControlError) in try record(request) },
                clock: clock, jitter: { 0 }, logger: Logger(label: "test"))
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
