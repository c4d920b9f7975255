import Base
import GStreamer
import LibAV
import PipelineControl

/// One run of an ingest's pipeline, from its first frame to its last.
final class GStreamerRound {
    let built: PlannedPipeline
    private(set) var sinks: [GStreamerTrack] = []
    private(set) var isLive: Bool

    /// Builds and starts.
    init(
        _ plan: GStreamerPlan, _ choice: BranchChoice, name: String, descriptor: Int32?, reach: Reach
    ) throws(PipelineFailure) {
        let input: (element: String, fd: Int32)? =
            if let element = plan.input, let descriptor { (element, descriptor) } else { nil }
        built = try PlannedPipeline(plan, branches: choice.branches, name: name, descriptor: input, reach: reach)
        for (kind, word, caps) in [
            (SourceTrack.Kind.video, PlanWords.video, choice.videoCaps),
            (SourceTrack.Kind.audio, PlanWords.audio, choice.audioCaps),
        ] {
            guard let element = built.pipeline.element(named: word), let caps else { continue }
            // A few frames: more would only make answers to key frame requests old.
            guard let sink = AppSink(element, caps: caps, buffers: kind == .video ? 3 : 8) else {
                throw PipelineFailure(
                    code: .cannotOpen, message: "\(name): the element named \(word) is no appsink")
            }
            sinks.append(GStreamerTrack(kind, sink))
        }
        isLive = false
        guard !sinks.isEmpty else {
            throw PipelineFailure(
                code: .cannotOpen, message: "\(name) has no appsink named \(PlanWords.video) or \(PlanWords.audio)")
        }
        do throws(GStreamerError) {
            isLive = try built.pipeline.play() == .live
        } catch {
            throw PipelineFailure(code: .cannotOpen, message: "\(name): \(built.words(of: error))")
        }
    }

    deinit { built.pipeline.stop() }

    func stop() { built.pipeline.stop() }

    var duration: Duration? { built.pipeline.duration }

    /// The earliest time of the first frames; nil until all are there.
    var start: Duration? {
        guard sinks.allSatisfy({ $0.head != nil || $0.hasStarted || $0.hasEnded }) else { return nil }
        return sinks.compactMap(\.first).min()
    }

    // MARK: What comes

    /// Takes what is there; waits a little when a track has nothing.
    func fill(waiting: Duration) {
        for sink in sinks { sink.fill() }
        if let behind = sinks.first(where: { $0.head == nil && !$0.hasEnded }) { behind.fill(waiting: waiting) }
    }

    /// The track whose next frame is the earliest; nil when there is none.
    var earliest: Int? {
        sinks.indices.filter { sinks[$0].head != nil }.min { a, b in
            (sinks[a].head?.time ?? .zero) < (sinks[b].head?.time ?? .zero)
        }
    }

    /// Whether a track has nothing now that may bring something yet.
    var isAnyBehind: Bool { sinks.contains { $0.head == nil && !$0.hasEnded } }

    /// Whether those that have brought nothing are fed by nobody: a link that waited for a pad never came about.
    var restIsCutOff: Bool { sinks.filter { $0.head == nil && !$0.hasEnded }.allSatisfy(\.isCutOff) }

    /// Leaves tracks out that have brought nothing.
    func keepOnlyStarted() {
        for sink in sinks where sink.head == nil { drop(sink) }
        isLive = isLive || sinks.contains(where: \.sink.isLive)
    }

    /// Lets what comes out of an appsink run into nothing.
    func drop(_ track: GStreamerTrack) {
        track.sink.hold(1, dropping: true)
        sinks.removeAll { $0 === track }
    }

    /// Goes on with the tracks of an earlier round, in its order, as what they were.
    /// - Returns: whether all of them are there.
    func goOn(with earlier: [GStreamerTrack]) -> Bool {
        for sink in sinks where !earlier.contains(where: { $0.kind == sink.kind }) { drop(sink) }
        sinks = earlier.compactMap { track in
            let sink = sinks.first { $0.kind == track.kind }
            sink?.goOn(as: track)
            return sink
        }
        return sinks.count == earlier.count
    }

    // MARK: Live

    func dropUntilWanted() { for sink in sinks { sink.sink.hold(1, dropping: true) } }

    /// What waited is old; the picture begins with a key frame that is made now.
    func beginAnew() {
        for sink in sinks { sink.beginAnew() }
    }
}

/// One appsink and what comes out of it.
final class GStreamerTrack {
    let kind: SourceTrack.Kind
    let sink: AppSink
    private(set) var head: AppSink.Sample?
    private(set) var hasStarted = false
    /// Running time of the first frame.
    private(set) var first: Duration?
    private var isOver = false
    private(set) var codec: TrackCodec?
    private(set) var packetizer: RTPPacketizer.Codec?
    /// What made the codec's frames; nil: they came as they are.
    private(set) var encoder: String?
    private var caps: Caps?
    private var h264 = H264Stream()
    private var awaitsKeyFrame: Bool
    private var mishaps: Mishaps

    init(_ kind: SourceTrack.Kind, _ sink: AppSink) {
        (self.kind, self.sink) = (kind, sink)
        awaitsKeyFrame = kind == .video
        mishaps = Mishaps(subject: kind.rawValue)
    }

    /// Nothing more will be taken.
    var hasEnded: Bool { head == nil && (isOver || sink.hasEnded) }

    /// Why nothing came.
    var absence: String {
        isCutOff ? "nothing in the source feeds it" : hasEnded ? "it ended before anything came" : "nothing came of it"
    }

    /// Somewhere above it an input is linked to nothing.
    var isCutOff: Bool { sink.element.allUpstream.contains(where: \.hasUnlinkedInput) || sink.element.hasUnlinkedInput }

    func fill(waiting: Duration = .zero) {
        guard head == nil, !isOver else { return }
        head = sink.pull(waiting: waiting)
        if head != nil, !hasStarted, first == nil { first = head?.time }
    }

    func take() -> AppSink.Sample? {
        defer { head = nil }
        hasStarted = true
        return head
    }

    func end() { isOver = true }

    func requestKeyFrame() { sink.requestKeyFrame() }

    func beginAnew() {
        while sink.pull() != nil {}
        head = nil
        first = nil
        hasStarted = false
        awaitsKeyFrame = kind == .video
        // Two seconds: a device must not be held up by a short stall of ours.
        sink.hold(kind == .video ? 60 : 100, dropping: false)
        requestKeyFrame()
    }

    // MARK: What it is

    /// Learns from the first frame what this will be on the wire.
    /// - Returns: why it can't be carried.
    func decide(_ choice: BranchChoice) -> String? {
        guard let head, let caps = head.caps else { return "what comes out of it has no caps" }
        self.caps = caps
        encoder = sink.element.allUpstream.compactMap(\.factory).first { $0.classes.contains("Encoder") }?.name
        let router = choice.router
        switch caps.mediaType {
        case "audio/x-opus": (codec, packetizer) = (router.opus, .opus)
        case "video/x-vp8": (codec, packetizer) = (router.vp8, .vp8)
        case "video/x-vp9": (codec, packetizer) = (router.vp9Profile0, .vp9)
        case "video/x-h264":
            h264 = H264Stream(extradata: head.bytes)
            guard let (profile, level) = h264.profileLevelID, let profile else {
                return "its H264 does not begin with parameter sets of a profile that WebRTC receivers play"
            }
            (codec, packetizer) = (router.h264(profile, level: level), .h264)
            if codec == nil { return "the router carries no H264 \(profile.rawValue)" }
        default: return "\(caps.mediaType) can't be carried"
        }
        return codec == nil ? "the router carries no \(caps.mediaType)" : nil
    }

    /// The same track of an earlier round: it has been decided what it is.
    func goOn(as earlier: GStreamerTrack) {
        (codec, packetizer, encoder, caps) = (earlier.codec, earlier.packetizer, earlier.encoder, earlier.caps)
        h264 = earlier.h264
    }

    /// "vp8, 640x360, 30 fps, of videotestsrc"
    func describe(file: String?) -> String {
        let source = sink.element.allUpstream.compactMap(\.factory).first { $0.classes.contains("Source") }?.name
        var parts: [String] = [(file ?? source).map { "\($0)'s" } ?? "a"]
        parts[0] += kind == .video ? " picture" : " sound"
        if let width = caps?.integer("width"), let height = caps?.integer("height") {
            parts.append("\(width)x\(height)")
        }
        if let rate = caps?.rate("framerate") { parts.append("\(JSONValue((rate * 100).rounded() / 100).text) fps") }
        if let rate = caps?.integer("rate") { parts.append("\(rate) Hz") }
        if let channels = caps?.integer("channels") { parts.append("\(channels) channel\(channels == 1 ? "" : "s")") }
        return parts.joined(separator: ", ")
    }

    var reason: String {
        let name = packetizer.map { "\($0)".uppercased() }?.replacing("OPUS", with: "Opus") ?? "?"
        return encoder.map { "\($0) encodes it to \(name)" } ?? "the pipeline brings \(name) as it is"
    }

    /// The bytes to send; nil: not this one.
    func prepared(_ frame: AppSink.Sample) -> [UInt8]? {
        if frame.bytes.isEmpty || frame.isHeader && kind == .audio { return nil }
        if kind == .video {
            if frame.isKey { awaitsKeyFrame = false }
            guard !awaitsKeyFrame else { return nil }
        } else if frame.bytes.count > RTPLimits.payload {
            mishaps.note("an Opus packet of \(frame.bytes.count) bytes was left out: it fits into no RTP packet")
            return nil
        }
        return packetizer == .h264 ? h264.withParameterSets(frame.bytes) : frame.bytes
    }
}
