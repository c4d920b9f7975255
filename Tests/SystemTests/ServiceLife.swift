import Base
import Foundation
import TestSupport
import Testing

extension AllSystemTests {
    /// The daemon under a service manager, from its start to its end.
    @Suite(.serialized) struct `A service` {
        private static let lobby = "sources: [{room: lobby, source: test}]"

        @Test(arguments: [false, true])
        func `says that it is ready, alive and stopping`(_ isAbstract: Bool) async throws {
            let daemon = try await ServiceDaemon("log: {format: json}", isAbstract: isAbstract)
            #expect(daemon.told.first == "READY=1")
            #expect(daemon.told.contains("MAINPID=\(daemon.tool.process.processIdentifier)"), "\(daemon.told)")
            try await daemon.call("GET", "/api/v1/version")
            // Under a service manager the closing of a terminal means nothing.
            daemon.tool.signal(SIGHUP)
            let before = daemon.told.count { $0 == "WATCHDOG=1" }
            try await daemon.hears("WATCHDOG=1", times: before + 3)
            #expect(!daemon.told.contains("STOPPING=1"))
            daemon.tool.signal(SIGTERM)
            try await daemon.hears("STOPPING=1")
            #expect(try await daemon.tool.wait(seconds: 60) == 0, "\(daemon.tool.text)")
            for line in daemon.tool.text.split(separator: "\n") where !line.hasPrefix("ladle ") {
                let json = try JSONValue(parsing: String(line))
                #expect(json["time"] != nil && json["level"] != nil && json["message"] != nil, "\(line)")
            }
        }

        @Test func `finishes a running recording within ten seconds of SIGTERM`() async throws {
            let daemon = try await ServiceDaemon(Self.lobby)
            let file = try await daemon.recording(of: "lobby")
            let clock = ContinuousClock()
            let begun = clock.now
            daemon.tool.signal(SIGTERM)
            #expect(try await daemon.tool.wait(seconds: 60) == 0, "\(daemon.tool.text)")
            // The promise itself, not a guess about this machine: it takes a tenth of a second when nothing hangs.
            #expect(clock.now - begun < .seconds(10))
            let streams = try await Tool.run(
                "ffprobe", ["-v", "error", "-show_entries", "stream=codec_name:format=duration", "-of", "csv", file])
            #expect(streams.contains("vp8") && streams.contains("opus"), "\(streams)")
            // Only a finalised file knows its duration.
            #expect(!streams.contains("N/A"), "\(streams)")
        }

        @Test func `ends although a pipeline hangs, and at once with a second signal`() async throws {
            let patient = try await ServiceDaemon(Self.lobby)
            _ = try await patient.recording(of: "lobby")
            let hanging = patient.children
            #expect(hanging.count == 2)
            defer { for child in hanging { kill(child, SIGKILL) } }
            for child in hanging { kill(child, SIGSTOP) }
            patient.tool.signal(SIGTERM)
            #expect(try await patient.tool.wait(seconds: 60) == 0, "\(patient.tool.text)")
            #expect(patient.tool.text.contains("did not finish within 10 s"), "\(patient.tool.text)")

            let hasty = try await ServiceDaemon(Self.lobby)
            try await hasty.hears("STATUS=serving ")
            let stopped = try await eventually("a pipeline") { hasty.children.isEmpty ? nil : hasty.children }
            defer { for child in stopped { kill(child, SIGKILL) } }
            for child in stopped { kill(child, SIGSTOP) }
            hasty.tool.signal(SIGTERM)
            try await hasty.hears("STOPPING=1")
            // Of another kind: it is the second all the same.
            hasty.tool.signal(SIGINT)
            #expect(try await hasty.tool.wait(seconds: 60) == 128 + SIGINT)
        }

        @Test func `records a source as its settings say, and into another file when somebody ends one`() async throws {
            let daemon = try await ServiceDaemon("sources: [{room: lobby, source: test, record: webm}]")
            func recording(besides other: String? = nil) async throws -> (id: String, file: String) {
                try await eventually("a recording that runs\n\(daemon.tool.text)") {
                    let list = try await daemon.call("GET", "/api/v1/recordings")["recordings"]?.arrayValue ?? []
                    guard let found = list.first(where: { $0["id"]?.stringValue != other }),
                        let seconds = found["seconds"]?.doubleValue, seconds > 0.5,
                        let id = found["id"]?.stringValue, let file = found["file"]?.stringValue
                    else { return nil }
                    return (id, file)
                }
            }
            let first = try await recording()
            try await daemon.call("DELETE", "/api/v1/recordings/\(first.id)")
            let second = try await recording(besides: first.id)
            daemon.tool.signal(SIGTERM)
            #expect(try await daemon.tool.wait(seconds: 60) == 0, "\(daemon.tool.text)")
            #expect(first.file != second.file)
            for file in [first.file, second.file] {
                #expect(file.contains("/lobby-") && file.hasSuffix(".webm"), "\(file)")
                let streams = try await Tool.run(
                    "ffprobe",
                    ["-v", "error", "-show_entries", "stream=codec_name:format=duration", "-of", "csv", file])
                #expect(streams.contains("vp8") && streams.contains("opus"), "\(streams)")
                #expect(!streams.contains("N/A"), "\(streams)")
            }
        }

        @Test func `starts a source again whose process crashed`() async throws {
            let daemon = try await ServiceDaemon(Self.lobby)
            let first = try await eventually("a pipeline\n\(daemon.tool.text)") { daemon.children.first }
            kill(first, SIGKILL)
            let second = try await eventually("another pipeline\n\(daemon.tool.text)") {
                daemon.children.first { $0 != first }
            }
            #expect(second != first)
            _ = try await daemon.recording(of: "lobby")
            daemon.tool.signal(SIGTERM)
            #expect(try await daemon.tool.wait(seconds: 60) == 0)
        }

        @Test func `loses its readers and still finishes its recording`() async throws {
            let scratch = try Scratch("ladle-demo")
            // What `make run | head` does: the reader goes away, here after some seconds of media.
            let shell = try Tool(
                "bash",
                [
                    "-c",
                    "set -o pipefail; cd '\(scratch.url.path)' && '\(Products.path("ladle"))' demo --listen 127.0.0.1:0 "
                        + "--rtp-ports 41000-41999 2>&1 | sleep 4",
                ], output: scratch.url.appendingPathComponent("output"))
            #expect(try await shell.wait(seconds: 60) == 0, "\(shell.text)")
            let folder = scratch.url.appendingPathComponent("recordings")
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(files.count == 1 && files[0].hasSuffix(".mkv"), "\(files)")
            let file = folder.appendingPathComponent(files.first ?? "").path
            let length = try await Tool.run(
                "ffprobe", ["-v", "error", "-show_entries", "format=duration", "-of", "csv", file])
            #expect(!length.contains("N/A"), "\(length)")
        }
    }
}
