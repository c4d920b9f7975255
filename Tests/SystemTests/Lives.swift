import Base
import Foundation
import Testing

extension AllSystemTests {
    /// What lives and dies with what.
    @Suite(.serialized) struct Lives {
        @Test func `a killed recorder leaves a file that plays, an event, and no descriptor`() async throws {
            let daemon = try await Daemon()
            let before = try holdings(of: daemon.processID)
            let recording = try await daemon.call("POST", "/api/v1/recordings", json: ["room": "kill"])
            let id = try #require(recording.json["id"]?.stringValue)
            let ingest = try await daemon.call("POST", "/api/v1/ingests", json: ["room": "kill", "source": "test"])
            let ingestID = try #require(ingest.json["id"]?.stringValue)
            try await eventually("three seconds in the file") {
                let status = try await daemon.call("GET", "/api/v1/recordings/\(id)").json
                return status["seconds"]?.doubleValue ?? 0 >= 3 ? true : nil
            }
            let starting = try await daemon.event("pipeline.starting") { $0["kind"] == "record" }
            let child = pid_t(try #require(starting["pid"]?.integerValue))
            kill(child, SIGKILL)
            let failed = try await daemon.event("recording.failed")
            #expect(failed["code"] == "crashed", "\(failed.text)")
            let file = try #require(failed["file"]?.stringValue)
            let saved = try await MediaFile.probe(file)
            #expect(Set(saved.codecs) == ["vp8", "opus"])
            // What was reported a second ago at the latest is on disk.
            let pictures = try await MediaFile.pictures(file)
            #expect(pictures >= 30, "\(pictures) pictures")
            #expect(!FileManager.default.fileExists(atPath: "/proc/\(child)"), "the child is reaped")

            // The ingest goes on; when it ends everything is given back.
            #expect(try await daemon.call("GET", "/api/v1/ingests/\(ingestID)").json["state"] == "running")
            try await daemon.call("DELETE", "/api/v1/ingests/\(ingestID)")
            try await eventually("the files, pipes and UDP sockets of before, \(before)") {
                try holdings(of: daemon.processID) == before ? true : nil
            }
            try await daemon.stop()
        }

        @Test func `an ingest ends with the command that owns it, however that ends`() async throws {
            let daemon = try await Daemon()
            let owner = try daemon.ladle(["ingest", "test", "--room", "owned"])
            try await daemon.event("media.flowing", room: "owned")
            owner.signal(SIGKILL)
            try await owner.wait(seconds: 10)
            try await daemon.event("pipeline.finished", room: "owned")

            let detached = try daemon.ladle(["ingest", "test", "--room", "free", "--detach"])
            #expect(try await detached.wait(seconds: 30) == 0)
            let id = detached.text.trimmingCharacters(in: .whitespacesAndNewlines)
            try await daemon.event("media.flowing", room: "free")
            #expect(try await daemon.call("GET", "/api/v1/ingests/\(id)").json["state"] == "running")
            let stop = try daemon.ladle(["ingest", "--stop", id])
            #expect(try await stop.wait(seconds: 30) == 0, "\(stop.text)")

            let interrupted = try daemon.ladle(["ingest", "test", "--room", "interrupted"])
            try await daemon.event("media.flowing", room: "interrupted")
            interrupted.signal(SIGINT)
            #expect(try await interrupted.wait(seconds: 30) == 0, "\(interrupted.text)")
            try await daemon.stop()
        }

        @Test func `stopping a recording that got nothing says so, with the exit code of failed work`() async throws {
            let daemon = try await Daemon()
            let detached = try daemon.ladle(["record", "--room", "nobody", "--detach"])
            #expect(try await detached.wait(seconds: 30) == 0, "\(detached.text)")
            let id = detached.text.trimmingCharacters(in: .whitespacesAndNewlines)
            try await daemon.event("recording.armed", room: "nobody")
            let stop = try daemon.ladle(["record", "--stop", id])
            #expect(try await stop.wait(seconds: 30) == 1, "\(stop.text)")
            let failed = try await daemon.event("recording.failed", room: "nobody")
            #expect(stop.text.contains(try #require(failed["message"]?.stringValue)), "\(stop.text)")
            try await daemon.stop()
        }

        @Test func `children die with a daemon that is killed`() async throws {
            let daemon = try await Daemon()
            try await daemon.call("POST", "/api/v1/ingests", json: ["room": "orphan", "source": "test"])
            try await daemon.event("media.flowing", room: "orphan")
            let starting = try await daemon.event("pipeline.starting")
            let child = try #require(starting["pid"]?.integerValue)
            daemon.kill(SIGKILL)
            try await eventually("the end of process \(child)", seconds: 20) {
                FileManager.default.fileExists(atPath: "/proc/\(child)/exe") ? nil : true
            }
        }

        @Test func `SIGTERM finishes recordings`() async throws {
            let daemon = try await Daemon()
            try await daemon.call("POST", "/api/v1/recordings", json: ["room": "term", "output": "term.mkv"])
            try await daemon.call("POST", "/api/v1/ingests", json: ["room": "term", "source": "test"])
            try await daemon.event("recording.started")
            try await Task.sleep(for: .seconds(1))
            try await daemon.stop()
            let file = daemon.recordings.appendingPathComponent("term.mkv").path
            let recorded = try await MediaFile.probe(file)
            // A duration stands in the header of a finished file only.
            #expect(recorded.durationSeconds > 0.5)
            #expect(try await MediaFile.decodeErrors(file) == "")
        }

        @Test func `the demo records its test source and says how to go on`() async throws {
            let scratch = try Scratch("ladle-demo")
            let demo = try Tool(
                Products.path("ladle"),
                [
                    "demo", "--listen", "127.0.0.1:0", "--recordings", scratch.path("recordings"), "--media",
                    scratch.url.path, "--webrtc-address", "127.0.0.1",
                ],
                output: scratch.url.appendingPathComponent("log"))
            try await eventually("the recording of the demo\n\(demo.text)") {
                demo.text.contains("recording.started") ? true : nil
            }
            try await Task.sleep(for: .seconds(2))
            demo.signal(SIGINT)
            #expect(try await demo.wait(seconds: 30) == 0, "\(demo.text)")
            #expect(demo.text.contains("ladle ingest FILE"))
            #expect(demo.text.contains("recording.finished"))
            let files = try FileManager.default.contentsOfDirectory(atPath: scratch.path("recordings"))
            let name = try #require(files.first)
            #expect(files.count == 1 && name.hasPrefix("demo-") && name.hasSuffix(".mkv"))
            #expect(try await MediaFile.probe(scratch.path("recordings/\(name)")).durationSeconds > 1)
        }

        @Test func `a player that comes late to a tap gets a whole picture`() async throws {
            let daemon = try await Daemon()
            let ingest = try await daemon.call("POST", "/api/v1/ingests", json: ["room": "tap", "source": "test"])
            let sender = try #require(ingest.json["id"]?.stringValue)
            try await daemon.event("media.flowing", room: "tap") { $0["kind"] == "video" }
            // A name that would clear the terminal and forge a line.
            try await daemon.call(
                "POST", "/rooms/tap/broadcasters",
                json: ["id": "evil", "displayName": "\u{1B}[2J\nforged", "device": ["name": "x"]])
            let made = try await daemon.call(
                "POST", "/rooms/tap/broadcasters/evil/transports", json: ["type": "plain"])
            try await daemon.call(
                "POST", "/rooms/tap/broadcasters/evil/transports/\(made.json["id"]?.stringValue ?? "")/producers",
                json: [
                    "kind": "audio",
                    "rtpParameters": [
                        "codecs": [
                            ["mimeType": "audio/opus", "payloadType": 100, "clockRate": 48_000, "channels": 2]
                        ],
                        "encodings": [["ssrc": 1111]],
                    ],
                ])
            let rooms = try daemon.ladle(["rooms"])
            #expect(try await rooms.wait(seconds: 30) == 0)
            #expect(rooms.text.hasPrefix("tap\n  "), "\(rooms.text)")
            #expect(rooms.text.contains("video  video/VP8  flowing  by Test source"), "\(rooms.text)")
            #expect(rooms.text.contains("silent  by ?[2J?forged  "), "\(rooms.text)")
            let sdp = daemon.scratch.path("tap.sdp")
            let tap = try daemon.ladle(["tap", "--room", "tap", "--broadcaster", sender, "--output", sdp])
            try await eventually("the SDP\n\(tap.text)") { FileManager.default.fileExists(atPath: sdp) ? true : nil }
            let picture = daemon.scratch.path("picture.mkv")
            let player = try Tool(
                "ffmpeg",
                ["-v", "error", "-protocol_whitelist", "file,udp,rtp", "-i", sdp, "-t", "2", "-c", "copy", picture],
                output: daemon.scratch.url.appendingPathComponent("player.log"))
            #expect(try await player.wait(seconds: 60) == 0, "\(player.text)")
            #expect(Set(try await MediaFile.probe(picture).codecs) == ["vp8", "opus"])
            #expect(try await MediaFile.pictures(picture) > 20)
            tap.signal(SIGINT)
            #expect(try await tap.wait(seconds: 30) == 0, "\(tap.text)")
            try await daemon.event("broadcaster.closed", room: "tap") { $0["broadcasterName"] == "tap" }
            try await daemon.stop()
        }

        @Test(arguments: [
            (["rooms", "--gateway", "nowhere"], 64, "ladle: the gateway's address is 'nowhere'; it is written as"),
            (["tap", "--address", "here"], 64, "ladle: --address is 'here'; it must be"),
            (["tap", "--room", "nobody"], 1, "ladle: there is no room \"nobody\""),
            (["serve", "--listen", "0.0.0.0:1"], 64, "ladle: --listen: 0.0.0.0:1 can be reached"),
            (["record", "--broadcaster", ""], 1, "ladle: the broadcaster id is empty"),
            (
                ["serve", "--listen", "127.0.0.1:0", "--media", "/nope"], 1,
                "ladle: media: can't use the folder /nope: No"
            ),
            (
                ["serve", "--listen", "127.0.0.1:0", "--recordings", "/nope/x"], 1,
                "ladle: recordings: can't use the folder /nope: No"
            ),
            (
                ["serve", "--listen", "127.0.0.1:0", "--rtp-address", "192.0.2.1"], 1,
                "ladle: rtp.address: 192.0.2.1 is no address"
            ),
            (["rooms", "--gateway", "http://127.0.0.1:1"], 69, "ladle: no gateway answers at http://127.0.0.1:1;"),
        ])
        func `a mistake is told in one line`(command: [String], status: Int32, line: String) async throws {
            let daemon = try await Daemon()
            let tool = try daemon.ladle(command)
            #expect(try await tool.wait(seconds: 30) == status)
            #expect(tool.text.hasPrefix(line) && tool.text.split(separator: "\n").count == 1, "\(tool.text)")
            try await daemon.stop()
        }

        @Test func `a closed terminal ends a recording as Ctrl-C does`() async throws {
            let daemon = try await Daemon()
            let record = try daemon.ladle(["record", "--room", "terminal"])
            try await daemon.event("recording.armed", room: "terminal")
            try await daemon.call("POST", "/api/v1/ingests", json: ["room": "terminal", "source": "test"])
            try await daemon.event("recording.started", room: "terminal")
            record.signal(SIGHUP)
            #expect(try await record.wait(seconds: 30) == 0, "\(record.text)")
            try await daemon.event("recording.finished", room: "terminal")
            try await daemon.stop()
        }

        /// The files, pipes and UDP sockets that a process holds open.
        private func holdings(of process: Int32) throws -> [String] {
            let folder = "/proc/\(process)/fd"
            let datagramSockets = try ["udp", "udp6"].flatMap { table in
                try String(contentsOfFile: "/proc/\(process)/net/\(table)", encoding: .utf8).split(separator: "\n")
                    .dropFirst().compactMap { line in
                        line.split(separator: " ").dropFirst(9).first.map { "socket:[\($0)]" }
                    }
            }
            return try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
                try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
            }.filter { $0.hasPrefix("/") || $0.hasPrefix("pipe:") || datagramSockets.contains($0) }.sorted()
        }
    }
}
