import Base
import Events

/// Counts what happened: objects that have ended are soon forgotten by all who had them.
public final class EventTally: Sendable {
    public struct Counts: Sendable, Hashable {
        /// By the event's name.
        public var events: [FactKind: UInt64] = [:]
        public var finished: [PipelineSubject.Kind: UInt64] = [:]
        public var failed: [Failure: UInt64] = [:]
    }

    public struct Failure: Sendable, Hashable {
        public var kind: PipelineSubject.Kind
        public var code: String
    }

    private let state = Locked(Counts())

    public init() {}

    public var counts: Counts { state.withLock { $0 } }

    /// Returns when the bus has ended or the task is cancelled.
    public func run(_ events: EventBus) async {
        for await event in events.subscribe(.beginning) { count(event.fact) }
    }

    private func count(_ fact: Fact) {
        state.withLock { counts in
            counts.events[fact.kind, default: 0] += 1
            switch fact {
            case .pipelineFinished(let subject, _): counts.finished[subject.kind, default: 0] += 1
            case .pipelineFailed(let subject, let code, _):
                counts.failed[Failure(kind: subject.kind, code: code), default: 0] += 1
            default: break
            }
        }
    }
}
