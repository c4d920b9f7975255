import PipelineControl

/// What shall go into a room.
public struct IngestRequest: Sendable, Hashable {
    public enum Source: Sendable, Hashable {
        /// The built-in picture and tone.
        case test
        /// A path, absolute or relative to the daemon's working directory; it must lie below a folder that the settings
        /// allow.
        case file(String)

        /// "test", or the path.
        public var text: String {
            switch self {
            case .test: "test"
            case .file(let path): path
            }
        }
    }

    public var room: String
    public var source: Source
    /// Begin again at the end.
    public var loop: Bool
    /// What video becomes when it can't be copied.
    public var video: VideoTarget
    /// Nil: made from the source's name.
    public var displayName: String?
    /// Lives only as long as its owner reads its progress.
    public var attached: Bool

    public init(
        room: String, source: Source, loop: Bool = false, video: VideoTarget = .vp8, displayName: String? = nil,
        attached: Bool = false
    ) {
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
    /// "test", or the path as asked for.
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

    public init(
        id: String, room: String, source: String, state: State, tracks: [SourceTrack] = [],
        progress: PipelineProgress? = nil, durationSeconds: Double? = nil, failure: PipelineFailure? = nil
    ) {
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
