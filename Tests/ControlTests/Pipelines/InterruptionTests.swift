import Base
import Control
import Events
import PipelineControl
import Testing

@Suite(.timeLimit(.minutes(1)))
struct `An interruption` {
    private func tried(_ attempts: Int) -> SourceInterruption { SourceInterruption(reason: "gone", attempts: attempts) }

    @Test func `is news once, and then with further tries, every five seconds at most`() {
        var interruptions = Interruptions()
        let said: [(Int, Int64, Bool)] = [
            (1, 100, true), (1, 101, false), (1, 110, false), (2, 111, true), (3, 112, false), (4, 116, true),
            (4, 130, false),
        ]
        for (attempts, seconds, isNews) in said {
            let news = interruptions.note(tried(attempts), now: .seconds(seconds))
            #expect(news == isNews, "\(attempts) at \(seconds)")
        }
        var ended = interruptions.end(now: .seconds(131))
        #expect(ended == .seconds(31))
        ended = interruptions.end(now: .seconds(132))
        #expect(ended == nil)
        let again = interruptions.note(tried(1), now: .seconds(133))
        #expect(again)
    }

    private static let interrupted =
        #"say '{"type":"interrupted","reason":"rtsp://cam/1: connection refused","attempts":1,"retrySeconds":0.5}'"#
    private static let resumed = #"say '{"type":"resumed"}'"#

    @Test func `stands in the status and in events, and ends`() async throws {
        // Heartbeats repeat it; a second process step ends it.
        let world = try PipelinesWorld(
            ingest: [
                Script.opened(Script.video), Script.ready, Script.running, Self.interrupted, Self.interrupted,
                Script.progress, "sleep 0.3", Self.resumed, Script.untilFinish, Script.finished,
            ].joined(separator: "\n"))
        let started = try await world.supervisor.startIngest(
            IngestRequest(room: "demo", source: .address(try SourceAddress("rtsp://u:hunter2@cam/1"))))
        #expect(started.source == "rtsp://u:•••@cam/1")
        let seen = Task { () -> SourceInterruption? in
            for await status in try await world.supervisor.ingestProgress(started.id) {
                if let interruption = status.interruption { return interruption }
            }
            return nil
        }
        guard case .ingestResumed(let subject, let seconds)? = await world.wait(for: "ingest.resumed") else { return }
        #expect(subject.name == "rtsp://u:•••@cam/1" && seconds > 0)
        #expect(
            try await seen.value
                == SourceInterruption(reason: "rtsp://cam/1: connection refused", attempts: 1, retrySeconds: 0.5))
        #expect(try await world.supervisor.ingest(started.id).interruption == nil)
        #expect(try await world.supervisor.stopIngest(started.id).state == .finished)
        #expect(await world.names().count { $0 == "ingest.interrupted" } == 1)
        #expect(await world.isClean())
    }

    @Test func `may come before anything was open`() async throws {
        let world = try PipelinesWorld(
            ingest: [Self.interrupted, "sleep 0.3", Script.ingestUntilStopped].joined(separator: "\n"))
        let started = try await world.supervisor.startIngest(
            IngestRequest(room: "demo", source: .address(try SourceAddress("rtsp://cam/1")), retry: .always))
        _ = await world.wait(for: "pipeline.running")
        let names = await world.names()
        let order = ["ingest.interrupted", "ingest.resumed", "ingest.opened"].map { names.firstIndex(of: $0) ?? -1 }
        #expect(order == order.sorted() && order[0] >= 0)
        #expect(try await world.supervisor.stopIngest(started.id).state == .finished)
        guard case .ingest(let job)? = try world.heard(started.id).first else { return }
        #expect(job.source == .network(NetworkSource(url: "rtsp://cam/1")) && job.retry == .always)
    }

    @Test func `does not outlive the ingest`() async throws {
        let world = try PipelinesWorld(
            ingest: [Self.interrupted, Script.untilFinish, Script.finished].joined(separator: "\n"))
        let started = try await world.supervisor.startIngest(
            IngestRequest(room: "demo", source: .address(try SourceAddress("rtsp://cam/1")), retry: .always))
        _ = await world.wait(for: "ingest.interrupted")
        let end = try await world.supervisor.stopIngest(started.id)
        #expect(end.state == .finished && end.interruption == nil)
        #expect(!(await world.names().contains("ingest.resumed")))
    }

    @Test func `and all else that a process says shows no secret`() async throws {
        let world = try PipelinesWorld(
            ingest: [
                #"say '{"type":"interrupted","reason":"rtsp://u:hunter2@cam/1: refused","attempts":1}'"#,
                Script.opened(Script.video.replacing("mpeg4", with: "mpeg4 of hunter2")),
                #"hear; say '{"type":"failed","code":"media","message":"hunter2 was refused"}'"#,
            ].joined(separator: "\n"))
        let started = try await world.supervisor.startIngest(
            IngestRequest(room: "demo", source: .address(try SourceAddress("rtsp://u:hunter2@cam/1")), retry: .always))
        let end = try await world.end(ofIngest: started.id)
        #expect(end.failure?.message == "••• was refused")
        #expect(!"\(end)".contains("hunter2"))
        for fact in await world.facts() {
            let text = JSONValue.object(fact.payload).text
            #expect(!text.contains("hunter2"), "\(text)")
        }
        // The process itself has it, and nobody else.
        guard case .ingest(let job)? = try world.heard(started.id).first else { return }
        #expect(job.source == .network(NetworkSource(url: "rtsp://u:hunter2@cam/1")))
    }
}
