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
    /// Say what is wrong with a GStreamer description, without running it. The first and only command; answered by
    /// `checked`.
    case check(GStreamerPlan)
}

public struct IngestJob: Sendable, Hashable, Codable {
    public enum Source: Sendable, Hashable, Codable {
        /// The name is for messages only; the bytes come through the descriptor.
        case file(name: String)
        /// The built-in picture and tone.
        case test(TestSource)
        case network(NetworkSource)
        /// What the plan's own elements make. The name is for messages; with `plan.input`, a file's descriptor rides
        /// along.
        case gstreamer(GStreamerPlan, name: String)
    }

    public var source: Source
    /// Begin again at the end, timestamps running on.
    public var loop: Bool
    /// What video becomes when it can't be copied.
    public var videoCodec: VideoTarget
    /// What the router can carry, in its order of preference.
    public var routerCodecs: [TrackCodec]
    /// What follows when the source fails.
    public var retry: RetryPolicy

    public init(
        source: Source, loop: Bool, videoCodec: VideoTarget, routerCodecs: [TrackCodec], retry: RetryPolicy = .never
    ) {
        self.source = source
        self.loop = loop
        self.videoCodec = videoCodec
        self.routerCodecs = routerCodecs
        self.retry = retry
    }
}

/// A source that libav reaches over a network.
public struct NetworkSource: Sendable, Hashable, Codable {
    public enum RTSPTransport: String, Sendable, Hashable, Codable, CaseIterable { case tcp, udp }

    /// Secrets included; the process shows `SourceAddress`'s description of it and nothing else.
    public var url: String
    /// Of rtsp alone.
    public var transport: RTSPTransport
    /// Of rtmp alone: wait for one who publishes, instead of asking a server. (srt says it in its URL: `mode=listener`.)
    public var listens: Bool
    /// Without media for so long, the source counts as failed. In seconds.
    public var patience: Double

    public init(url: String, transport: RTSPTransport = .tcp, listens: Bool = false, patience: Double = 5) {
        self.url = url
        self.transport = transport
        self.listens = listens
        self.patience = patience
    }
}

/// When a source that fails is opened again. Files are never.
public enum RetryPolicy: String, Sendable, Hashable, Codable, CaseIterable {
    /// A failure ends the ingest.
    case never
    /// It must open once; from then on it is opened again and again.
    case onceOpened = "once-opened"
    /// Also when it can't be opened at first.
    case always
}

/// What GStreamer is to run: a description's own text, and the values from outside that are set as properties.
public struct GStreamerPlan: Sendable, Hashable, Codable {
    /// One value from outside.
    public struct Property: Sendable, Hashable, Codable {
        public var element: String
        public var property: String
        public var value: JSONValue

        public init(element: String, property: String, value: JSONValue) {
            self.element = element
            self.property = property
            self.value = value
        }
    }

    /// In gst-launch's language. Ingest: ends in `appsink name=video` and `appsink name=audio`, here or in branches.
    /// Record: ends in the element `output`, whose property `fd` is set to the file.
    public var launch: String
    /// By codec (vp8, vp9, h264, opus), what is added to `launch` when a track has that codec. Ingest: the one that is
    /// wanted and the router has. Record: begins with `appsrc name=video` or `appsrc name=audio`.
    public var branches: [String: String]
    public var properties: [Property]
    /// The name of the element whose property `fd` becomes the open file; nil: no file goes in.
    public var input: String?

    public init(
        launch: String, branches: [String: String] = [:], properties: [Property] = [], input: String? = nil
    ) {
        self.launch = launch
        self.branches = branches
        self.properties = properties
        self.input = input
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
        case matroska, webm, mp4
    }

    /// For messages only; the bytes go through the descriptor.
    public var fileName: String
    public var container: Container
    /// The address that RTP shall arrive at.
    public var listenIP: String
    /// Nil: libav writes the container.
    public var plan: GStreamerPlan?

    public init(fileName: String, container: Container, listenIP: String, plan: GStreamerPlan? = nil) {
        self.fileName = fileName
        self.container = container
        self.listenIP = listenIP
        self.plan = plan
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
