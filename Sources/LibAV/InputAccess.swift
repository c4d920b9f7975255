/// How an address is opened: what may be used for it, and how long it may take.
public struct InputAccess: Sendable, Hashable {
    /// With secrets; only libav sees it.
    public var url: String
    /// For messages.
    public var name: String
    /// libav's names of the protocols that may be used, whatever a playlist or a redirection asks for.
    public var protocols: [String]
    /// libav's names of the formats that the content may have.
    public var formats: [String]
    /// The one format that it has; nil: its content tells.
    public var format: String?
    /// Of the protocol and the demuxer, by libav's names.
    public var options: [String: String]
    /// How much of it may be read to find the streams.
    public var probeBytes: Int
    /// How much media may be looked at to find the streams, once it has begun.
    public var analysis: Duration
    /// Pictures to look at for the frame rate; 0: none.
    public var frameRatePictures: Int
    /// For connecting and the first answer; nil: as long as it takes.
    public var openPatience: Duration?
    /// For finding the streams then; nil: as long as it takes.
    public var analysisPatience: Duration?
    /// For each packet.
    public var readPatience: Duration?

    public init(
        url: String, name: String, protocols: [String], formats: [String], format: String? = nil,
        options: [String: String] = [:], probeBytes: Int = 1 << 20, analysis: Duration = .seconds(1),
        frameRatePictures: Int = 0, openPatience: Duration?, analysisPatience: Duration?, readPatience: Duration?
    ) {
        self.url = url
        self.name = name
        self.protocols = protocols
        self.formats = formats
        self.format = format
        self.options = options
        self.probeBytes = probeBytes
        self.analysis = analysis
        self.frameRatePictures = frameRatePictures
        self.openPatience = openPatience
        self.analysisPatience = analysisPatience
        self.readPatience = readPatience
    }
}
