import GStreamer
import PipelineControl

/// Which branches of an ingest are wanted, and what its appsinks take: what the router carries and nothing else.
struct BranchChoice {
    let router: RouterCodecs
    /// Codecs whose branches are added to the text.
    let branches: [String]
    /// Nil: no picture is wanted.
    let videoCaps: Caps?
    /// Nil: no sound is wanted.
    let audioCaps: Caps?
    private let video: [String]

    init(
        _ plan: GStreamerPlan, name: String, wish: VideoTarget, codecs: [TrackCodec]
    ) throws(PipelineFailure) {
        do throws(GStreamerError) { try GStreamerRuntime.ensureStarted() } catch {
            throw PipelineFailure(code: .cannotOpen, message: "\(name): \(error)")
        }
        router = RouterCodecs(codecs: codecs)
        let wished = [wish.rawValue] + PlanWords.pictures.filter { $0 != wish.rawValue }
        let carried = Self.videoCaps(router)
        let branch = wished.first { plan.branches[$0] != nil && carried[$0] != nil }
        let hasPicture = PlanWords.pictures.contains { plan.branches[$0] != nil }
        var branches = branch.map { [$0] } ?? []
        if plan.branches["opus"] != nil, router.opus != nil { branches.append("opus") }
        self.branches = branches
        // Without branches, the text itself ends in `appsink name=video`, and whatever the router carries may come.
        video = branch.map { [$0] } ?? (hasPicture ? [] : wished.filter { carried[$0] != nil })
        let videoText = video.compactMap { carried[$0] }.joined(separator: "; ")
        videoCaps = videoText.isEmpty ? nil : Caps(videoText)
        audioCaps = router.opus == nil ? nil : Caps("audio/x-opus, channel-mapping-family=(int)0")
        guard videoCaps != nil || audioCaps != nil else {
            throw PipelineFailure(
                code: .noPlayableTrack, message: "\(name) can't be played: the router carries no Opus, VP8, VP9 or H264"
            )
        }
        guard !branches.isEmpty || plan.branches.isEmpty || !hasPicture && plan.branches["opus"] == nil else {
            throw PipelineFailure(
                code: .noPlayableTrack,
                message: "\(name) can't be played: it makes \(plan.branches.keys.sorted().joined(separator: ", ")),"
                    + " and the router carries none of that")
        }
    }

    private static func videoCaps(_ router: RouterCodecs) -> [String: String] {
        var caps: [String: String] = [:]
        if router.vp8 != nil { caps["vp8"] = "video/x-vp8" }
        if router.vp9Profile0 != nil { caps["vp9"] = "video/x-vp9, profile=(string)0" }
        let profiles = [
            (H264Profile.constrainedBaseline, "constrained-baseline"), (.baseline, "baseline"), (.main, "main"),
            (.constrainedHigh, "constrained-high"), (.high, "high"),
        ].filter { router.h264($0.0, level: 31) != nil }.map(\.1)
        if !profiles.isEmpty {
            caps["h264"] =
                "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au,"
                + " profile=(string){ \(profiles.joined(separator: ", ")) }"
        }
        return caps
    }

    /// For an error of kinds that don't fit together.
    func wanted(_ kinds: [SourceTrack.Kind]) -> String {
        var words: [String] = []
        if kinds.contains(.video), let caps = Self.videoCaps(router)[video.first ?? ""], video.count == 1 {
            words.append("appsink name=video takes \(caps.replacing("(string)", with: ""))")
        } else if kinds.contains(.video) {
            words.append("appsink name=video takes what the router carries: \(video.joined(separator: ", "))")
        }
        if kinds.contains(.audio) { words.append("appsink name=audio takes audio/x-opus of one or two channels") }
        return words.joined(separator: ", ")
    }
}
