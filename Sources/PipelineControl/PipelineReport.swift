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
    /// Ingest: the source brings nothing: it failed, or nobody has come to send yet. Said again, every 5 s or sooner,
    /// as long as that lasts and before `opened`; after it, `progress` goes on each second.
    case interrupted(SourceInterruption)
    /// Ingest: the source brings media again, after an interruption that began after `running`.
    case resumed
    /// The answer to `check`: everything that is wrong, in no order of weight; the last line.
    case checked([PlanComplaint])
    /// The last line of a good end.
    case finished(PipelineProgress)
    /// The last line of a bad end.
    case failed(PipelineFailure)
}

public struct OpenedSource: Sendable, Hashable, Codable {
    /// Nil when the source has no end or does not say.
    public var durationSeconds: Double?
    public var tracks: [SourceTrack]
    /// The container or protocol, for people: "mov,mp4,m4a,3gp,3g2,mj2", "rtsp". Nil: there is none.
    public var format: String?
    /// Tracks that are not played, and why: "subrip subtitles: no picture and no sound".
    public var leftOut: [String]

    public init(durationSeconds: Double?, tracks: [SourceTrack], format: String? = nil, leftOut: [String] = []) {
        self.durationSeconds = durationSeconds
        self.tracks = tracks
        self.format = format
        self.leftOut = leftOut
    }
}

/// Why a source brings nothing at the moment.
public struct SourceInterruption: Sendable, Hashable, Codable {
    /// One clause for people, without secrets: "rtsp://camera/1: connection refused".
    public var reason: String
    /// How often it was tried since it brought media last; 0 while it is only waited for.
    public var attempts: Int
    /// Until the next try; nil: one is under way, or somebody else must come.
    public var retrySeconds: Double?

    public init(reason: String, attempts: Int, retrySeconds: Double? = nil) {
        self.reason = reason
        self.attempts = attempts
        self.retrySeconds = retrySeconds
    }
}

/// One thing that is wrong with a GStreamer plan.
public struct PlanComplaint: Sendable, Hashable, Codable {
    /// Where: "launch", "branches.vp8", "properties.text" …
    public var part: String
    /// UTF-8 bytes into that part's text; nil when it is about the whole.
    public var offset: Int?
    /// What is wrong and what would be right, for people.
    public var message: String

    public init(part: String, offset: Int?, message: String) {
        self.part = part
        self.offset = offset
        self.message = message
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
    public enum Code: String, Sendable, Hashable, Codable, CaseIterable {
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
