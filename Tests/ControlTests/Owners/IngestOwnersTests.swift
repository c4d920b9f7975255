import Base
import Control
import PipelineControl
import PipelineDescription
import ScriptedCore
import Testing

@Suite struct IngestOwnersTests {
    /// Remembers what was stopped.
    final class Stops: PipelineControlling {
        let stopped = Locked<[String]>([])
        let stream = AsyncStream.makeStream(of: String.self)

        func stopIngest(_ id: String) async throws(ControlError) -> IngestStatus {
            stopped.withLock { $0.append(id) }
            stream.continuation.yield(id)
            return IngestStatus(id: id, room: "demo", source: "test", state: .finished)
        }

        func startIngest(_ request: IngestRequest) async throws(ControlError) -> IngestStatus { throw unused }
        func blueprints() async -> [PipelineBlueprint] { [] }
        func ingests() async -> [IngestStatus] { [] }
        func ingest(_ id: String) async throws(ControlError) -> IngestStatus { throw unused }
        func ingestProgress(_ id: String) async throws(ControlError) -> AsyncStream<IngestStatus> { throw unused }
        func startRecording(_ request: RecordingRequest) async throws(ControlError) -> RecordingStatus { throw unused }
        func recordings() async -> [RecordingStatus] { [] }
        func recording(_ id: String) async throws(ControlError) -> RecordingStatus { throw unused }
        func finishRecording(_ id: String) async throws(ControlError) -> RecordingStatus { throw unused }
        func recordingProgress(_ id: String) async throws(ControlError) -> AsyncStream<RecordingStatus> { throw unused }

        private var unused: ControlError { ControlError(.failed, "not part of this test") }
    }

    let stops = Stops()
    let clock = ManualClock()

    @Test func `an attached ingest whose owner never comes is stopped`() async {
        let owners = IngestOwners(pipelines: stops, patience: .seconds(10), clock: clock)
        await owners.expectOwner(of: "i")
        await clock.sleepers(1)
        clock.advance(by: .seconds(9))
        #expect(stops.stopped.withLock { $0 }.isEmpty)
        clock.advance(by: .seconds(1))
        #expect(await stops.stream.stream.first { _ in true } == "i")
    }

    @Test func `an owner in time keeps it, and its leaving stops it at once`() async {
        let owners = IngestOwners(pipelines: stops, patience: .seconds(10), clock: clock)
        await owners.expectOwner(of: "i")
        await clock.sleepers(1)
        await owners.claim("i")
        #expect(clock.sleeping == 0)
        clock.advance(by: .seconds(100))
        #expect(stops.stopped.withLock { $0 }.isEmpty)
        await owners.release("i")
        #expect(stops.stopped.withLock { $0 } == ["i"])
    }

    @Test func `of two owners the last one counts, and nobody's release does nothing`() async {
        let owners = IngestOwners(pipelines: stops, clock: clock)
        await owners.claim("i")
        await owners.claim("i")
        await owners.release("i")
        #expect(stops.stopped.withLock { $0 }.isEmpty)
        await owners.release("i")
        await owners.release("i")
        await owners.release("other")
        #expect(stops.stopped.withLock { $0 } == ["i"])
    }

    @Test func `an owner that was there before it was expected is not waited for`() async {
        let owners = IngestOwners(pipelines: stops, clock: clock)
        await owners.claim("i")
        await owners.expectOwner(of: "i")
        #expect(clock.sleeping == 0)
    }
}
