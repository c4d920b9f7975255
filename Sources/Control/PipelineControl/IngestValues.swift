import Base
import PipelineControl

/// What shall go into a room.
public struct IngestRequest: Sendable, Hashable {
    public enum Source: Sendable, Hashable {
        /// The built-in picture and tone.
        case test
        /// A path, absolute or relative to the daemon's working directory; it must lie below a folder that the settings
        /// allow.
        case file(String)
        /// A network source or a device.
        case address(SourceAddress)
        /// Nothing but what `pipeline` makes itself.
        case pipeline

        /// "test", the path, or the address without its secrets; empty for a pipeline's own.
        public var text: String {
            switch self {
            case .test: "test"
            case .file(let path): path
            case .address(let address): address.description
            case .pipeline: ""
            }
        }
    }

    public var room: String
    public var source: Source
    /// Begin again at the end.
    public var loop: Bool
    /// What video becomes when it can't be copied; nil: what the description says.
    public var video: VideoTarget?
    /// Nil: made from the source's name.
    public var displayName: String?
    /// Lives only as long as its owner reads its progress.
    public var attached: Bool
    /// The description that runs it; nil: chosen by the source.
    public var pipeline: String?
    /// What that description lets a request choose, besides `loop` and `video`.
    public var parameters: [String: JSONValue]
    /// Nil: `onceOpened` for addresses, `never` for all else.
    public var retry: RetryPolicy?

    public init(
        room: String, source: Source, loop: Bool = false, video: VideoTarget? = nil, displayName: String? = nil,
        attached: Bool = false, pipeline: String? = nil, parameters: [String: JSONValue] = [:],
        retry: RetryPolicy? = nil
    ) {
        self.pipeline = pipeline
        self.parameters = parameters
        self.retry = retry
        self.room = room
        self.source = source
        self.loop = loop
        self.video = video
        self.displayName = displayName
        self.attached = attached
    }
}

/// How an ingest is doing.
public struct IngestStatus: Sendable, Hashable {
    /// Only ever climbs.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// The source is being opened, and endpoints are negotiated.
        case starting
        /// Ready, and waits for recordings of the room to be ready too.
        case waiting
        case running
        /// The source has ended, or a stop was asked for; what is under way goes out.
        case draining
        case finished
        case failed
    }

    public var id: String
    public var room: String
    /// "test", the path as asked for, the address without its secrets, or the description that makes its own.
    public var source: String
    public var state: State
    /// Empty until the source is open.
    public var tracks: [SourceTrack]
    /// Nil before the first packet.
    public var progress: PipelineProgress?
    /// Nil when the source has no end or does not say.
    public var durationSeconds: Double?
    /// In state `failed` only.
    public var failure: PipelineFailure?
    /// Why the source brings nothing at the moment; nil while it does.
    public var interruption: SourceInterruption?

    public init(
        id: String, room: String, source: String, state: State, tracks: [SourceTrack] = [],
        progress: PipelineProgress? = nil, durationSeconds: Double? = nil, failure: PipelineFailure? = nil,
        interruption: SourceInterruption? = nil
    ) {
        self.interruption = interruption
        self.id = id
        self.room = room
        self.source = source
        self.state = state
        self.tracks = tracks
        self.progress = progress
        self.durationSeconds = durationSeconds
        self.failure = failure
    }
}
