import PipelineControl

/// How far a pipeline is. It only climbs.
public enum PipelineState: String, Sendable, Hashable, Comparable, CaseIterable {
    /// The process starts, opens its source or its file.
    case building
    /// It knows where its media goes, or comes from, and gets ready.
    case starting
    /// Media flows.
    case running
    /// It was asked to end and finishes what it has.
    case draining
    case finished
    case failed

    private var step: Int {
        switch self {
        case .building: 0
        case .starting: 1
        case .running: 2
        case .draining: 3
        case .finished, .failed: 4
        }
    }

    public static func < (a: PipelineState, b: PipelineState) -> Bool { a.step < b.step }

    public var isEnd: Bool { step == 4 }
}

/// How a pipeline ended; there is no third way.
public enum PipelineEnd: Sendable, Hashable {
    case finished(PipelineProgress)
    case failed(PipelineFailure)

    public var failure: PipelineFailure? { if case .failed(let failure) = self { failure } else { nil } }
}
