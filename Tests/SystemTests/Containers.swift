import Base
import Foundation
import TestSupport
import Testing

/// A description that records, and what goes into its file.
struct ContainerJourney: Sendable, CustomTestStringConvertible {
    var pipeline: String
    var container: String
    /// Of the test source: vp8 or h264.
    var video: String

    var testDescription: String { "\(pipeline), \(video)" }

    static let all: [ContainerJourney] = [
        ContainerJourney(pipeline: "record-mkv", container: "mkv", video: "vp8"),
        ContainerJourney(pipeline: "record-mkv", container: "mkv", video: "h264"),
        ContainerJourney(pipeline: "record-mkv-gst", container: "mkv", video: "vp8"),
        ContainerJourney(pipeline: "record-mkv-gst", container: "mkv", video: "h264"),
        ContainerJourney(pipeline: "record-webm", container: "webm", video: "vp8"),
        ContainerJourney(pipeline: "record-webm-gst", container: "webm", video: "vp8"),
        ContainerJourney(pipeline: "record-mp4", container: "mp4", video: "h264"),
    ]
}

extension AllSystemTests {
    @Suite(.serialized) struct Containers {
        @Test(arguments: ContainerJourney.all)
        func `the test source is recorded whole into every container, by both engines`(
            journey: ContainerJourney
        ) async throws {
            let daemon = try await Daemon()
            let name = "whole.\(journey.container)"
            let recording = try await daemon.call(
                "POST", "/api/v1/recordings",
                json: ["room": "box", "output": JSONValue(name), "pipeline": JSONValue(journey.pipeline)])
            try #require(recording.status == 201, "\(recording.text)")
            let ingest = try await daemon.call(
                "POST", "/api/v1/ingests",
                json: [
                    "room": "box", "source": "test", "video": JSONValue(journey.video), "parameters": ["seconds": 5],
                ])
            try #require(ingest.status == 201, "\(ingest.text)")
            let finished = try await daemon.event("recording.finished", room: "box")
            let file = try #require(finished["file"]?.stringValue)
            #expect(file == daemon.recordings.appendingPathComponent(name).path)
            let probe = try await onThread { try RecordingProbe(file) }
            #expect(Set(probe.codecs) == [journey.video, "opus"])
            #expect(probe.decodeErrors == "")
            #expect(probe.numbers.first == 0 && probe.isRising)
            #expect(probe.pictures.count >= 148, "\(probe.pictures.count) pictures")
            #expect(abs(probe.durationSeconds - 5) <= 0.2, "\(probe.durationSeconds) s")
            let skews = probe.skewsInMilliseconds
            #expect(skews.count == 4 && skews.allSatisfy { abs($0) <= 40 }, "\(skews)")
            figure("\(journey.testDescription): skews \(skews.map { Int($0.rounded()) }) ms")
            try await daemon.stop()
        }

        @Test(arguments: [(nil, "test"), ("ingest-test-gst", "ingest-test-gst")])
        func `both engines have a test source`(pipeline: String?, name: String) async throws {
            let daemon = try await Daemon()
            let recording = try await daemon.call(
                "POST", "/api/v1/recordings", json: ["room": "tests", "output": "tests.mkv"])
            let recordingID = try #require(recording.json["id"]?.stringValue, "\(recording.text)")
            var request: [String: JSONValue] = ["room": "tests"]
            if let pipeline { request["pipeline"] = JSONValue(pipeline) } else { request["source"] = "test" }
            let ingest = try await daemon.call("POST", "/api/v1/ingests", json: .object(request))
            let id = try #require(ingest.json["id"]?.stringValue, "\(ingest.text)")
            try await eventually("four seconds in the file\n\(daemon.log)") {
                let status = try await daemon.call("GET", "/api/v1/recordings/\(recordingID)").json
                return status["seconds"]?.doubleValue ?? 0 >= 4 ? true : nil
            }
            try await daemon.call("DELETE", "/api/v1/ingests/\(id)")
            let file = try #require(try await daemon.event("recording.finished", room: "tests")["file"]?.stringValue)
            let probe = try await onThread { try RecordingProbe(file) }
            #expect(Set(probe.codecs) == ["vp8", "opus"])
            #expect(probe.decodeErrors == "" && probe.isRising)
            #expect(abs(Double(probe.pictures.count) / 30 - probe.durationSeconds) <= 0.3, "\(probe.pictures.count)")
            #expect(probe.longestStep <= 0.1)
            let beeps = zip(probe.beeps, probe.beeps.dropFirst()).map { $1 - $0 }
            #expect(beeps.count >= 2 && beeps.allSatisfy { abs($0 - 1) < 0.02 }, "\(beeps)")
            let starting = try await daemon.event("pipeline.starting", room: "tests") { $0["kind"] == "ingest" }
            #expect(starting["name"]?.stringValue == name, "\(starting.text)")
            try await daemon.stop()
        }
    }
}
