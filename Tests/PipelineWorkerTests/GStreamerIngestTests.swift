import Base
import Glibc
import PipelineControl
import PipelineDescription
import TestSupport
import Testing

/// The descriptions that are shipped.
enum Shipped {
    static func blueprint(_ name: String) throws -> PipelineBlueprint {
        let folder = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/pipelines"
        let bytes = try ExternalTool.output(["cat", "\(folder)/\(name).yaml"])
        return try PipelineBlueprint(yaml: String(decoding: bytes, as: UTF8.self), file: "\(name).yaml")
    }

    static func plan(_ name: String, _ values: [String: JSONValue] = [:]) throws -> GStreamerPlan {
        let blueprint = try blueprint(name)
        guard let plan = blueprint.plan(values: try blueprint.values(values)) else {
            throw WorkerProcess.Timeout(description: "\(name) is no description of GStreamer")
        }
        return plan
    }

    static func ingest(
        _ plan: GStreamerPlan, name: String = "plan", video: VideoTarget = .vp8, loop: Bool = false,
        codecs: [TrackCodec] = Router.all
    ) -> IngestJob {
        IngestJob(source: .gstreamer(plan, name: name), loop: loop, videoCodec: video, routerCodecs: codecs)
    }
}

/// Descriptions of GStreamer through the real worker to a real recording.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct GStreamerIngestTests {
    @Test(arguments: [VideoTarget.vp8, .h264])
    func `the test source is recorded whole, sound and picture together`(video: VideoTarget) async throws {
        let (source, probe) = try await onThread {
            let plan = try Shipped.plan("ingest-test-gst", ["seconds": 4])
            let chain = try Chain(Shipped.ingest(plan, video: video))
            return (chain.source, try chain.play().probe)
        }
        #expect(source.durationSeconds == 4)
        #expect(source.tracks.map(\.kind) == [.video, .audio])
        #expect(source.tracks.map(\.treatment) == [.transcode, .transcode])
        #expect(source.tracks.map(\.answersKeyFrameRequests) == [true, false])
        #expect(source.tracks[0].description == "videotestsrc's picture, 640x360, 30 fps")
        #expect(probe.codecs == [video.rawValue, "opus"])
        #expect((probe.width, probe.height) == (640, 360))
        #expect(probe.decodeErrors == "")
        #expect(probe.pictures.count == 120)
        #expect(probe.isRising)
        #expect(abs(probe.durationSeconds - 4) <= 0.1, "\(probe.durationSeconds) s")
        // The picture turns white at 1 s and 3 s; a beep sounds each second.
        // The block before 4 s already holds the next one.
        #expect((4...5).contains(probe.beeps.count))
        #expect(probe.skewsInMilliseconds.count == 2)
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
    }
}
