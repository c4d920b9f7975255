import Base
import Foundation
import TestSupport
import Testing

extension AllSystemTests {
    /// What a person with curl, a load balancer and Prometheus see of a gateway at work.
    @Suite struct Observability {
        @Test func `figures follow an ingest and a recording, and health says ready`() async throws {
            let daemon = try await Daemon()
            let live = try await daemon.call(.get, "/health/live")
            #expect(live.status == 200 && live.json == ["live": true])
            let ready = try await daemon.call(.get, "/health/ready")
            #expect(ready.status == 200 && ready.json == ["ready": true], "\(ready.text)")
            let idle = try await scrape(daemon)
            #expect(idle["ladle_rooms"] == 0 && idle["ladle_ready"] == 1)

            let recording = try await daemon.call("POST", "/api/v1/recordings", json: ["room": "watched"])
            let id = try #require(recording.json["id"]?.stringValue)
            try await daemon.call("POST", "/api/v1/ingests", json: ["room": "watched", "source": "test"])
            try await daemon.event("recording.started", room: "watched")
            let busy = try await eventually("figures of an ingest and a recording\n\(daemon.log)") {
                let scrape = try await self.scrape(daemon)
                return (scrape["ladle_recording_bytes_total"] ?? 0) > 0 ? scrape : nil
            }
            #expect(busy["ladle_rooms"] == 1)
            #expect(busy["ladle_pipelines", "kind=\"ingest\"", "state=\"running\""] == 1)
            #expect(busy["ladle_pipelines", "kind=\"recording\"", "state=\"running\""] == 1)
            #expect(busy["ladle_broadcasters", "role=\"ingest\""] == 1)
            #expect(busy["ladle_broadcasters", "role=\"recorder\""] == 1)
            #expect(busy["ladle_producers_flowing", "kind=\"video\""] == 1)
            #expect(busy["ladle_consumers", "kind=\"audio\""] == 1)
            for direction in ["received", "sent"] {
                let labels = ["direction=\"\(direction)\"", "worker=\"0\""]
                #expect(try #require(busy["ladle_media_packets_total", labels[0], labels[1]]) > 50)
                #expect(try #require(busy["ladle_media_bytes_total", labels[0], labels[1]]) > 5_000)
                // Everything is of this machine.
                #expect(busy["ladle_media_packets_lost_total", labels[0], labels[1]] == 0)
            }
            #expect(try #require(busy["ladle_rtp_ports_in_use"]) >= 2)
            #expect(busy["ladle_media_loop_answering", "worker=\"0\""] == 1)
            #expect(try #require(busy["ladle_events_total", "type=\"recording.started\""]) == 1)
            #expect(try #require(busy["ladle_http_requests_total", "status=\"2xx\""]) > 3)

            try await daemon.call("DELETE", "/api/v1/recordings/\(id)")
            let file = try #require(try FileManager.default.contentsOfDirectory(atPath: daemon.recordings.path).first)
            let attributes = try FileManager.default.attributesOfItem(
                atPath: daemon.recordings.appendingPathComponent(file).path)
            let size = try #require(attributes[.size] as? NSNumber).doubleValue
            let done = try await eventually("a finished recording of \(size) bytes in the figures\n\(daemon.log)") {
                let scrape = try await self.scrape(daemon)
                let isFinished = scrape["ladle_pipelines_finished_total", "kind=\"recording\""] == 1
                return isFinished && scrape["ladle_recording_bytes_total"] == size ? scrape : nil
            }
            #expect(done["ladle_pipelines", "kind=\"recording\"", "state=\"running\""] == 0)
            try await daemon.stop()
        }

        @Test func `a recordings folder that became something else makes the gateway unready`() async throws {
            let daemon = try await Daemon()
            try? FileManager.default.removeItem(at: daemon.recordings)
            try Data("no folder".utf8).write(to: daemon.recordings)
            // The answer of the second before may still be remembered.
            let answer = try await eventually("503 from /health/ready") {
                let answer = try await daemon.call(.get, "/health/ready")
                return answer.status == 503 ? answer : nil
            }
            let folder = daemon.recordings.path
            #expect(
                answer.json == [
                    "ready": false,
                    "reasons": [.string("the recordings folder \(folder) can't be written to: Not a directory")],
                ])
            #expect(try await daemon.call(.get, "/health/live").status == 200)
            #expect(try await scrape(daemon)["ladle_ready"] == 0)
            try await daemon.stop()
        }

        private func scrape(_ daemon: Daemon) async throws -> PrometheusScrape {
            let answer = try await daemon.call(.get, "/metrics")
            #expect(answer.status == 200 && answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
            return try PrometheusScrape(answer.text)
        }
    }
}
