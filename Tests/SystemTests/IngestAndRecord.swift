import Base
import Foundation
import TestSupport
import Testing

/// A file that goes into a room and comes out as a recording.
struct Journey: Sendable, CustomTestStringConvertible {
    var name: String
    /// Of the ffmpeg tool, which changes five seconds of the test source.
    var options: [String]
    var container = "mp4"
    /// Codecs of the recording, in no order.
    var codecs: Set<String>
    /// The treatments by kind.
    var treatments: [String: String]
    /// Pictures in the source.
    var pictures = 150

    var testDescription: String { name }

    static let x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "60"]

    static let all: [Journey] = [
        Journey(
            name: "H264 and AAC in MP4, no B-frames", options: x264 + ["-profile:v", "baseline", "-c:a", "aac"],
            codecs: ["h264", "opus"], treatments: ["video": "copy", "audio": "transcode"]),
        Journey(
            name: "H264 and AAC in MP4, B-frames",
            options: x264 + ["-preset", "veryfast", "-profile:v", "main", "-bf", "2", "-c:a", "aac"],
            codecs: ["vp8", "opus"], treatments: ["video": "transcode", "audio": "transcode"]),
        Journey(
            name: "VP8 and Opus in WebM", options: ["-c", "copy"], container: "webm", codecs: ["vp8", "opus"],
            treatments: ["video": "copy", "audio": "copy"]),
        Journey(
            name: "sound only", options: ["-vn", "-c:a", "libmp3lame"], container: "mp3", codecs: ["opus"],
            treatments: ["audio": "transcode"], pictures: 0),
        Journey(
            name: "picture only", options: x264 + ["-an", "-profile:v", "baseline"], codecs: ["h264"],
            treatments: ["video": "copy"]),
        Journey(
            name: "an odd size", options: x264 + ["-pix_fmt", "yuv444p", "-vf", "scale=641:359", "-c:a", "aac"],
            codecs: ["vp8", "opus"], treatments: ["video": "transcode", "audio": "transcode"]),
        Journey(
            name: "a varying frame rate",
            options: x264 + [
                "-vf", "select='if(lt(t,2),1,not(mod(n,3)))'", "-fps_mode", "vfr", "-profile:v", "baseline", "-c:a",
                "aac",
            ], codecs: ["h264", "opus"], treatments: ["video": "copy", "audio": "transcode"], pictures: 90),
    ]
}

/// What plays a file.
enum Engine: String, Sendable, CaseIterable {
    case libav, gstreamer

    /// Of `ladle ingest`.
    var options: [String] { self == .gstreamer ? ["--pipeline", "ingest-file-gst"] : [] }

    /// GStreamer's description always transcodes.
    func outcome(of journey: Journey) -> (codecs: Set<String>, treatments: [String: String]) {
        guard self == .gstreamer else { return (journey.codecs, journey.treatments) }
        return (
            Set(journey.treatments.keys.map { $0 == "video" ? "vp8" : "opus" }),
            journey.treatments.mapValues { _ in "transcode" }
        )
    }
}

extension AllSystemTests {
    @Suite(.serialized) struct `Ingest and record` {
        @Test(arguments: Journey.all, Engine.allCases)
        func `a file is recorded whole through the room`(journey: Journey, engine: Engine) async throws {
            let daemon = try await Daemon()
            let clip = daemon.media.appendingPathComponent("clip.\(journey.container)").path
            try await Pattern.shared.make(clip, journey.options)
            let file = try await record(clip, with: daemon, by: engine)

            let opened = try await daemon.event("ingest.opened")
            let (codecs, treatments) = engine.outcome(of: journey)
            for (kind, treatment) in treatments {
                let track = opened["tracks"]?.arrayValue?.first { $0["kind"]?.stringValue == kind }
                #expect(track?["treatment"]?.stringValue == treatment, "\(opened.text)")
                #expect(track?["reason"]?.stringValue?.isEmpty == false)
            }
            let probe = try await onThread { try RecordingProbe(file) }
            #expect(Set(probe.codecs) == codecs)
            #expect(abs(probe.durationSeconds - 5) <= 0.2, "\(probe.durationSeconds) s")
            #expect(probe.decodeErrors == "")
            if journey.pictures > 0 {
                #expect(probe.numbers.first == 0, "nothing of the beginning is missing")
                #expect(probe.pictures.count >= journey.pictures * 99 / 100, "\(probe.pictures.count) pictures")
                #expect(zip(probe.numbers, probe.numbers.dropFirst()).allSatisfy { $0 < $1 })
                #expect(probe.isRising)
            }
            if journey.treatments.count == 2 {
                let skews = probe.skewsInMilliseconds
                #expect(skews.count == 4)
                #expect(skews.allSatisfy { abs($0) <= 40 }, "\(skews)")
                figure("\(journey.name), \(engine): skews \(skews.map { Int($0.rounded()) }) ms")
            }
            try await daemon.stop()
        }

        @Test func `a real film, H264 Main with 5_1 sound, is recorded whole`() async throws {
            let daemon = try await Daemon()
            let clip = daemon.media.appendingPathComponent("film.mp4").path
            try FileManager.default.copyItem(atPath: try await TestFilm.shared.path(), toPath: clip)
            let file = try await record(clip, with: daemon)
            let source = try await MediaFile.probe(clip)
            let recorded = try await MediaFile.probe(file)
            #expect(recorded.codecs == ["h264", "opus"])
            #expect(abs(recorded.durationSeconds - source.durationSeconds) <= 0.2, "\(recorded) of \(source)")
            #expect(try await MediaFile.decodeErrors(file) == "")
            let (before, after) = (try await MediaFile.pictures(clip), try await MediaFile.pictures(file))
            #expect(after >= before * 99 / 100, "\(after) of \(before) pictures")
            try await daemon.stop()
        }

        /// Arms a recording with the command line, ingests with it, and gives back the finished file.
        private func record(
            _ clip: String, with daemon: Daemon, by engine: Engine = .libav
        ) async throws -> String {
            let recorder = try daemon.ladle(["record", "--room", "journey", "--output", "journey.mkv"])
            try await daemon.event("recording.armed")
            let ingest = try daemon.ladle(["ingest", clip, "--room", "journey"] + engine.options)
            #expect(try await ingest.wait(seconds: 120) == 0, "\(ingest.text)")
            #expect(try await recorder.wait(seconds: 60) == 0, "\(recorder.text)")
            let file = daemon.recordings.appendingPathComponent("journey.mkv").path
            #expect(recorder.text.contains(file), "the command says where the recording lies:\n\(recorder.text)")
            return file
        }
    }
}

/// Five seconds of the test source, recorded once by a gateway of its own, and changed by the ffmpeg tool.
actor Pattern {
    static let shared = Pattern()
    private var scratch: Scratch?

    func make(_ path: String, _ options: [String]) async throws {
        try await Tool.run("ffmpeg", ["-v", "error", "-y", "-i", try await master()] + options + [path])
    }

    private func master() async throws -> String {
        if let scratch { return scratch.path("master.mkv") }
        let daemon = try await Daemon()
        let recording = try await daemon.call(
            "POST", "/api/v1/recordings", json: ["room": "pattern", "output": "master.mkv"])
        try #require(recording.status == 201, "\(recording.text)")
        let ingest = try await daemon.call("POST", "/api/v1/ingests", json: ["room": "pattern", "source": "test"])
        let id = try #require(ingest.json["id"]?.stringValue, "\(ingest.text)")
        try await eventually("five and a half seconds of the test source") {
            let status = try await daemon.call("GET", "/api/v1/ingests/\(id)").json
            return status["progress"]?["seconds"]?.doubleValue ?? 0 >= 5.5 ? true : nil
        }
        try await daemon.call("DELETE", "/api/v1/ingests/\(id)")
        try await daemon.event("recording.finished")
        let made = try Scratch("ladle-pattern")
        // Cut at five seconds, without touching a frame before.
        try await Tool.run(
            "ffmpeg",
            [
                "-v", "error", "-y", "-i", daemon.recordings.appendingPathComponent("master.mkv").path, "-t", "5", "-c",
                "copy", made.path("master.mkv"),
            ])
        try await daemon.stop()
        scratch = made
        return made.path("master.mkv")
    }
}
