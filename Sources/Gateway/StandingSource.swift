import Control

/// One entry of `sources`: what goes into a room for as long as the gateway runs, and whether the room is recorded.
public struct StandingSource: Sendable, Hashable {
    /// What is written; the words are the extensions of the files.
    public enum Recording: String, Sendable, Hashable, CaseIterable {
        case mkv, webm, mp4
    }

    public var ingest: IngestRequest
    /// Nil: the room is not recorded.
    public var record: Recording?

    public init(_ ingest: IngestRequest, record: Recording? = nil) {
        self.ingest = ingest
        self.record = record
    }

    /// Of the room, named by date. The descriptions are those that the extensions stand for in a request.
    public var recording: RecordingRequest? {
        record.map { RecordingRequest(room: ingest.room, pipeline: "record-\($0.rawValue)") }
    }
}

/// How long to wait before something that ended is started again: 1 s, doubled up to a minute; what lasted for a minute
/// begins anew.
struct GrowingDelay {
    static let first: Duration = .seconds(1)
    static let longest: Duration = .seconds(60)

    private var next = first

    /// - Parameters:
    ///   - life: How long it lasted.
    ///   - jitter: From 0 to 1. At least half of the delay stays: several that failed together shall not come back
    ///     together.
    mutating func pause(after life: Duration, jitter: Double) -> Duration {
        if life >= Self.longest { next = Self.first }
        defer { next = min(next * 2, Self.longest) }
        return next * (1 - jitter / 2)
    }
}

extension Duration {
    /// "1.5", for people.
    var roundedSeconds: String {
        let tenths = Int((self / .milliseconds(100)).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
