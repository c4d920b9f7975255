import Base
import Glibc
import PipelineControl
import PipelineDescription
import RTCP
import RTP
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

    @Test(arguments: [
        (["-c:v", "libx264", "-bf", "2", "-c:a", "aac"], "mp4", VideoTarget.vp8),
        (["-c:v", "libx264", "-bf", "2", "-c:a", "aac"], "ts", .h264), (["-c", "copy"], "webm", .h264),
    ])
    func `a file is played whole, sound and picture together`(
        options: [String], container: String, video: VideoTarget
    ) async throws {
        let clip = try await Clip.make(options, container: container)
        let (source, probe) = try await onThread {
            let descriptor = clip.reopened()
            defer { close(descriptor) }
            let job = Shipped.ingest(try Shipped.plan("ingest-file-gst"), name: "clip.\(container)", video: video)
            let chain = try Chain(job, descriptor: descriptor)
            return (chain.source, try chain.play().probe)
        }
        #expect(source.tracks.map(\.treatment) == [.transcode, .transcode])
        #expect(source.tracks[0].description.hasPrefix("clip.\(container)'s picture, 640x360"))
        #expect(probe.codecs == [video.rawValue, "opus"])
        #expect(probe.decodeErrors == "")
        #expect(probe.numbers.count == probe.pictures.count && probe.pictures.count >= 118, "\(probe.numbers)")
        #expect(zip(probe.numbers, probe.numbers.dropFirst()).allSatisfy { $0 < $1 })
        #expect(abs(probe.durationSeconds - 4) <= 0.2, "\(probe.durationSeconds) s")
        #expect(probe.flashes.count == 3)
        #expect(probe.skewsInMilliseconds.count == 3)
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
    }

    @Test(arguments: [["-vn", "-c:a", "libmp3lame"], ["-an", "-c:v", "copy"]])
    func `one track alone is played too`(options: [String]) async throws {
        let clip = try await Clip.make(options, container: "mkv")
        let (source, probe) = try await onThread {
            let descriptor = clip.reopened()
            defer { close(descriptor) }
            let chain = try Chain(
                Shipped.ingest(try Shipped.plan("ingest-file-gst"), name: "clip.mkv"), descriptor: descriptor)
            return (chain.source, try chain.play().probe)
        }
        let hasSound = options[0] == "-vn"
        #expect(source.tracks.map(\.kind) == [hasSound ? .audio : .video])
        #expect(source.leftOut == ["\(hasSound ? "picture" : "sound"): nothing in the source feeds it"])
        #expect(probe.codecs == [hasSound ? "opus" : "vp8"])
        #expect(probe.decodeErrors == "")
        #expect(abs(probe.durationSeconds - 4) <= 0.2)
        #expect(hasSound ? probe.beeps.count == 4 : probe.numbers.count >= 118)
    }

    @Test func `a loop runs on without a gap`() async throws {
        let clip = try await Clip.make(
            ["-t", "2", "-c:v", "libx264", "-profile:v", "baseline", "-g", "30", "-c:a", "aac"], container: "mp4")
        let probe = try await onThread {
            let descriptor = clip.reopened()
            defer { close(descriptor) }
            let job = Shipped.ingest(try Shipped.plan("ingest-file-gst"), name: "clip.mp4", loop: true)
            let chain = try Chain(job, descriptor: descriptor)
            #expect(chain.source.durationSeconds == nil)
            return try chain.play(frames: 200).probe
        }
        #expect(probe.isRising)
        #expect(probe.longestStep <= 0.1, "\(probe.longestStep) s")
        #expect(probe.numbers.filter { $0 == 0 }.count >= 3, "\(probe.numbers)")
        #expect(zip(probe.numbers, probe.numbers.dropFirst()).allSatisfy { $0 < $1 || ($1 == 0 && $0 >= 58) })
        #expect(probe.skewsInMilliseconds.count >= 4)
        #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
    }

    @Test func `values are set, and are never a part of the text`() async throws {
        let (source, probe) = try await onThread {
            let text = "<b>x</b> ! filesink location=/tmp/ladle-never"
            let plan = try Shipped.plan(
                "ingest-lower-third", ["text": .string(text), "width": 320, "height": 180, "seconds": 2])
            let chain = try Chain(Shipped.ingest(plan, name: "ingest-lower-third"))
            return (chain.source, try chain.play().probe)
        }
        #expect(source.tracks[0].description == "videotestsrc's picture, 320x180, 30 fps")
        #expect(source.tracks[0].reason == "vp8enc encodes it to VP8")
        #expect((probe.width, probe.height) == (320, 180))
        #expect(probe.decodeErrors == "")
        #expect(probe.pictures.count == 60)
        #expect(access("/tmp/ladle-never", F_OK) != 0)
    }

    @Test func `a pipeline without an encoder is copied`() async throws {
        let clip = try await Clip.make(["-c:v", "libx264", "-profile:v", "baseline", "-c:a", "aac"], container: "mp4")
        let (source, probe) = try await onThread {
            let descriptor = clip.reopened()
            defer { close(descriptor) }
            let plan = GStreamerPlan(
                launch: "fdsrc name=input ! qtdemux name=d d.video_0 ! h264parse ! appsink name=video", input: "input")
            let chain = try Chain(Shipped.ingest(plan, name: "clip.mp4"), descriptor: descriptor)
            return (chain.source, try chain.play().probe)
        }
        #expect(source.tracks.map(\.treatment) == [.copy])
        #expect(source.tracks.map(\.answersKeyFrameRequests) == [false])
        #expect(source.tracks.map(\.reason) == ["the pipeline brings H264 as it is"])
        #expect(source.tracks[0].codec.parameters["profile-level-id"]?.stringValue?.hasPrefix("42e0") == true)
        #expect(probe.numbers == Array(0..<120))
    }

    @Test func `a picture that comes in fits is played as it comes, whatever the sound does`() async throws {
        let (sent, probe, moved) = try await onThread {
            // Each second of pictures comes in half of one, but only after 4 s. Meanwhile the sound runs as far ahead
            // as it may.
            let plan = GStreamerPlan(
                launch: """
                    videotestsrc pattern=ball ! video/x-raw,width=160,height=90,framerate=1/1
                    ! identity sleep-time=4000000 ! videorate ! video/x-raw,framerate=30/1
                    ! identity sleep-time=15000 ! vp8enc deadline=1 ! appsink name=video
                    audiotestsrc ! audio/x-raw,rate=48000,channels=2 ! opusenc ! appsink name=audio
                    """)
            let chain = try Chain(Shipped.ingest(plan))
            let started = ContinuousClock.now
            let played = try chain.play(frames: 120)
            return (played.sent, played.probe, ContinuousClock.now - started)
        }
        #expect(sent.tracks[0].frames >= 120)
        // 20 s of waiting, and the pictures between. A sound that holds them up makes it minutes.
        #expect(moved.components.seconds < 60, "\(moved)")
        #expect(probe.decodeErrors == "")
        #expect(probe.isRising)
        // Sending moved back; what was sent has no gap.
        #expect(probe.longestStep <= 0.2, "\(probe.longestStep) s")
    }

    @Test func `a live source is young when it is played`() async throws {
        let probe = try await onThread {
            let plan = GStreamerPlan(
                launch: """
                    videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=30/1
                    ! vp8enc deadline=1 keyframe-max-dist=300 ! appsink name=video
                    audiotestsrc is-live=true wave=silence ! audio/x-raw,rate=48000,channels=2 ! opusenc
                    ! appsink name=audio
                    """,
                properties: [GStreamerPlan.Property(element: "pipeline", property: "seconds", value: 3)])
            let chain = try Chain(Shipped.ingest(plan))
            // Nobody wants it for a while: what comes meanwhile is thrown away.
            sleep(2)
            return try chain.play().probe
        }
        #expect(probe.codecs == ["vp8", "opus"])
        #expect(probe.decodeErrors == "")
        #expect(probe.longestStep <= 0.2, "\(probe.longestStep) s")
        #expect((2.5...3.3).contains(probe.durationSeconds), "\(probe.durationSeconds) s")
    }

    @Test(arguments: VideoTarget.allCases)
    func `a receiver that asks for a key frame gets one`(codec: VideoTarget) async throws {
        try await onThread {
            let socket = Datagram()
            let worker = try WorkerProcess()
            try worker.send(.ingest(Shipped.ingest(try Shipped.plan("ingest-test-gst"), video: codec)))
            let tracks = try worker.opened().tracks
            #expect(tracks.map(\.kind) == [.video, .audio])
            try worker.send(
                .send([
                    SendTrack(
                        index: 0, ip: "127.0.0.1", port: socket.port, rtcpPort: nil, ssrc: 1000, payloadType: 100,
                        cname: "c")
                ]))
            try worker.ready()
            try worker.send(.play)
            var (keyFrames, frames, isAsked) = (0, 0, false)
            while keyFrames < 2, let (bytes, from) = socket.receive() {
                guard bytes.withUnsafeBytes({ PacketKind.of($0.bytes) }) == .rtp else { continue }
                let (header, isKey) = try bytes.withUnsafeBytes { buffer in
                    let header = try RTPHeader(parsing: buffer.bytes)
                    let payload = buffer.bytes.extracting(header.payloadRange)
                    return (header, KeyFrame.isKeyFrame(codec: codec == .vp8 ? .vp8 : .h264, payload: payload))
                }
                if isKey { keyFrames += 1 }
                if header.marker { frames += 1 }
                if frames == 5, !isAsked {
                    isAsked = true
                    var buffer = [UInt8](repeating: 0, count: 64)
                    var builder = RTCPBuilder()
                    buffer.withUnsafeMutableBytes { bytes in
                        var span = bytes.mutableBytes
                        builder.pictureLoss(senderSSRC: 1, mediaSSRC: 1000, into: &span)
                    }
                    socket.send(Array(buffer[..<builder.length]), to: from)
                }
            }
            #expect(keyFrames == 2)
            // Without the request the next one would have come after 60 frames.
            #expect(frames < 50, "\(frames) frames")
            try worker.send(.finish)
            _ = try worker.finished()
        }
    }
}
