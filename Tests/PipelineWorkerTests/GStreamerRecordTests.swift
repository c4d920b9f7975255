import Glibc
import PipelineControl
import TestSupport
import Testing

/// What a room sends, muxed by GStreamer.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct GStreamerRecordTests {
    private static func test(_ video: VideoTarget, seconds: Double = 4) -> IngestJob {
        IngestJob(
            source: .test(TestSource(seconds: seconds)), loop: false, videoCodec: video, routerCodecs: Router.all)
    }

    @Test(arguments: [
        ("record-mkv-gst", RecordJob.Container.matroska, VideoTarget.vp8), ("record-mkv-gst", .matroska, .h264),
        ("record-webm-gst", .webm, .vp8),
    ])
    func `everything is in the file, sound and picture together`(
        description: String, container: RecordJob.Container, video: VideoTarget
    ) async throws {
        let (sent, recorded, probe, bytes) = try await onThread {
            let plan = try Shipped.plan(description)
            let chain = try Chain(Self.test(video), container: container, recording: plan)
            let result = try chain.play()
            return (result.sent, result.recorded, result.probe, chain.file.bytes)
        }
        #expect(probe.codecs == [video.rawValue, "opus"])
        #expect((probe.width, probe.height) == (640, 360))
        #expect(probe.decodeErrors == "")
        #expect(probe.numbers == Array(0..<120))
        #expect(probe.isRising)
        #expect(abs(probe.durationSeconds - 4) <= 0.2, "\(probe.durationSeconds) s")
        #expect(probe.skewsInMilliseconds.count == 3)
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
        #expect(sent.tracks.map(\.packets) == recorded.tracks.map(\.packets))
        #expect(recorded.fileBytes == bytes.count)
        #expect(bytes.prefix(64).contains(Array((container == .webm ? "webm" : "matroska").utf8)))
    }

    @Test func `VP9 is muxed too`() async throws {
        let clip = try await Clip.make(
            ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-an"], container: "webm")
        let probe = try await onThread {
            let descriptor = clip.reopened()
            defer { close(descriptor) }
            let job = IngestJob(
                source: .file(name: "clip.webm"), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            let plan = try Shipped.plan("record-webm-gst")
            return try Chain(job, descriptor: descriptor, container: .webm, recording: plan).play().probe
        }
        #expect(probe.codecs == ["vp9"])
        #expect(probe.numbers == Array(0..<120))
        #expect(probe.decodeErrors == "")
    }

    @Test func `sound that falls silent does not hold the picture up`() async throws {
        let (sizes, probe) = try await onThread {
            let plan = try Shipped.plan("record-mkv-gst")
            // After half a second no packet of the sound comes through.
            let chain = try Chain(Self.test(.vp8, seconds: 8), recording: plan) { ssrc, count in
                ssrc == 1001 && count >= 25 ? .drop : .pass
            }
            try chain.ingest.send(.play)
            try chain.ingest.running()
            var sizes: [Int] = []
            while (chain.ingest.progress.last?.seconds ?? 0) < 7 {
                guard try chain.ingest.progressed() else { break }
                sizes.append(chain.file.bytes.count)
            }
            chain.record.kill9()
            _ = chain.record.exit()
            return (sizes, try RecordingProbe(chain.file.path))
        }
        // What waits for the sound is never more than what two seconds and their slack bring.
        #expect((sizes.last ?? 0) > (sizes.first ?? 0) + 100_000, "\(sizes)")
        #expect(probe.pictures.count > 90, "\(probe.pictures.count) pictures")
        #expect(probe.decodeErrors == "")
    }

    @Test func `a picture that came too late for the file is told at its end`() async throws {
        let (failure, probe) = try await onThread {
            let start = ContinuousClock.now
            // The recorder waits 5 s for it.
            let chain = try Chain(Self.test(.vp8, seconds: 10), recording: try Shipped.plan("record-mkv-gst")) {
                ssrc, number in
                ssrc == 1000 && number >= 0 && ContinuousClock.now - start < .seconds(8) ? .drop : .pass
            }
            try chain.ingest.send(.play)
            _ = try chain.ingest.finished()
            try chain.record.send(.finish)
            return (try chain.record.failed(), try RecordingProbe(chain.file.path))
        }
        #expect(failure.code == .noKeyFrame)
        #expect(
            failure.message.hasPrefix("out is in order, but without its picture: no key frame came on the video track"))
        #expect(probe.codecs == ["opus"])
        #expect(try #require(probe.sound?.upperBound) > 9)
    }

    @Test func `a recording whose process is killed plays up to its last second`() async throws {
        let probe = try await onThread {
            let chain = try Chain(Self.test(.vp8, seconds: 6), recording: try Shipped.plan("record-mkv-gst"))
            try chain.ingest.send(.play)
            try chain.ingest.running()
            while (chain.ingest.progress.last?.seconds ?? 0) < 3 {
                guard try chain.ingest.progressed() else { break }
            }
            chain.record.kill9()
            #expect(chain.record.exit() == 128 + SIGKILL)
            return try RecordingProbe(chain.file.path)
        }
        #expect(probe.codecs == ["vp8", "opus"])
        #expect(probe.pictures.count >= 60, "\(probe.pictures.count) pictures")
        #expect(probe.numbers == Array(0..<probe.pictures.count))
        #expect(probe.decodeErrors == "")
    }

    @Test func `a codec that the description has no branch for is told`() async throws {
        let failure = try await onThread {
            let chain = try Chain(Self.test(.h264), container: .webm, recording: try Shipped.plan("record-webm-gst"))
            try chain.ingest.send(.play)
            return try chain.record.failed()
        }
        #expect(failure.code == .cannotWrite)
        #expect(failure.message.contains("out can't hold h264: its description has branches for opus, vp8, vp9"))
    }

    @Test func `a disk that is full is told`() async throws {
        let failure = try await onThread {
            let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
            defer { close(full) }
            let chain = try Chain(Self.test(.vp8), recording: try Shipped.plan("record-mkv-gst"), output: full)
            try chain.ingest.send(.play)
            return try chain.record.failed()
        }
        #expect(failure.code == .cannotWrite)
        #expect(failure.message.contains("No space left"), "\(failure.message)")
    }
}
