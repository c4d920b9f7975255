import PipelineControl
import PipelineDescription

/// Who said what, and whose turn it is: the state of one pipeline as its commands and reports tell it.
///
/// Pure: no process, no clock. A report out of order is the child's fault and ends it.
public struct PipelineConversation: Sendable {
    /// What the process owes us; silence beyond its deadline means that it hangs.
    public enum Debt: String, Sendable, Hashable, CaseIterable {
        /// `opened`, `listening` or `checked` after the first command.
        case firstAnswer
        /// `ready` after `send` or `receive`.
        case ready
        /// `running` after `play`; a recorder's after `ready`.
        case running
        /// Anything: it reports about once a second while it runs, and every 5 s at least while it waits for its source.
        case word
        /// `finished` after `finish`.
        case finished
        /// The end of the process after its last word.
        case exit
    }

    public let kind: PipelineKind
    public private(set) var state: PipelineState = .building
    /// Nil: it is our turn.
    public private(set) var debt: Debt?
    /// The last word, `finished` or `failed`.
    public private(set) var end: PipelineEnd?
    private var said: Set<Word> = []
    private var asked: Set<Word> = []

    private enum Word { case job, check, first, plan, ready, play, running, finish }

    public init(kind: PipelineKind) { self.kind = kind }

    /// Notes a command; false: it does not fit, and is not to be sent.
    public mutating func sent(_ command: PipelineCommand) -> Bool {
        guard end == nil else { return false }
        switch command {
        case .ingest, .record:
            guard kind == (command.isIngest ? .ingest : .record), !asked.contains(.finish), asked.insert(.job).inserted
            else { return false }
            owe(.firstAnswer)
        case .send, .receive:
            guard kind == (command.isSend ? .ingest : .record), said.contains(.first), !asked.contains(.finish),
                asked.insert(.plan).inserted
            else { return false }
            climb(to: .starting)
            owe(.ready)
        case .play:
            guard kind == .ingest, said.contains(.ready), !asked.contains(.finish), asked.insert(.play).inserted
            else { return false }
            owe(.running)
        case .endTrack:
            guard kind == .record, asked.contains(.plan), !asked.contains(.finish) else { return false }
        case .check:
            // The first and only command, of either kind; see `PlanCheck`.
            guard asked.isDisjoint(with: [.job, .finish]), asked.insert(.check).inserted else { return false }
            asked.insert(.job)
            owe(.firstAnswer)
        case .finish:
            guard asked.insert(.finish).inserted else { return false }
            climb(to: .draining)
            debt = .finished
        }
        return true
    }

    /// Notes a report. Throws when the child may not say this now.
    public mutating func received(_ report: PipelineReport) throws(PipelineFailure) {
        guard end == nil else { throw unexpected(report) }
        switch report {
        case .opened, .listening:
            guard kind == (report.isOpened ? .ingest : .record), hasJob, said.insert(.first).inserted
            else { throw unexpected(report) }
            owe(nil)
        case .ready:
            guard asked.contains(.plan), said.insert(.ready).inserted else { throw unexpected(report) }
            owe(kind == .record ? .running : nil)
        case .running:
            guard said.contains(.ready), kind == .record || asked.contains(.play), said.insert(.running).inserted
            else { throw unexpected(report) }
            climb(to: .running)
            owe(.word)
        case .progress:
            guard said.contains(.ready) else { throw unexpected(report) }
        case .interrupted:
            guard kind == .ingest, hasJob else { throw unexpected(report) }
            // It waits for its source, for hours perhaps, and says so again and again: whatever it owed waits too. When
            // it is our turn (`opened` is being answered), it owes nothing, as before.
            if debt != nil { owe(.word) }
        case .resumed:
            guard kind == .ingest, said.contains(.running) else { throw unexpected(report) }
            owe(.word)
        case .checked:
            guard asked.contains(.check) else { throw unexpected(report) }
            end = .finished(PipelineProgress(seconds: 0, tracks: []))
            climb(to: .draining)
            debt = .exit
        case .finished(let progress):
            end = .finished(progress)
            climb(to: .draining)
            debt = .exit
        case .failed(let failure):
            end = .failed(failure)
            debt = .exit
        }
    }

    /// The process is gone, or given up: its last word counts, else `fallback`.
    public mutating func close(with fallback: @autoclosure () -> PipelineFailure) -> PipelineEnd {
        let end = self.end ?? .failed(fallback())
        self.end = end
        debt = nil
        climb(to: end.failure == nil ? .finished : .failed)
        return end
    }

    /// It has something to bring or to write.
    private var hasJob: Bool { asked.contains(.job) && !asked.contains(.check) }

    /// After `finish` only the end is owed, whatever was owed before.
    private mutating func owe(_ debt: Debt?) {
        if !asked.contains(.finish) { self.debt = debt }
    }

    private mutating func climb(to next: PipelineState) {
        if state < next { state = next }
    }

    private func unexpected(_ report: PipelineReport) -> PipelineFailure {
        PipelineFailure(
            code: .protocolError, message: "the pipeline process said \"\(report.name)\" while \(state.rawValue)")
    }
}

extension PipelineCommand {
    fileprivate var isIngest: Bool { if case .ingest = self { true } else { false } }
    fileprivate var isSend: Bool { if case .send = self { true } else { false } }
}

extension PipelineReport {
    fileprivate var isOpened: Bool { if case .opened = self { true } else { false } }

    /// Its type on the wire.
    public var name: String {
        switch self {
        case .opened: "opened"
        case .listening: "listening"
        case .ready: "ready"
        case .running: "running"
        case .progress: "progress"
        case .interrupted: "interrupted"
        case .resumed: "resumed"
        case .checked: "checked"
        case .finished: "finished"
        case .failed: "failed"
        }
    }
}
