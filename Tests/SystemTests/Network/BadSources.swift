import Base
import Foundation
import Testing

/// A source that can't be played, and what a person must be told.
struct BadSource: Sendable, CustomTestStringConvertible {
    enum Peer: Sendable { case none, camera, cameraWithLogin(RTSPServer.Login.Method), web, webWithLogin, silence }

    var name: String
    var peer = Peer.none
    /// The source; PORT is the peer's.
    var source: String
    /// Words of the one line; PORT is the peer's here too.
    var words: [String]

    var testDescription: String { name }

    /// Never to be seen anywhere.
    static let wrongPassword = "wr0ngSecretWord"

    static let all: [BadSource] = [
        BadSource(
            name: "a host that never answers", peer: .silence, source: "rtsp://127.0.0.1:PORT/h264",
            words: ["rtsp://127.0.0.1:PORT/h264", "nothing came"]),
        BadSource(
            name: "a web server that never answers", peer: .silence, source: "http://127.0.0.1:PORT/clip.mp4",
            words: ["http://127.0.0.1:PORT/clip.mp4", "nothing came"]),
        BadSource(
            name: "a port that refuses", source: "rtsp://127.0.0.1:9/x", words: ["rtsp://127.0.0.1:9/x", "refused"]),
        BadSource(
            name: "a port that refuses rtmp", source: "rtmp://camera:\(wrongPassword)@127.0.0.1:9/live",
            words: ["rtmp://camera:•••@127.0.0.1:9/live", "refused"]),
        BadSource(
            name: "a wrong password, digest", peer: .cameraWithLogin(.digest),
            source: "rtsp://camera:\(wrongPassword)@127.0.0.1:PORT/h264",
            words: ["rtsp://camera:•••@127.0.0.1:PORT/h264", "password"]),
        BadSource(
            name: "a wrong password, basic", peer: .cameraWithLogin(.basic),
            source: "rtsp://camera:\(wrongPassword)@127.0.0.1:PORT/h264", words: ["camera:•••@", "password"]),
        BadSource(
            name: "no password where one is wanted", peer: .webWithLogin, source: "http://127.0.0.1:PORT/words.txt",
            words: ["http://127.0.0.1:PORT/words.txt", "password"]),
        BadSource(
            name: "no playable track", peer: .camera, source: "rtsp://127.0.0.1:PORT/data",
            words: ["rtsp://127.0.0.1:PORT/data", "no track that can be played"]),
        BadSource(
            name: "a path that isn't there, rtsp", peer: .camera, source: "rtsp://127.0.0.1:PORT/nothing",
            words: ["rtsp://127.0.0.1:PORT/nothing", "404"]),
        BadSource(
            name: "a path that isn't there, http", peer: .web, source: "http://127.0.0.1:PORT/nothing.mp4",
            words: ["http://127.0.0.1:PORT/nothing.mp4", "404"]),
        BadSource(
            name: "a text instead of media", peer: .web, source: "http://127.0.0.1:PORT/words.txt",
            words: ["http://127.0.0.1:PORT/words.txt"]),
        BadSource(
            name: "a list that names a file of the gateway's machine", peer: .web,
            source: "http://127.0.0.1:PORT/evil.m3u8", words: ["http://127.0.0.1:PORT/evil.m3u8"]),
        BadSource(
            name: "a camera that isn't there", source: "v4l2:/dev/video99", words: ["/dev/video99"]),
        BadSource(name: "a microphone that isn't there", source: "alsa:hw:9", words: ["hw:9"]),
        BadSource(name: "a scheme that nobody knows", source: "gopher://127.0.0.1/x", words: ["gopher", "rtsp"]),
        BadSource(name: "libav's own words", source: "concat:a.mp4|b.mp4", words: ["concat"]),
    ]
}

extension AllSystemTests {
    @Suite(.serialized) struct `Bad sources` {
        @Test(arguments: BadSource.all)
        func `a source that can't be played is told in one line`(bad: BadSource) async throws {
            let daemon = try await Daemon()
            let (port, peer) = try await start(bad.peer)
            func filled(_ text: String) -> String { text.replacingOccurrences(of: "PORT", with: "\(port)") }
            let begin = ContinuousClock.now
            let tool = try daemon.ladle(["ingest", filled(bad.source), "--room", "bad"])
            let status = try await tool.wait(seconds: 60)
            figure(
                "\(bad.name): \(milliseconds(ContinuousClock.now - begin)) ms: \(tool.text.trimmingCharacters(in: .whitespacesAndNewlines))"
            )
            #expect(status == 1 || status == 64, "ended with \(status)")
            let lines = tool.text.split(separator: "\n")
            #expect(lines.count == 1 && lines[0].hasPrefix("ladle: "), "\(tool.text)")
            for word in bad.words { #expect(tool.text.contains(filled(word)), "\(word) in: \(tool.text)") }
            #expect(tool.text.count < 400)
            let everything = try await daemon.call("GET", "/api/v1/events?follow=false").text
            for text in [tool.text, daemon.log, everything] {
                #expect(!text.contains(BadSource.wrongPassword), "\(text)")
            }
            // Nothing stays, in the process list neither.
            try await eventually("no process below the daemon") {
                try Holdings.children(of: daemon.processID).isEmpty ? true : nil
            }
            withExtendedLifetime(peer) {}
            try await daemon.stop()
        }

        /// Secrets are kept out of the process list while a pipeline runs, too.
        @Test func `a password is in no process's arguments or environment`() async throws {
            let daemon = try await Daemon()
            let login = RTSPServer.Login()
            let server = try await RTSPServer(login: login)
            let made = try await daemon.call(
                "POST", "/api/v1/ingests",
                json: [
                    "room": "secret",
                    "source": JSONValue(server.url(.h264Opus, user: "\(login.user):\(login.password)")),
                ])
            try await daemon.event("media.flowing", room: "secret")
            let children = try Holdings.children(of: daemon.processID)
            #expect(children.count == 1)
            for process in children + [daemon.processID] {
                for name in ["cmdline", "environ"] {
                    let bytes = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/\(name)"))
                    #expect(!String(decoding: bytes, as: UTF8.self).contains(login.password))
                }
            }
            let status = try await daemon.call("GET", "/api/v1/ingests/\(made.json["id"]?.stringValue ?? "")")
            let events = try await daemon.call("GET", "/api/v1/events?follow=false")
            for text in [made.text, status.text, events.text, daemon.log] {
                #expect(text.contains("camera:•••@"), "\(text)")
                #expect(!text.contains(login.password))
            }
            try await daemon.stop()
        }

        private func start(_ peer: BadSource.Peer) async throws -> (UInt16, AnyObject?) {
            switch peer {
            case .none: return (0, nil)
            case .camera:
                let server = try await RTSPServer()
                return (server.port, server)
            case .cameraWithLogin(let method):
                let server = try await RTSPServer(login: .init(method: method))
                return (server.port, server)
            case .web, .webWithLogin:
                let hasLogin = if case .webWithLogin = peer { true } else { false }
                let server = try await WebServer(user: hasLogin ? "reader" : nil, password: "hunter2secret")
                try "no media at all\n".write(
                    toFile: server.folder.path("words.txt"), atomically: true, encoding: .utf8)
                try "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
                    .write(toFile: server.folder.path("evil.m3u8"), atomically: true, encoding: .utf8)
                return (server.port, server)
            case .silence:
                // Accepted by the kernel, answered by nobody.
                let relay = try CutRelay(.tcp, to: 9)
                relay.cut()
                return (relay.port, relay)
            }
        }
    }
}
