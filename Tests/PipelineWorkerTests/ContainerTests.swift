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

    /// Joins an ingest and a recording and lets `body` play; all on one thread, since pipeline processes end with the
    /// thread that started them.
    func run<Value: Sendable>(_ body: @escaping @Sendable (Chain) throws -> Value) async throws -> Value {
        let clip: TemporaryFile? =
            if let clipOptions { try await Clip.make(clipOptions, container: "webm") } else { nil }
        return try await onThread {
            let descriptor = clip?.reopened() ?? -1
            defer { if descriptor >= 0 { close(descriptor) } }
            let job = IngestJob(
                source: clip == nil ? .test(TestSource(seconds: 4)) : .file(name: "clip"), loop: false,
                videoCodec: codec == "h264" ? .h264 : .vp8, routerCodecs: Router.all)
            return try body(Chain(job, descriptor: descriptor, container: container))
        }
    }
}

/// Each container with real media through a real worker.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct ContainerTests {
    @Test(arguments: ContainerCase.all)
    func `what is played is in the file, sound and picture together`(recorded: ContainerCase) async throws {
        let probe = try await recorded.run { try $0.play().probe }
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

/// What is left when something goes wrong in the middle.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct UnfinishedRecordingTests {
    @Test(arguments: [
        ContainerCase(container: .matroska, codec: "vp8"), ContainerCase(container: .webm, codec: "vp8"),
        ContainerCase(container: .mp4, codec: "h264"),
    ])
    func `a recorder that is killed loses less than a second`(recorded: ContainerCase) async throws {
        let (reached, probe) = try await recorded.run { chain in
            try chain.ingest.send(.play)
            try chain.record.running()
            while (chain.record.progress.last?.seconds ?? 0) < 2, try chain.record.progressed() {}
            // What it said last is what it had received at least.
            chain.record.kill9()
            _ = chain.record.exit()
            return (chain.record.progress.last?.seconds ?? 0, try RecordingProbe(chain.file.path))
        }
        #expect(reached >= 2)
        let last = try #require(probe.pictures.last?.time)
        #expect(last > reached - 1, "\(last) s of \(reached) s")
        #expect(try #require(probe.sound?.upperBound) > reached - 1)
        #expect(probe.numbers == Array(0..<probe.pictures.count))
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
    }

    /// The picture is held up for 8 s; the recorder waits 5 s for it.
    @Test(arguments: [
        (ContainerCase(container: .webm, codec: "vp8"), true),
        (ContainerCase(container: .matroska, codec: "vp8"), true),
        (ContainerCase(container: .mp4, codec: "h264"), false),
    ])
    func `a picture that comes late fails nothing`(recorded: ContainerCase, isTakenIn: Bool) async throws {
        let (account, probe, log) = try await onThread {
            let start = ContinuousClock.now
            let job = IngestJob(
                source: .test(TestSource(seconds: 11)), loop: false,
                videoCodec: recorded.codec == "h264" ? .h264 : .vp8, routerCodecs: Router.all)
            let chain = try Chain(job, container: recorded.container) { ssrc, number in
                ssrc == 1000 && number >= 0 && ContinuousClock.now - start < .seconds(8) ? .drop : .pass
            }
            let result = try chain.play()
            return (result.recorded, result.probe, chain.record.logText)
        }
        #expect(log.contains("begins without a picture: nothing came on the video track c0 (video/"))
        #expect(probe.codecs == (isTakenIn ? [recorded.codec, "opus"] : ["opus"]))
        #expect(account.seconds > 10)
        #expect(try #require(probe.sound?.upperBound) > 10)
        #expect(probe.decodeErrors == "")
        guard isTakenIn else {
            #expect(account.tracks[0].frames == 0)
            return
        }
        #expect((probe.width, probe.height) == (640, 360))
        #expect(try #require(probe.pictures.first?.time) > 5)
        #expect(probe.flashes.count >= 1)
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
    }

    @Test func `a disk that is slow at the end costs frames, not the file's end`() async throws {
        let (failure, seconds) = try await onThread {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw WorkerProcess.Timeout(description: "no pipe") }
            let reading = ends[0]
            // Else half of it would wait in the pipe.
            let setPipeSize: Int32 = 1031  // F_SETPIPE_SZ of fcntl(2), which Glibc does not import.
            _ = fcntl(reading, setPipeSize, 4096)
            // 8 KiB a second: far less than comes.
            ThreadStart {
                var room = [UInt8](repeating: 0, count: 2048)
                while read(reading, &room, room.count) > 0 { usleep(250_000) }
                close(reading)
            }.start()
            let job = IngestJob(
                source: .test(TestSource(width: 1280, height: 720, seconds: 6)), loop: false, videoCodec: .vp8,
                routerCodecs: Router.all)
            let chain = try Chain(job, output: ends[1])
            close(ends[1])
            try chain.ingest.send(.play)
            _ = try chain.ingest.finished()
            let start = ContinuousClock.now
            try chain.record.send(.finish)
            let failure = try chain.record.failed()
            return (failure, (ContinuousClock.now - start).components.seconds)
        }
        #expect(failure.code == .cannotWrite)
        // "… is in order, but without its last 4.2 s …", or on a machine that is busy besides: "… could not be ended …".
        #expect(failure.message.contains("the disk"), "\(failure.message)")
        // 6.5 s are allowed; without a limit it takes far longer.
        #expect(seconds < 30)
    }
}
