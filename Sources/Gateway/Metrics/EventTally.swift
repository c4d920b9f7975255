import Base
import Events

/// Counts what happened: objects that have ended are soon forgotten by all who had them.
public final class EventTally: Sendable {
    public struct Counts: Sendable, Hashable {
        /// By the event's name.
        public var events: [FactKind: UInt64] = [:]
        public var finished: [PipelineSubject.Kind: UInt64] = [:]
        public var failed: [Failure: UInt64] = [:]
        public var handshakes: [Handshake: UInt64] = [:]
        /// WebRTC clients of which nothing was heard any more.
        public var disconnects: UInt64 = 0
    }

    public struct Failure: Sendable, Hashable {
        public var kind: PipelineSubject.Kind
        public var code: String
    }

    /// How a DTLS handshake ended.
    public enum Handshake: String, Sendable, Hashable, CaseIterable { case connected, failed }

    private struct State {
        var counts = Counts()
        /// What was told last of the WebRTC transports that are there, by id: a change of one state tells both.
        var transports: [String: (ice: String, dtls: String)] = [:]
    }

    private let state = Locked(State())

    public init() {}

    public var counts: Counts { state.withLock { $0.counts } }

    /// Returns when the bus has ended or the task is cancelled.
    public func run(_ events: EventBus) async {
        for await event in events.subscribe(.beginning) { count(event.fact) }
    }

    private func count(_ fact: Fact) {
        state.withLock { state in
            state.counts.events[fact.kind, default: 0] += 1
            switch fact {
            case .pipelineFinished(let subject, _): state.counts.finished[subject.kind, default: 0] += 1
            case .pipelineFailed(let subject, let code, _):
                state.counts.failed[Failure(kind: subject.kind, code: code), default: 0] += 1
            case .transportState(let subject, let ice, let dtls, _):
                let before = state.transports.updateValue((ice, dtls), forKey: subject.id)
                if before?.dtls != dtls, let outcome = Handshake(rawValue: dtls) {
                    state.counts.handshakes[outcome, default: 0] += 1
                }
                if before?.ice != ice, ice == "disconnected" { state.counts.disconnects += 1 }
            case .transportClosed(let subject, _): state.transports[subject.id] = nil
            default: break
            }
        }
    }
}
