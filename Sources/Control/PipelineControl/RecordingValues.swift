import Base
import PipelineControl

/// What of a room shall be recorded.
public struct RecordingRequest: Sendable, Hashable {
    public var room: String
    /// A file name inside the recordings folder. Nil: named by room, date and time.
    public var output: String?
    /// Only this broadcaster's tracks. Nil: the room's first audio and first video.
    public var broadcaster: String?
    /// The description that writes it; nil: chosen by the extension of `output`, Matroska without one.
    public var pipeline: String?
    /// What that description lets a request choose.
    public var parameters: [String: JSONValue]

    public init(
        room: String, output: String? = nil, broadcaster: String? = nil, pipeline: String? = nil,
        parameters: [String: JSONValue] = [:]
    ) {
        self.pipeline = pipeline
        self.parameters = parameters
        self.room = room
        self.output = output
        self.broadcaster = broadcaster
    }
}

/// How a recording is doing.
public struct RecordingStatus: Sendable, Hashable {
    /// Only ever climbs.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Waits for something to record.
        case armed
        /// Consumers exist; no key frame is in the file yet.
        case starting
        case running
        /// A stop was asked for, or the media ended; the file is being finalised.
        case draining
        case finished
        case failed
    }

    public var id: String
    public var room: String
    /// Where the file is, as a person would open it.
    public var file: String
    public var state: State
    /// Media time in the file.
    public var seconds: Double
    public var bytes: Int
    /// In state `failed` only.
    public var failure: PipelineFailure?

    public init(
        id: String, room: String, file: String, state: State, seconds: Double = 0, bytes: Int = 0,
        failure: PipelineFailure? = nil
    ) {
        self.id = id
        self.room = room
        self.file = file
        self.state = state
        self.seconds = seconds
        self.bytes = bytes
        self.failure = failure
    }
}
