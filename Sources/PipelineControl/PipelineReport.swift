/// What a pipeline process tells the daemon, one JSON object a line on the socket that is its standard input.
public enum PipelineReport: Sendable, Hashable {
    /// Ingest: the source is open and these tracks can be sent.
    case opened(OpenedSource)
    /// Record: RTP and RTCP are awaited on this port of the job's address.
    case listening(port: UInt16)
    /// Everything asked for stands; `play`, or media, may come.
    case ready
    /// Ingest: the first packet is out. Record: the first key frame (or, without video, the first sound) is in the file.
    case running
    /// About once a second while running.
    case progress(PipelineProgress)
    /// The last line of a good end.
    case finished(PipelineProgress)
    /// The last line of a bad end.
    case failed(PipelineFailure)
}

public struct OpenedSource: Sendable, Hashable, Codable {
    /// Nil when the source has no end or does not say.
    public var durationSeconds: Double?
    public var tracks: [SourceTrack]

    public init(durationSeconds: Double?, tracks: [SourceTrack]) {
        self.durationSeconds = durationSeconds
        self.tracks = tracks
    }
}

public struct SourceTrack: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Hashable, Codable { case audio, video }
    public enum Treatment: String, Sendable, Hashable, Codable { case copy, transcode }

    public var index: Int
    public var kind: Kind
    /// What it is, for people: "h264 Main, 1280x720, 25 fps".
    public var description: String
    public var treatment: Treatment
    /// Why it is copied or transcoded, a clause for people: "AAC can't be played by WebRTC receivers".
    public var reason: String
    /// What it will be on the wire.
    public var codec: TrackCodec
    /// Whether a PLI or FIR brings a key frame.
    public var answersKeyFrameRequests: Bool

    public init(
        index: Int, kind: Kind, description: String, treatment: Treatment, reason: String, codec: TrackCodec,
        answersKeyFrameRequests: Bool
    ) {
        self.index = index
        self.kind = kind
        self.description = description
        self.treatment = treatment
        self.reason = reason
        self.codec = codec
        self.answersKeyFrameRequests = answersKeyFrameRequests
    }
}

public struct PipelineProgress: Sendable, Hashable, Codable {
    public struct Track: Sendable, Hashable, Codable {
        /// "0", "1" … for the tracks of an ingest, the consumer's id for those of a recording.
        public var id: String
        public var packets: Int
        public var bytes: Int
        public var frames: Int
        /// Over the last second.
        public var bitrateBitsPerSecond: Int
        /// Record: packets that never came.
        public var packetsLost: Int?

        public init(
            id: String, packets: Int, bytes: Int, frames: Int, bitrateBitsPerSecond: Int, packetsLost: Int? = nil
        ) {
            self.id = id
            self.packets = packets
            self.bytes = bytes
            self.frames = frames
            self.bitrateBitsPerSecond = bitrateBitsPerSecond
            self.packetsLost = packetsLost
        }
    }

    /// Media time since the start.
    public var seconds: Double
    public var tracks: [Track]
    /// Record: what the file holds so far.
    public var fileBytes: Int?

    public init(seconds: Double, tracks: [Track], fileBytes: Int? = nil) {
        self.seconds = seconds
        self.tracks = tracks
        self.fileBytes = fileBytes
    }
}

public struct PipelineFailure: Sendable, Hashable, Codable, Error {
    public enum Code: String, Sendable, Hashable, Codable {
        /// The source is missing, unreadable or no media.
        case cannotOpen = "cannot-open"
        /// The source opened, but nothing in it can be played.
        case noPlayableTrack = "no-playable-track"
        /// Consumers run, and nothing came.
        case noMedia = "no-media"
        /// Video comes, but no picture to start with.
        case noKeyFrame = "no-key-frame"
        /// The file can't be written, or not fast enough.
        case cannotWrite = "cannot-write"
        /// A command came that does not fit the state, or none that could be read.
        case protocolError = "protocol-error"
        /// The room or the core refused, or is gone. Said by the daemon.
        case refused
        /// libav said no in the middle.
        case media = "media"
        /// The process ended without a word.
        case crashed = "crashed"
        /// It did not answer in time and was killed.
        case hung = "hung"
    }

    public var code: Code
    /// One line that names the subject and the cause.
    public var message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}
