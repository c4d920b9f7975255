import Base
import Control
import Events
import FoundationEssentials
import Gateway
import Glibc
import MediaPlane
import PipelineControl
import Signaling
import TestSupport
import Testing

@Suite struct MetricsTests {
    @Test func `rooms and what is in them are counted by kind`() async throws {
        let watched = try Watched()
        let collector = watched.collector()
        let before = try await watched.scrape(collector)
        #expect(before["ladle_rooms"] == 0 && before["ladle_consumers", "kind=\"video\""] == 0)
        #expect(before.families["ladle_producers"]?.samples == [:])
        try await watched.fill("a")
        try await watched.fill("b")
        let scrape = try await watched.scrape(collector)
        #expect(scrape["ladle_build_info", "version=\"1.2.3\""] == 1)
        #expect(scrape["ladle_ready"] == 1)
        #expect(scrape["ladle_rooms"] == 2)
        #expect(scrape["ladle_broadcasters", "role=\"broadcaster\""] == 2)
        #expect(scrape["ladle_broadcasters", "role=\"ingest\""] == 0)
        #expect(scrape["ladle_transports", "kind=\"plain\""] == 4)
        #expect(scrape["ladle_producers", "kind=\"video\"", "codec=\"vp8\""] == 2)
        #expect(scrape["ladle_producers_flowing", "kind=\"video\""] == 0)
        #expect(scrape["ladle_consumers", "kind=\"video\""] == 2)
        #expect(scrape["ladle_consumers", "kind=\"audio\""] == 0)
        #expect(scrape["ladle_rtp_ports_in_use"] == 4)
        #expect(scrape["ladle_rtp_ports_available"] == 9_996)
        #expect(scrape["ladle_media_loop_answering", "worker=\"0\""] == 1)
        let now = Double(Date().timeIntervalSince1970)
        let started = try #require(scrape["process_start_time_seconds"])
        #expect((now - 7 * 86_400...now + 1).contains(started))
        #expect(try #require(scrape["process_resident_memory_bytes"]) > 1_048_576)
        #expect(try #require(scrape["process_open_fds"]) > 3)
        #expect(try #require(scrape["process_cpu_seconds_total"]) > 0)
        #expect(try #require(scrape["ladle_recordings_disk_size_bytes"]) > 0)
    }

    @Test func `a scrape does not wait for a stuck loop, tells of it, and no counter falls`() async throws {
        let watched = try Watched { $0.loopAnswer = .milliseconds(20) }
        let collector = watched.collector()
        try await watched.fill("a")
        let port = try #require(await watched.rooms.list().first?.transports.first?.tuple.localPort)
        let sender = try UDPSocket.bind(to: try #require(SocketAddress("127.0.0.1", port: 0)))
        #expect(sender.connect(to: try #require(SocketAddress("127.0.0.1", port: port))))
        var byte: UInt8 = 7
        #expect(send(sender.descriptor, &byte, 1, 0) == 1)
        var before = try await watched.scrape(collector)
        for _ in 0..<10_000 {
            if before["ladle_media_packets_total", "direction=\"received\"", "worker=\"0\""] == 1 { break }
            before = try await watched.scrape(collector)
        }
        let dropped = ["ladle_media_packets_dropped_total", "direction=\"received\"", "reason=\"unknown_kind\""]
        #expect(before[dropped[0], dropped[1], dropped[2], "worker=\"0\""] == 1)
        #expect(before["ladle_media_bytes_total", "direction=\"received\"", "worker=\"0\""] == 1)
        try await watched.whileStuck {
            let stuck = try await watched.scrape(collector)
            #expect(stuck["ladle_media_loop_answering", "worker=\"0\""] == 0)
            #expect(stuck["ladle_ready"] == 0)
            #expect(try #require(stuck["ladle_media_loop_lag_seconds", "of=\"commands\"", "worker=\"0\""]) > 0)
            #expect(stuck["ladle_media_packets_total", "direction=\"received\"", "worker=\"0\""] == 1)
            #expect(stuck["ladle_rooms"] == 1)
        }
    }

    @Test func `pipelines are counted by state while they live, and by their ends for ever`() async throws {
        let watched = try Watched()
        let collector = watched.collector()
        var camera = IngestStatus(id: "ingest-1", room: "r", source: "rtsp://camera", state: .running)
        camera.interruption = SourceInterruption(reason: "connection refused", attempts: 3)
        let film = IngestStatus(id: "ingest-2", room: "r", source: "film.mp4", state: .running)
        let old = IngestStatus(id: "ingest-3", room: "r", source: "old.mp4", state: .failed)
        watched.ingests.withLock { $0 = [camera, film, old] }
        watched.recordings.withLock {
            $0 = [
                RecordingStatus(id: "recording-1", room: "r", file: "a.mkv", state: .running, bytes: 1000),
                RecordingStatus(id: "recording-2", room: "r", file: "b.mkv", state: .finished, bytes: 500),
            ]
        }
        let counting = Task { await watched.tally.run(watched.events) }
        let subject = PipelineSubject(room: "r", id: "ingest-3", kind: .ingest, name: "old.mp4")
        watched.events.publish(.pipelineFailed(subject, code: "cannot-open", message: "no"))
        watched.events.publish(.pipelineFailed(subject, code: "from-the-future", message: "no"))
        watched.events.publish(
            .pipelineFinished(
                PipelineSubject(room: "r", id: "recording-2", kind: .record, name: "b.mkv"), seconds: 2))
        watched.events.finish()
        await counting.value

        let scrape = try await watched.scrape(collector)
        #expect(scrape["ladle_pipelines", "kind=\"ingest\"", "state=\"running\""] == 2)
        #expect(scrape["ladle_pipelines", "kind=\"recording\"", "state=\"running\""] == 1)
        #expect(scrape["ladle_pipelines", "kind=\"recording\"", "state=\"armed\""] == 0)
        #expect(scrape.sum("ladle_pipelines") == 3)
        #expect(scrape["ladle_ingests_interrupted"] == 1)
        #expect(scrape["ladle_pipelines_failed_total", "kind=\"ingest\"", "code=\"cannot-open\""] == 1)
        #expect(scrape["ladle_pipelines_failed_total", "kind=\"ingest\"", "code=\"from-the-future\""] == 1)
        #expect(scrape["ladle_pipelines_failed_total", "kind=\"recording\"", "code=\"hung\""] == 0)
        #expect(scrape["ladle_pipelines_finished_total", "kind=\"recording\""] == 1)
        #expect(scrape["ladle_events_total", "type=\"pipeline.failed\""] == 2)
        #expect(scrape["ladle_events_total", "type=\"room.created\""] == 0)
        #expect(scrape["ladle_recording_bytes_total"] == 1500)

        // One grows, one shrinks by a little at its end, one is forgotten.
        watched.recordings.withLock {
            $0 = [RecordingStatus(id: "recording-1", room: "r", file: "a.mkv", state: .running, bytes: 1800)]
        }
        #expect(try await watched.scrape(collector)["ladle_recording_bytes_total"] == 2300)
        watched.recordings.withLock { $0[0].bytes = 1700 }
        #expect(try await watched.scrape(collector)["ladle_recording_bytes_total"] == 2300)
        watched.recordings.withLock { $0 = [] }
        #expect(try await watched.scrape(collector)["ladle_recording_bytes_total"] == 2300)
    }

    @Test func `WebRTC clients are counted by how far they have come, and handshakes by their end`() async throws {
        let watched = try Watched()
        let collector = watched.collector()
        let room = try await watched.rooms.room("r")
        try await room.addBroadcaster(Broadcaster(id: "w", displayName: "W", device: .init(name: "Test")))
        _ = try await room.createWebRTCTransport(for: "w")
        let counting = Task { await watched.tally.run(watched.events) }
        func subject(_ id: String) -> TransportSubject {
            TransportSubject(broadcaster: BroadcasterSubject(room: "r", id: "w", displayName: "W"), id: id)
        }
        func tell(_ id: String, _ ice: String, _ dtls: String) {
            watched.events.publish(.transportState(subject(id), ice: ice, dtls: dtls, reason: nil))
        }
        tell("1", "connected", "connecting")
        tell("1", "connected", "connected")
        // A change of one tells both.
        tell("1", "completed", "connected")
        tell("1", "disconnected", "connected")
        tell("1", "disconnected", "closed")
        tell("2", "connected", "failed")
        tell("2", "disconnected", "failed")
        watched.events.publish(.transportClosed(subject("2"), reason: "requested"))
        tell("2", "connected", "failed")
        watched.events.finish()
        await counting.value
        let scrape = try await watched.scrape(collector)
        #expect(scrape["ladle_transports", "kind=\"webrtc\""] == 1)
        #expect(scrape["ladle_transports", "kind=\"plain\""] == 0)
        #expect(scrape["ladle_webrtc_transports", "state=\"new\""] == 1)
        #expect(scrape.sum("ladle_webrtc_transports") == 1)
        #expect(scrape["ladle_webrtc_handshakes_total", "outcome=\"connected\""] == 1)
        #expect(scrape["ladle_webrtc_handshakes_total", "outcome=\"failed\""] == 2)
        #expect(scrape["ladle_webrtc_disconnects_total"] == 2)
    }

    @Test func `docs and figures name the same metrics, with their types and labels`() async throws {
        let watched = try Watched()
        try await watched.fill("a")
        let scrape = try await watched.scrape(watched.collector())
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = String(
            decoding: try Data(contentsOf: URL(filePath: "/\(root)/docs/observability.md")), as: UTF8.self)
        func words(_ cell: Substring) -> [String] {
            cell.split(separator: "`").enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }
        let rows = page.split(separator: "\n").compactMap { line -> String? in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst()
            guard cells.count == 5, let name = words(cells[1]).first, ["counter", "gauge"].contains(trimmed(cells[2]))
            else { return nil }
            return "\(name) \(trimmed(cells[2])) \(words(cells[3]).sorted())"
        }
        let figures = scrape.names.map { name -> String in
            let family = scrape.families[name]
            let labels = family?.samples.keys.first.map(labelNames) ?? []
            return "\(name) \(family?.type ?? "") \(labels)"
        }
        #expect(figures == rows)
    }

    private func trimmed(_ cell: Substring) -> String { cell.split(separator: " ").joined(separator: " ") }

    /// Of `a="1",b="2"`; no value of ours has a comma.
    private func labelNames(_ key: String) -> [String] {
        key.split(separator: ",").compactMap { $0.split(separator: "=").first.map(String.init) }
    }
}
