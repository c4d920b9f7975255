import Base
import Glibc
import PipelineControl
import TestSupport
import Testing

/// One container with one of its pictures' codecs.
struct ContainerCase: Sendable, CustomTestStringConvertible {
    var container: RecordJob.Container
    /// As ffprobe names it.
    var codec: String

    var testDescription: String { "\(codec) in \(container.rawValue)" }

    static let all = [
        ContainerCase(container: .matroska, codec: "vp9"), ContainerCase(container: .webm, codec: "vp8"),
        ContainerCase(container: .webm, codec: "vp9"), ContainerCase(container: .mp4, codec: "h264"),
        ContainerCase(container: .mp4, codec: "vp9"),
    ]

    /// Makes a clip of this codec; nil: the test source itself gives it.
    var clipOptions: [String]? {
        switch codec {
        case "vp9":
            ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-c:a", "copy"]
        default: nil
        }
    }

    func chain() async throws -> Chain {
        let clip: TemporaryFile? =
            if let clipOptions { try await Clip.make(clipOptions, container: "webm") } else { nil }
        let (container, codec) = (container, codec)
        return try await onThread {
            let descriptor = clip?.reopened() ?? -1
            defer { if descriptor >= 0 { close(descriptor) } }
            let job = IngestJob(
                source: clip == nil ? .test(TestSource(seconds: 4)) : .file(name: "clip"), loop: false,
                videoCodec: codec == "h264" ? .h264 : .vp8, routerCodecs: Router.all)
            return try Chain(job, descriptor: descriptor, container: container)
        }
    }
}

/// Each container with real media through a real worker.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct ContainerTests {
    @Test(arguments: ContainerCase.all)
    func `what is played is in the file, sound and picture together`(recorded: ContainerCase) async throws {
        let chain = try await recorded.chain()
        let probe = try await onThread { try chain.play().probe }
        #expect(probe.codecs == [recorded.codec, "opus"])
        #expect((probe.width, probe.height) == (640, 360))
        #expect(abs(probe.durationSeconds - 4) <= 0.1, "\(probe.durationSeconds) s")
        #expect(probe.decodeErrors == "")
        #expect(probe.numbers.count >= 119)
        #expect(probe.numbers.count == probe.pictures.count)
        #expect(probe.isRising)
        #expect(probe.skewsInMilliseconds.count == 3)
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
    }
}
