import Base

/// What the daemon tells a pipeline process, one JSON object a line on the process's standard input.
///
/// Standard input is a Unix stream socket: a line that names an open file carries its descriptor along
/// (SCM_RIGHTS), and its end means stop. The first command is `ingest` or `record`.
public enum PipelineCommand: Sendable, Hashable {
    /// Open a source and say what is in it. A file's descriptor rides along.
    case ingest(IngestJob)
    /// Prepare to write a file, whose descriptor rides along, and say where to send.
    case record(RecordJob)
    /// Ingest: where each track goes. Answered by `ready`.
    case send([SendTrack])
    /// Ingest: start the pacing clock.
    case play
    /// Record: what will arrive. Answered by `ready`.
    case receive(ReceivePlan)
    /// Record: one track will bring nothing more; the others go on.
    case endTrack(String)
    /// End in order: stop reading, drain, finalise the file, report `finished`.
    case finish
}

public struct IngestJob: Sendable, Hashable, Codable {
    public enum Source: Sendable, Hashable, Codable {
        /// The name is for messages only; the bytes come through the descriptor.
        case file(name: String)
        /// The built-in picture and tone.
        case test(TestSource)
    }

    public var source: Source
    /// Begin again at the end, timestamps running on.
    public var loop: Bool
    /// What video becomes when it can't be copied.
    public var videoCodec: VideoTarget
    /// What the router can carry, in its order of preference.
    public var routerCodecs: [TrackCodec]

    public init(source: Source, loop: Bool, videoCodec: VideoTarget, routerCodecs: [TrackCodec]) {
        self.source = source
        self.loop = loop
        self.videoCodec = videoCodec
        self.routerCodecs = routerCodecs
    }
}

public enum VideoTarget: String, Sendable, Hashable, Codable, CaseIterable {
    case vp8, h264
}

public struct TestSource: Sendable, Hashable, Codable {
    public var width: Int
    public var height: Int
    public var framesPerSecond: Int
    /// Nil: endless.
    public var seconds: Double?

    public init(width: Int = 640, height: Int = 360, framesPerSecond: Int = 30, seconds: Double? = nil) {
        self.width = width
        self.height = height
        self.framesPerSecond = framesPerSecond
        self.seconds = seconds
    }
}

/// One codec as RTP signals it.
public struct TrackCodec: Sendable, Hashable, Codable {
    public var mimeType: String
    /// In Hz.
    public var clockRate: Int
    public var channels: Int?
    public var parameters: [String: JSONValue]

    public init(mimeType: String, clockRate: Int, channels: Int? = nil, parameters: [String: JSONValue] = [:]) {
        self.mimeType = mimeType
        self.clockRate = clockRate
        self.channels = channels
        self.parameters = parameters
    }
}

public struct SendTrack: Sendable, Hashable, Codable {
    /// As in the `SourceTrack` it stands for.
    public var index: Int
    public var ip: String
    public var port: UInt16
    /// Nil: RTCP shares the RTP port.
    public var rtcpPort: UInt16?
    public var ssrc: UInt32
    public var payloadType: UInt8
    public var cname: String

    public init(
        index: Int, ip: String, port: UInt16, rtcpPort: UInt16?, ssrc: UInt32, payloadType: UInt8, cname: String
    ) {
        self.index = index
        self.ip = ip
        self.port = port
        self.rtcpPort = rtcpPort
        self.ssrc = ssrc
        self.payloadType = payloadType
        self.cname = cname
    }
}

public struct RecordJob: Sendable, Hashable, Codable {
    public enum Container: String, Sendable, Hashable, Codable {
        case matroska
    }

    /// For messages only; the bytes go through the descriptor.
    public var fileName: String
    public var container: Container
    /// The address that RTP shall arrive at.
    public var listenIP: String

    public init(fileName: String, container: Container, listenIP: String) {
        self.fileName = fileName
        self.container = container
        self.listenIP = listenIP
    }
}

public struct ReceivePlan: Sendable, Hashable, Codable {
    /// Where RTCP goes: the transport's own address.
    public var ip: String
    public var port: UInt16
    public var tracks: [ReceiveTrack]

    public init(ip: String, port: UInt16, tracks: [ReceiveTrack]) {
        self.ip = ip
        self.port = port
        self.tracks = tracks
    }
}

public struct ReceiveTrack: Sendable, Hashable, Codable {
    /// The consumer's id.
    public var id: String
    public var codec: TrackCodec
    public var payloadType: UInt8
    public var ssrc: UInt32
    public var cname: String

    public init(id: String, codec: TrackCodec, payloadType: UInt8, ssrc: UInt32, cname: String) {
        self.id = id
        self.codec = codec
        self.payloadType = payloadType
        self.ssrc = ssrc
        self.cname = cname
    }
}
