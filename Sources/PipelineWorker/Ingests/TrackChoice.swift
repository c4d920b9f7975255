import LibAV
import PipelineControl

/// Which streams of a source are played, and what is said of the others.
struct TrackChoice {
    /// The best picture and the best sound, in this order.
    let streams: [InputStream]
    private let name: String
    private let found: [InputStream]

    init(of input: Input, name: String) {
        self.name = name
        found = input.streams
        let playable = found.filter { $0.whyUnplayable == nil }
        let video = playable.filter { $0.parameters.kind == .video }
        let audio = playable.filter { $0.parameters.kind == .audio }
        // Of equals the first one: it is the one that players choose.
        let bestVideo = video.reversed().max { a, b in
            (a.isDefault ? 1 : 0, a.parameters.width * a.parameters.height)
                < (b.isDefault ? 1 : 0, b.parameters.width * b.parameters.height)
        }
        let bestAudio = audio.reversed().max { a, b in (a.isDefault ? 1 : 0) < (b.isDefault ? 1 : 0) }
        streams = [bestVideo, bestAudio].compactMap(\.self)
    }

    /// What becomes of the chosen ones, and a line for each track that is not played.
    /// - Parameter wire: what is on the wire already, by kind; empty before the first opening.
    func decide(
        job: IngestJob, probe: SourceProbe, wire: [SourceTrack.Kind: TrackCodec] = [:]
    ) throws(PipelineFailure) -> (plans: [TrackPlan], leftOut: [String]) {
        guard !streams.isEmpty else {
            let names = found.map(\.parameters.codecName).joined(separator: ", ")
            throw PipelineFailure(
                code: .noPlayableTrack,
                message: "\(name) has no picture and no sound that can be played"
                    + (names.isEmpty ? "" : " (it holds \(names))"))
        }
        var plans: [TrackPlan] = []
        var refusals: [String] = []
        for stream in streams {
            let kind: SourceTrack.Kind = stream.parameters.kind == .video ? .video : .audio
            if !wire.isEmpty, wire[kind] == nil {
                refusals.append("\(stream.description): it was not there when the ingest began")
                continue
            }
            let router = wire[kind].map { RouterCodecs(onWire: $0) } ?? RouterCodecs(codecs: job.routerCodecs)
            let decision = TrackDecision(router: router, wish: job.videoCodec, probe: probe)
            let (plan, reason) = kind == .video ? decision.video(stream) : decision.audio(stream)
            if let plan { plans.append(plan) } else { refusals.append("\(stream.description): \(reason)") }
        }
        guard !plans.isEmpty else {
            throw PipelineFailure(
                code: .noPlayableTrack, message: "\(name) can't be played: \(refusals.joined(separator: "; "))")
        }
        let chosen = Set(streams.map(\.index))
        let others = found.filter { !chosen.contains($0.index) }.map { stream in
            "\(stream.description): "
                + (stream.whyUnplayable
                    ?? "one track with \(stream.parameters.kind == .video ? "pictures" : "sound") is played, and another one is better or comes first")
        }
        for line in refusals { log("\(name): left out \(line)") }
        return (plans, refusals + others)
    }
}

extension InputStream {
    /// Why nothing can be made of it; nil when something can.
    fileprivate var whyUnplayable: String? {
        if isAttachedPicture { return "a still picture" }
        switch parameters.kind {
        case .other: return "no picture and no sound"
        case .video where parameters.width <= 0: return "no picture of it has come yet"
        case .audio where parameters.sampleRate <= 0: return "no sound of it has come yet"
        default: break
        }
        let canBeCopied = ["vp8", "vp9", "opus"].contains(parameters.codecName)
        return parameters.isDecodable || canBeCopied ? nil : "no decoder for \(parameters.codecName)"
    }
}

extension TrackPlan {
    func feed(into output: TrackOutput, timeline: Timeline) throws(LibAVError) -> any TrackFeed {
        switch (treatment, stream.parameters.kind) {
        case (.copy, _): try CopyFeed(self, output: output, timeline: timeline)
        case (.transcode, .video): try VideoTranscodeFeed(self, output: output, timeline: timeline)
        case (.transcode, _): try AudioTranscodeFeed(self, output: output, timeline: timeline)
        }
    }
}
