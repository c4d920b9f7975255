import Base
import Control
import Events
import PipelineControl
import Signaling

extension MetricsCollector {
    static func metrics(
        ingests: [IngestStatus], recordings: [RecordingStatus], _ bytes: RecordedBytes, _ counts: EventTally.Counts
    ) -> [Metric] {
        [
            Metric(
                "ladle_pipelines", .gauge, "Pipelines that have not ended, by kind and state.",
                states(of: ingests.map(\.state.rawValue), IngestStatus.State.allCases.map(\.rawValue), .ingest)
                    + states(
                        of: recordings.map(\.state.rawValue), RecordingStatus.State.allCases.map(\.rawValue), .record)),
            Metric(
                "ladle_ingests_interrupted", .gauge, "Ingests whose source brings nothing at the moment.",
                ingests.count { $0.interruption != nil && !["finished", "failed"].contains($0.state.rawValue) }),
            Metric(
                "ladle_pipelines_finished_total", .counter, "Pipelines that ended well, by kind.",
                kinds.map { .init(Double(counts.finished[$0] ?? 0), [.init("kind", $0.label)]) }),
            Metric(
                "ladle_pipelines_failed_total", .counter, "Pipelines that failed, by kind and code.", failures(counts)),
            Metric(
                "ladle_recording_bytes_total", .counter, "Written by recordings, in bytes.",
                Double(bytes.total(with: recordings))),
        ]
    }

    private static let kinds: [PipelineSubject.Kind] = [.ingest, .record]

    /// The final ones are left out: the list forgets them after a while, and the counters don't.
    private static func states(
        of present: [String], _ all: [String], _ kind: PipelineSubject.Kind
    ) -> [Metric.Sample] {
        let lasting = all.filter { !["finished", "failed"].contains($0) }
        return count(present.filter { lasting.contains($0) }, by: "state", lasting) { $0 }.map { sample in
            .init(sample.value, [.init("kind", kind.label)] + sample.labels)
        }
    }

    /// Every code is there from the start: a series that begins with its first failure shows no increase.
    private static func failures(_ counts: EventTally.Counts) -> [Metric.Sample] {
        kinds.flatMap { (kind: PipelineSubject.Kind) -> [Metric.Sample] in
            let known = PipelineFailure.Code.allCases.map(\.rawValue)
            let others = Set(counts.failed.keys.filter { $0.kind == kind }.map(\.code)).subtracting(known).sorted()
            return (known + others).map { (code: String) -> Metric.Sample in
                let count = counts.failed[.init(kind: kind, code: code)] ?? 0
                return .init(Double(count), [.init("kind", kind.label), .init("code", code)])
            }
        }
    }
}

extension PipelineSubject.Kind {
    /// As the API calls them.
    fileprivate var label: String {
        switch self {
        case .ingest: "ingest"
        case .record: "recording"
        }
    }
}

/// What recordings have written since the start: the present ones, and those that are forgotten by now.
final class RecordedBytes: Sendable {
    private struct State {
        var total = 0
        /// As they were at the last look.
        var seen: [String: Int] = [:]
    }

    private let state = Locked(State())

    func total(with recordings: [RecordingStatus]) -> Int {
        state.withLock { state in
            var seen: [String: Int] = [:]
            for recording in recordings {
                let before = state.seen[recording.id] ?? 0
                // A final size may be below the last report: a counter does not fall.
                seen[recording.id] = max(before, recording.bytes)
                state.total += max(0, recording.bytes - before)
            }
            state.seen = seen
            return state.total
        }
    }
}
