import Glibc
import PipelineControl
import TestSupport
import Testing

/// A file that is played and recorded again, and what must come of it.
struct ChainCase: Sendable, CustomTestStringConvertible {
    var name: String
    /// Of the ffmpeg tool; nil plays the test source itself.
    var options: [String]?
    var container = "mp4"
    var target = VideoTarget.vp8
    /// Codec in the file, treatment, and a word that the reason must hold; in the order of tracks.
    var tracks: [(codec: String, treatment: SourceTrack.Treatment, reason: String)]
    var size = (640, 360)
    /// Pictures in the source.
    var pictures = 120

    var testDescription: String { name }

    static let aac = ("opus", SourceTrack.Treatment.transcode, "aac can't be played")
    static let x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]

    static let all: [ChainCase] = [
        ChainCase(
            name: "the test source as VP8", options: nil,
            tracks: [("vp8", .transcode, "drawn"), ("opus", .transcode, "made here")]),
        ChainCase(
            name: "the test source as H264", options: nil, target: .h264,
            tracks: [("h264", .transcode, "H264 Constrained Baseline"), ("opus", .transcode, "made here")]),
        ChainCase(
            name: "H264 baseline and AAC", options: x264 + ["-profile:v", "baseline", "-g", "60", "-c:a", "aac"],
            tracks: [("h264", .copy, "Constrained Baseline without B-frames"), aac]),
        ChainCase(
            name: "H264 main without B-frames",
            options: x264 + ["-preset", "veryfast", "-profile:v", "main", "-bf", "0", "-c:a", "aac"],
            tracks: [("h264", .copy, "Main without B-frames"), aac]),
        ChainCase(
            name: "H264 main with B-frames",
            options: x264 + ["-preset", "veryfast", "-profile:v", "main", "-bf", "2", "-c:a", "aac"],
            tracks: [("vp8", .transcode, "B-frames"), aac]),
        ChainCase(
            name: "H264 high in MPEG-TS",
            options: x264 + ["-preset", "veryfast", "-profile:v", "high", "-bf", "0", "-c:a", "aac"], container: "ts",
            tracks: [("vp8", .transcode, "no H264 High"), aac]),
        ChainCase(
            name: "H264 main in MPEG-TS",
            options: x264 + ["-preset", "veryfast", "-profile:v", "main", "-bf", "0", "-c:a", "aac"], container: "ts",
            tracks: [("h264", .copy, "Main"), aac]),
        ChainCase(
            name: "VP8 and Opus in WebM", options: ["-c", "copy"], container: "webm",
            tracks: [("vp8", .copy, "VP8"), ("opus", .copy, "Opus")]),
        ChainCase(
            name: "VP9 and Vorbis in WebM",
            options: [
                "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-c:a", "libvorbis",
            ],
            container: "webm", tracks: [("vp9", .copy, "VP9 profile 0"), ("opus", .transcode, "vorbis")]),
        ChainCase(
            name: "an odd size", options: x264 + ["-pix_fmt", "yuv444p", "-vf", "scale=641:359", "-c:a", "aac"],
            tracks: [("vp8", .transcode, "becomes VP8"), aac], size: (640, 358)),
        ChainCase(
            name: "a varying frame rate",
            options: x264 + [
                "-vf", "select='if(lt(t,2),1,not(mod(n,3)))'", "-fps_mode", "vfr", "-profile:v", "baseline", "-c:a",
                "aac",
            ], tracks: [("h264", .copy, "Constrained Baseline"), aac], pictures: 80),
        ChainCase(
            name: "MPEG-4 and 5.1 sound in AVI", options: ["-c:v", "mpeg4", "-q:v", "3", "-c:a", "ac3", "-ac", "6"],
            container: "avi", tracks: [("vp8", .transcode, "mpeg4"), ("opus", .transcode, "ac3")]),
    ]
}

/// Real files through a real worker to a real recording. Each takes its clip's length.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct ChainTests {
    @Test(arguments: ChainCase.all)
    func `what is played is recorded whole, sound and picture together`(chain: ChainCase) async throws {
        let clip =
            if let options = chain.options {
                try await Clip.make(options, container: chain.container) as TemporaryFile?
            } else { nil as TemporaryFile? }
        let (source, sent, recorded, probe) = try await onThread {
            let descriptor = clip?.reopened() ?? -1
            defer { if descriptor >= 0 { close(descriptor) } }
            let job = IngestJob(
                source: clip == nil ? .test(TestSource(seconds: 4)) : .file(name: "clip.\(chain.container)"),
                loop: false,
                videoCodec: chain.target, routerCodecs: Router.all)
            let joined = try Chain(job, descriptor: descriptor)
            let result = try joined.play()
            return (joined.source, result.sent, result.recorded, result.probe)
        }
        #expect(source.tracks.map(\.treatment) == chain.tracks.map(\.treatment))
        for (track, expected) in zip(source.tracks, chain.tracks) {
            #expect(track.reason.contains(expected.reason), "\(track.reason)")
            #expect(track.answersKeyFrameRequests == (track.kind == .video && track.treatment == .transcode))
        }
        #expect(probe.codecs == chain.tracks.map(\.codec))
        #expect((probe.width, probe.height) == chain.size)
        #expect(abs(probe.durationSeconds - 4) <= 0.2, "\(probe.durationSeconds) s")
        #expect(probe.decodeErrors == "")
        #expect(probe.pictures.count >= chain.pictures * 99 / 100, "\(probe.pictures.count) pictures")
        #expect(probe.isRising)
        let numbers = probe.numbers
        #expect(numbers.count == probe.pictures.count, "every picture's number can be read")
        #expect(numbers.first == 0)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "\(numbers)")
        // The last picture may fall to a source's end; all flashes and beeps are there.
        #expect(probe.flashes.count == 3)
        #expect(probe.skewsInMilliseconds.count == 3)
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
        #expect(sent.tracks.map(\.packets) == recorded.tracks.map(\.packets))
        #expect(recorded.tracks.map(\.packetsLost) == [0, 0])
        #expect(recorded.tracks.map(\.id) == ["c0", "c1"])
    }

    @Test(arguments: [["-vn", "-c:a", "libmp3lame"], ["-an", "-c:v", "copy"]])
    func `one track alone is recorded too`(options: [String]) async throws {
        let clip = try await Clip.make(options, container: "mkv")
        let probe = try await onThread {
            let descriptor = clip.reopened()
            defer { close(descriptor) }
            let job = IngestJob(
                source: .file(name: "clip.mkv"), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            return try Chain(job, descriptor: descriptor).play().probe
        }
        let hasSound = options[0] == "-vn"
        #expect(probe.codecs == [hasSound ? "opus" : "vp8"])
        #expect(abs(probe.durationSeconds - 4) <= 0.2)
        #expect(probe.decodeErrors == "")
        #expect(probe.beeps.count == (hasSound ? 4 : 0))
        #expect(probe.numbers == (hasSound ? [] : Array(0..<120)))
    }

    @Test func `a loop runs on without a gap`() async throws {
        let clip = try await Clip.make(
            ["-t", "2", "-c:v", "libx264", "-profile:v", "baseline", "-g", "30", "-c:a", "aac"], container: "mp4")
        let probe = try await onThread {
            let descriptor = clip.reopened()
            defer { close(descriptor) }
            let job = IngestJob(source: .file(name: "clip.mp4"), loop: true, videoCodec: .vp8, routerCodecs: Router.all)
            let chain = try Chain(job, descriptor: descriptor)
            #expect(chain.source.durationSeconds == nil)
            return try chain.play(seconds: 6).probe
        }
        #expect(probe.pictures.count >= 170)
        #expect(probe.isRising)
        // 33 ms between pictures, and at the seam up to one frame of sound that is longer than the picture.
        #expect(probe.longestStep <= 0.08, "\(probe.longestStep) s")
        #expect(probe.numbers == (0..<probe.pictures.count).map { $0 % 60 })
        #expect(probe.skewsInMilliseconds.count >= 5)
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
    }

    /// Plays a file of the ffmpeg tool once, or a file of it several times behind itself.
    private static func played(_ options: [String], _ container: String, times: Int = 1) async throws -> RecordingProbe
    {
        let clip = try await Clip.make(options, container: container)
        return try await onThread {
            let file = try TemporaryFile()
            file.write(Array(repeatElement(clip.bytes, count: times).joined()))
            let descriptor = file.reopened()
            defer { close(descriptor) }
            let job = IngestJob(
                source: .file(name: "clip.\(container)"), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            return try Chain(job, descriptor: descriptor).play().probe
        }
    }

    @Test(arguments: [["-c:v", "mpeg2video", "-q:v", "3"], ["-c:v", "libx264", "-profile:v", "baseline", "-g", "30"]])
    func `clips that were joined play one behind the other, though each begins its clock anew`(
        codec: [String]
    ) async throws {
        let probe = try await Self.played(["-t", "2"] + codec + ["-c:a", "aac"], "ts", times: 2)
        #expect(probe.numbers == Array(0..<60) + Array(0..<60))
        #expect(abs(probe.durationSeconds - 4) <= 0.2, "\(probe.durationSeconds) s")
        #expect(probe.isRising)
        #expect(probe.longestStep <= 0.1, "\(probe.longestStep) s")
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
        #expect(probe.decodeErrors == "")
    }

    @Test func `sound that lies in the file behind all of the picture keeps its place`() async throws {
        let clip = try await Clip.make(["-c:v", "libx264", "-bf", "0", "-c:a", "aac"], container: "ts")
        let probe = try await onThread {
            let packets = stride(from: 0, to: clip.bytes.count, by: 188).map { clip.bytes[$0..<$0 + 188] }
            // The ffmpeg tool gives the second stream this number.
            func isSound(_ packet: ArraySlice<UInt8>) -> Bool {
                Int(packet[packet.startIndex + 1] & 0x1F) << 8 | Int(packet[packet.startIndex + 2]) == 257
            }
            let file = try TemporaryFile()
            file.write(Array((packets.filter { !isSound($0) } + packets.filter(isSound)).joined()))
            let descriptor = file.reopened()
            defer { close(descriptor) }
            let job = IngestJob(
                source: .file(name: "clip.ts"), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            return try Chain(job, descriptor: descriptor).play().probe
        }
        #expect(probe.numbers == Array(0..<120))
        #expect(probe.beeps.count == 4)
        #expect(abs(probe.durationSeconds - 4) <= 0.2, "\(probe.durationSeconds) s")
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
    }

    @Test func `sound from before a picture that begins late is recorded`() async throws {
        let probe = try await Self.played(
            ["-vf", "select='gte(t,2)'", "-fps_mode", "passthrough", "-c:v", "libx264", "-bf", "0", "-c:a", "aac"],
            "mkv")
        #expect(probe.numbers == Array(60..<120))
        #expect(probe.beeps.count == 4)
        #expect(abs(probe.durationSeconds - 4) <= 0.2, "\(probe.durationSeconds) s")
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
    }

    @Test func `the last picture of a slide show stands as long as the others`() async throws {
        let probe = try await Self.played(["-an", "-vf", "fps=1", "-c:v", "libx264", "-bf", "0"], "mp4")
        #expect(probe.pictures.count == 4)
        #expect(abs(probe.durationSeconds - 4) <= 0.2, "\(probe.durationSeconds) s")
    }

    @Test(arguments: ["mp4", "webm"])
    func `a truncated file plays what is there`(container: String) async throws {
        let options =
            container == "mp4"
            ? ["-c:v", "libx264", "-bf", "2", "-c:a", "aac", "-movflags", "+faststart"] : ["-c", "copy"]
        let clip = try await Clip.make(options, container: container)
        let (sent, probe) = try await onThread {
            let cut = try TemporaryFile()
            cut.write(clip.bytes.prefix(clip.bytes.count * 6 / 10))
            let descriptor = cut.reopened()
            defer { close(descriptor) }
            let job = IngestJob(
                source: .file(name: "cut.\(container)"), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            let result = try Chain(job, descriptor: descriptor).play()
            return (result.sent, result.probe)
        }
        #expect(sent.tracks.allSatisfy { $0.frames > 40 })
        #expect((1.0..<3.9).contains(probe.durationSeconds), "\(probe.durationSeconds) s")
        #expect(probe.numbers.prefix(30) == Array(0..<30)[...])
        #expect(probe.decodeErrors == "")
    }

    @Test func `damage in the middle is left out and told`() async throws {
        let clip = try await Clip.make(["-c:v", "libx264", "-bf", "2", "-c:a", "aac"], container: "mp4")
        let (log, probe) = try await onThread {
            let broken = try TemporaryFile()
            var bytes = clip.bytes
            for index in bytes.count / 2..<bytes.count / 2 + 900 { bytes[index] ^= 0x5A }
            broken.write(bytes)
            let descriptor = broken.reopened()
            defer { close(descriptor) }
            let job = IngestJob(
                source: .file(name: "broken.mp4"), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            let chain = try Chain(job, descriptor: descriptor)
            let probe = try chain.play().probe
            return (chain.ingest.logText, probe)
        }
        #expect(log.contains("can't be decoded"))
        #expect(probe.decodeErrors == "")
        #expect(probe.pictures.count > 100)
        #expect(abs(probe.durationSeconds - 4) <= 0.2)
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
    }

    @Test func `a recording whose process is killed plays up to its last second`() async throws {
        let probe = try await onThread {
            let job = IngestJob(
                source: .test(TestSource(seconds: 6)), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            let chain = try Chain(job)
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
        // Three seconds were sent when the process died.
        #expect(probe.pictures.count >= 60, "\(probe.pictures.count) pictures")
        #expect(probe.numbers == Array(0..<probe.pictures.count))
        #expect(probe.decodeErrors == "")
    }
}
