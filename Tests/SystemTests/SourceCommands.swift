import Base
import Foundation
import Testing

extension AllSystemTests {
    /// What a person types to see what a source, a description or this machine is.
    @Suite struct `Commands about sources` {
        private func ladle(_ arguments: [String], in scratch: Scratch) async throws -> (status: Int32, text: String) {
            let output = scratch.url.appendingPathComponent(UUID().uuidString)
            let tool = try Tool(Products.path("ladle"), arguments, output: output)
            return (try await tool.wait(seconds: 120), tool.text)
        }

        @Test func `pipelines lists what the gateway runs`() async throws {
            let daemon = try await Daemon()
            let list = try daemon.ladle(["pipelines"])
            #expect(try await list.wait(seconds: 60) == 0)
            for name in ["ingest-file", "ingest-network", "record-mkv"] {
                #expect(list.text.contains("  \(name) (libav)"))
            }
            #expect(list.text.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(list.text)")
            let json = try daemon.ladle(["pipelines", "--json"])
            #expect(try await json.wait(seconds: 60) == 0)
            let names = try JSONValue(parsing: json.text)["pipelines"]?.arrayValue?.compactMap {
                $0["name"]?.stringValue
            }
            #expect(names?.contains("ingest-camera") == true)
            try await daemon.stop()
        }

        @Test func `pipelines check tells place and cause, or that all is well`() async throws {
            let scratch = try Scratch()
            let good = """
                name: record-mine
                kind: record
                engine: libav
                help: Writes.
                container: matroska
                slots: [output, listen, tracks]

                """
            let files = [
                ("good.yaml", good), ("typo.yaml", good.replacingOccurrences(of: "matroska", with: "matrjoschka")),
                ("taken.yaml", good.replacingOccurrences(of: "record-mine", with: "record-mkv")),
            ]
            for (name, text) in files {
                try text.write(toFile: scratch.path(name), atomically: true, encoding: .utf8)
            }
            let fine = try await ladle(["pipelines", "check", scratch.path("good.yaml")], in: scratch)
            #expect(fine.status == 0 && fine.text == "\(scratch.path("good.yaml")): ok\n", "\(fine)")
            let bad = try await ladle(["pipelines", "check"] + files.map { scratch.path($0.0) }, in: scratch)
            let lines = bad.text.split(separator: "\n").map(String.init)
            #expect(bad.status == 1 && lines.count == 3, "\(bad.text)")
            #expect(
                lines.contains { $0.hasPrefix("\(scratch.path("typo.yaml")):5:12: container: \"matrjoschka\"") },
                "\(lines)")
            #expect(
                lines.contains { $0.hasPrefix("\(scratch.path("taken.yaml")): name: \"record-mkv\" is the name of ") })
        }

        @Test func `explain says what would become of each track, or in one line why not`() async throws {
            let scratch = try Scratch()
            let film = scratch.path("film.mp4")
            try await Clips.make(film, seconds: 1, Clips.h264AAC)
            let good = try await ladle(["explain", film], in: scratch)
            #expect(good.status == 0, "\(good.text)")
            #expect(good.text.contains("video 0: h264") && good.text.contains("→ copied as H264"), "\(good.text)")
            #expect(good.text.contains("audio 1: aac") && good.text.contains("→ transcoded to opus: "), "\(good.text)")
            let json = try await ladle(["explain", "--json", film], in: scratch)
            #expect(try JSONValue(parsing: json.text)["tracks"]?.arrayValue?.count == 2)

            try "user:hunter2\n".write(toFile: scratch.path("credentials"), atomically: true, encoding: .utf8)
            let closed = try await ladle(
                ["explain", "rtsp://127.0.0.1:9/x", "--credentials-file", scratch.path("credentials")], in: scratch)
            #expect(
                closed.status == 1 && closed.text.hasPrefix("ladle: rtsp://user:•••@127.0.0.1:9/x"), "\(closed.text)")
            #expect(closed.text.split(separator: "\n").count == 1 && !closed.text.contains("hunter2"), "\(closed.text)")
            let missing = try await ladle(["explain", "v4l2:/dev/nothing"], in: scratch)
            #expect(missing.status == 1 && missing.text.contains("/dev/nothing"), "\(missing.text)")
        }

        @Test func `devices says what there is, or what was looked for`() async throws {
            let scratch = try Scratch()
            let answer = try await ladle(["devices"], in: scratch)
            #expect(answer.status == 0)
            #expect(
                answer.text.contains("v4l2:/dev/video") || answer.text.contains("/sys/class/video4linux"),
                "\(answer.text)")
            #expect(answer.text.contains("alsa:hw:") || answer.text.contains("/proc/asound"), "\(answer.text)")
        }

        @Test func `a password is in no process list, log, event or answer`() async throws {
            let daemon = try await Daemon()
            let ingest = try daemon.ladle([
                "ingest", "rtsp://user:hunter2@127.0.0.1:9/x", "--retry", "always", "--room", "r",
            ])
            try await daemon.event("ingest.interrupted", room: "r")
            // `env` became the program itself.
            let arguments = try Data(
                contentsOf: URL(fileURLWithPath: "/proc/\(ingest.process.processIdentifier)/cmdline"))
            let list = String(decoding: arguments, as: UTF8.self)
            #expect(list.contains("rtsp://user:xxxxxxx@127.0.0.1:9/x"), "\(list)")
            #expect(!list.contains("hunter2"), "\(list)")
            ingest.signal(SIGINT)
            try await ingest.wait(seconds: 60)
            let answers = try await daemon.call("GET", "/api/v1/ingests").text
            let events = try await daemon.events().map(\.text).joined()
            for text in [ingest.text, answers, events] {
                #expect(text.contains("rtsp://user:•••@127.0.0.1:9/x"), "\(text)")
                #expect(!text.contains("hunter2"), "\(text)")
            }
            #expect(!daemon.log.contains("hunter2"))
            try await daemon.stop()
        }
    }
}
