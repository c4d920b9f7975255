import Base
import Foundation
import TestSupport
import Testing

extension AllSystemTests {
    /// One clear line, nothing crashed, nothing lost.
    @Suite(.serialized) struct `Bad input` {
        @Test func `a source that can't be played says why in one line`() async throws {
            let daemon = try await Daemon()
            let media = daemon.media
            try "no media at all".write(
                to: media.appendingPathComponent("notes.mp4"), atomically: true, encoding: .utf8)
            try Data().write(to: media.appendingPathComponent("empty.mp4"))
            try FileManager.default.createDirectory(
                at: media.appendingPathComponent("folder.mp4"), withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                at: media.appendingPathComponent("link.mp4"), withDestinationURL: URL(fileURLWithPath: "/etc/passwd"))
            try "1\n00:00:01,000 --> 00:00:02,000\nwords\n".write(
                to: media.appendingPathComponent("words.srt"), atomically: true, encoding: .utf8)

            for (source, words) in [
                ("missing.mp4", "missing.mp4"), ("folder.mp4", "folder"), ("../log", "outside"),
                ("/etc/passwd", "outside"),
                ("link.mp4", "link.mp4"), ("notes.mp4", "notes.mp4"), ("empty.mp4", "empty.mp4"),
                ("words.srt", "words.srt"),
                ("bell\u{7}.mp4", "control"), ("", "source"),
            ] {
                let (status, message) = try await refusal(of: source, by: daemon)
                #expect(message.contains(words), "\(source): \(message)")
                #expect(!message.contains("\n") && message.count < 300, "\(source): \(message)")
                #expect(status == nil || (400..<500).contains(status ?? 0), "\(source): \(status ?? 0) \(message)")
            }
            try await daemon.stop()
        }

        /// The answer's status and message, or those of the ingest's failure.
        private func refusal(of source: String, by daemon: Daemon) async throws -> (Int?, String) {
            let answer = try await daemon.call(
                "POST", "/api/v1/ingests", json: ["room": "bad", "source": JSONValue(source)])
            guard answer.status == 201 else {
                return (answer.status, answer.json["message"]?.stringValue ?? answer.text)
            }
            let id = try #require(answer.json["id"]?.stringValue)
            let failure = try await eventually("the failure of \(source)") {
                let status = try await daemon.call("GET", "/api/v1/ingests/\(id)").json
                return status["state"] == "failed" ? status["failure"] : nil
            }
            return (nil, failure["message"]?.stringValue ?? "")
        }

        @Test func `a truncated film plays what is there`() async throws {
            let daemon = try await Daemon()
            let whole = daemon.scratch.path("whole.mkv")
            try await Pattern.shared.make(whole, ["-c", "copy"])
            let data = try Data(contentsOf: URL(fileURLWithPath: whole))
            try data.prefix(data.count * 6 / 10).write(to: daemon.media.appendingPathComponent("cut.mkv"))
            let recorder = try daemon.ladle(["record", "--room", "cut", "--output", "cut-out.mkv"])
            try await daemon.event("recording.armed")
            let ingest = try daemon.ladle([
                "ingest", daemon.media.appendingPathComponent("cut.mkv").path, "--room", "cut",
            ])
            #expect(try await ingest.wait(seconds: 60) == 0, "\(ingest.text)")
            #expect(try await recorder.wait(seconds: 60) == 0, "\(recorder.text)")
            let recorded = try await MediaFile.probe(daemon.recordings.appendingPathComponent("cut-out.mkv").path)
            #expect(recorded.durationSeconds > 2 && recorded.durationSeconds < 4.5, "\(recorded)")
            try await daemon.stop()
        }

        @Test func `a recording without media, and one without a key frame, say so`() async throws {
            let daemon = try await Daemon()
            let script = BroadcasterScript(daemon: daemon, room: "silent")
            try await script.join(device: "nothing")
            let transport = try await script.createTransport()
            try await script.produce(transport, kind: "video", rtpParameters: BroadcasterScript.vp8)
            let recorder = try daemon.ladle(["record", "--room", "silent"])
            #expect(try await recorder.wait(seconds: 60) == 1)
            #expect(recorder.text.contains("nothing came on the video track"), "\(recorder.text)")
            try await daemon.event("recording.failed") { $0["code"] == "no-media" }

            // Inter frames alone: VP8 payload whose P bit is set.
            let sender = try UDPSender()
            let feeding = Task {
                var sequence: UInt16 = 0
                while !Task.isCancelled {
                    sequence &+= 1
                    sender.send(
                        rtp(
                            payloadType: 101, sequence: sequence, timestamp: UInt32(sequence) * 3000, ssrc: 2222,
                            payload: [0x10, 0x01, 0, 0, 0]),
                        to: UInt16(transport.port))
                    try await Task.sleep(for: .milliseconds(33))
                }
            }
            defer { feeding.cancel() }
            let second = try daemon.ladle(["record", "--room", "silent"])
            #expect(try await second.wait(seconds: 60) == 1)
            #expect(second.text.contains("key frame"), "\(second.text)")
            try await daemon.event("recording.failed") { $0["code"] == "no-key-frame" }
            try await daemon.stop()
        }

        @Test func `garbage on an RTP port harms nobody, and RTP before its producer is dropped`() async throws {
            let daemon = try await Daemon()
            let script = BroadcasterScript(daemon: daemon, room: "garbage")
            try await script.join(device: "noise")
            let transport = try await script.createTransport()
            let sender = try UDPSender()
            let packet = rtp(payloadType: 101, sequence: 1, timestamp: 0, ssrc: 2222, payload: [0x10, 0x00, 0, 0, 0])
            sender.send(packet, to: UInt16(transport.port))
            try await daemon.event("transport.connected", room: "garbage")
            try await script.produce(transport, kind: "video", rtpParameters: BroadcasterScript.vp8)

            let report: [UInt8] = [0x80, 200, 0, 6] + [UInt8](repeating: 7, count: 24)
            for bytes in [packet, report, Array("GET / HTTP/1.1\r\n\r\n".utf8)] {
                for length in 0...bytes.count {
                    sender.send(Array(bytes[..<length]), to: UInt16(transport.port))
                    sender.send(Array(bytes[..<length]), to: UInt16(transport.rtcpPort))
                }
            }
            var generator = SeededGenerator(seed: 1)
            for _ in 0..<2000 {
                let size = Int.random(in: 0...1400, using: &generator)
                sender.send(
                    (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }, to: UInt16(transport.port))
            }
            // It still forwards: the real stream is seen.
            for sequence in 2..<40 {
                sender.send(
                    rtp(
                        payloadType: 101, sequence: UInt16(sequence), timestamp: 3000, ssrc: 2222,
                        payload: [0x10, 0x00, 0, 0, 0]),
                    to: UInt16(transport.port))
            }
            try await daemon.event("media.flowing", room: "garbage")
            try await daemon.stop()
        }

        @Test func `a port range that is used up is told, and heals`() async throws {
            let daemon = try await Daemon(["--rtp-ports", "47310-47313"])
            let script = BroadcasterScript(daemon: daemon, room: "ports")
            try await script.join(device: "greedy")
            _ = try await script.createTransport()
            _ = try await script.createTransport()
            let refused = try await daemon.call(
                "POST", "/rooms/ports/broadcasters/\(script.id)/transports", json: ["type": "plain"])
            #expect(refused.status >= 500, "\(refused.status)")
            #expect(refused.text.contains("47310-47313"), "\(refused.text)")
            try await script.leave()
            let again = BroadcasterScript(daemon: daemon, room: "ports")
            try await again.join(device: "modest")
            _ = try await again.createTransport()
            try await daemon.stop()
        }

        @Test func `a busy port names its owner`() async throws {
            let daemon = try await Daemon()
            let second = try Tool(
                Products.path("ladle"),
                ["serve", "--listen", "127.0.0.1:\(daemon.port)", "--recordings", daemon.recordings.path],
                output: daemon.scratch.url.appendingPathComponent("second"))
            #expect(try await second.wait(seconds: 30) == 1)
            #expect(second.text.contains("port \(daemon.port)"))
            #expect(second.text.contains("ladle (pid \(daemon.processID))"), "\(second.text)")
            try await daemon.stop()
        }
    }
}
