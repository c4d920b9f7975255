import Base
import Foundation
import TestSupport
import Testing

extension AllSystemTests {
    /// Media that comes over a network goes into a room and out into a recording.
    @Suite(.serialized) struct `Network sources` {
        @Test(arguments: NetworkSource.allCases)
        func `a source is recorded whole through the room`(kind: NetworkSource) async throws {
            let daemon = try await Daemon()
            let recording = try await daemon.call(
                "POST", "/api/v1/recordings", json: ["room": "network", "output": "network.mkv"])
            let recordingID = try #require(recording.json["id"]?.stringValue, "\(recording.text)")
            let running = try await kind.start()
            let ingest = try await daemon.call(
                "POST", "/api/v1/ingests",
                json: [
                    "room": "network", "source": JSONValue(running.source), "parameters": running.parameters,
                ])
            let id = try #require(ingest.json["id"]?.stringValue, "\(ingest.text)")
            let sender = try await running.sender?()
            try await daemon.event("recording.started", room: "network")
            if !kind.isFile {
                try await eventually("six seconds in the file\n\(daemon.log)") {
                    let status = try await daemon.call("GET", "/api/v1/recordings/\(recordingID)").json
                    return status["seconds"]?.doubleValue ?? 0 >= 6 ? true : nil
                }
                try await daemon.call("DELETE", "/api/v1/ingests/\(id)")
            }
            let finished = try await daemon.event("recording.finished", room: "network")
            withExtendedLifetime((running, sender)) {}

            let file = try #require(finished["file"]?.stringValue)
            let probe = try await onThread { try RecordingProbe(file) }
            #expect(Set(probe.codecs) == kind.codecs)
            #expect(probe.decodeErrors == "")
            #expect(probe.isRising)
            let expected = probe.expectedPictures
            #expect(probe.pictures.count >= expected * 99 / 100, "\(probe.pictures.count) of \(expected) pictures")
            #expect(expected >= (kind.isFile ? 149 : 165), "\(expected) pictures")
            #expect(abs(probe.durationSeconds - Double(expected) / 30) <= 0.3, "\(probe.durationSeconds) s")
            let skews = probe.skewsInMilliseconds
            #expect(skews.count >= 3, "\(skews)")
            #expect(skews.allSatisfy { abs($0) <= 40 }, "\(skews)")
            let most = skews.max { abs($0) < abs($1) } ?? .nan
            figure(
                """
                \(kind.rawValue): skew at most \(Int(most.rounded())) ms, \(probe.pictures.count) of \(expected) \
                pictures, longest step \(Int((probe.longestStep * 1000).rounded())) ms
                """)
            if let secret = running.secret {
                let everything = try await daemon.call("GET", "/api/v1/events?follow=false").text
                #expect(!daemon.log.contains(secret) && !everything.contains(secret))
            }
            try await daemon.stop()
        }
    }
}

extension RecordingProbe {
    /// From the first picture's number to the last one's; the peers' clips begin again after 600.
    var expectedPictures: Int {
        zip(numbers, numbers.dropFirst()).reduce(1) { sum, pair in
            sum + (pair.1 > pair.0 ? pair.1 - pair.0 : pair.1 + Int(TestSignal.seconds * 30) - pair.0)
        }
    }
}
