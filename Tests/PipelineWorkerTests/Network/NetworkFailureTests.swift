import Base
import Glibc
import PipelineControl
import TestSupport
import Testing

/// Bad ends of network sources: one clear line each; and nothing that is said holds a secret.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct NetworkFailureTests {
    private static func failure(_ source: NetworkSource) throws -> PipelineFailure {
        let worker = try WorkerProcess()
        try worker.send(
            .ingest(
                IngestJob(source: .network(source), loop: false, videoCodec: .vp8, routerCodecs: Router.all)))
        let failure = try worker.failed()
        #expect(worker.exit() == 1)
        #expect(!failure.message.contains("\n"))
        return failure
    }

    @Test(arguments: [
        ("http://127.0.0.1:1/a", "connection refused"), ("rtsp://127.0.0.1:1/a", "connection refused"),
        ("rtmp://127.0.0.1:1/a/b", "connection refused"),
        ("rtsp://no-such-host.invalid/a", "the host no-such-host.invalid was not found"),
        ("http://no-such-host.invalid/a", "the host no-such-host.invalid was not found"),
        ("http://127.0.0.1:9 /a", "spaces"), ("gopher://h/a", "gopher"), ("v4l2:/dev/video0", "is a device"),
    ])
    func `who can't be reached is named with the reason`(url: String, words: String) async throws {
        let failure = try await onThread { try Self.failure(NetworkSource(url: url)) }
        #expect(failure.code == .cannotOpen)
        #expect(failure.message.contains(words), "\(failure.message)")
    }

    static let files: [(name: String, text: String, words: String)] = [
        ("words.txt", "just words\n", "is no media"),
        ("list.txt", "ffconcat version 1.0\nfile clip.mkv\n", "a format that is not played"),
        (
            "file.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
            "may not name"
        ),
        (
            "ts.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:4,\nfile:///tmp/a.ts\n#EXT-X-ENDLIST\n",
            "protocol file, which is not"
        ),
        ("concat.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:4,\nconcat:a.ts|b.ts\n#EXT-X-ENDLIST\n", ""),
        (
            "session.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5000 RTP/AVP 96\n",
            "a format that is not played"
        ),
        ("words.srt", "1\n00:00:00,000 --> 00:00:02,000\nHello\n", ""),
    ]

    @Test(arguments: files)
    func `what a server brings must be media`(name: String, text: String, words: String) async throws {
        let failure = try await onThread {
            let folder = try Folder()
            try folder.write(Array(text.utf8), to: name)
            let server = try WebServer.start(folder: folder.path)
            return try Self.failure(NetworkSource(url: "http://127.0.0.1:\(try server.port())/\(name)"))
        }
        #expect([.cannotOpen, .noPlayableTrack].contains(failure.code))
        #expect(failure.message.contains(name), "\(failure.message)")
        #expect(words.isEmpty || failure.message.contains(words), "\(failure.message)")
    }

    @Test func `servers that refuse are told apart`() async throws {
        try await onThread {
            let folder = try Folder()
            let server = try WebServer.start(folder: folder.path, login: "u:right")
            let place = "127.0.0.1:\(try server.port())"
            let missing = try Self.failure(NetworkSource(url: "http://\(place)/a"))
            #expect(missing.message.contains("wants a user name and password"), "\(missing.message)")
            let wrong = try Self.failure(NetworkSource(url: "http://u:wrong@\(place)/a"))
            #expect(wrong.message.contains("refused the user name or password"), "\(wrong.message)")
            let nowhere = try Self.failure(NetworkSource(url: "http://u:right@\(place)/a"))
            #expect(nowhere.message.contains("404"), "\(nowhere.message)")
            let plain = try Self.failure(NetworkSource(url: "https://\(place)/a"))
            #expect(plain.message.contains("TLS failed"), "\(plain.message)")
            for failure in [missing, wrong, nowhere, plain] { #expect(failure.code == .cannotOpen) }
        }
    }

    @Test func `a port that is taken can't be listened on`() async throws {
        let failure = try await onThread {
            let relay = try CuttingRelay(to: 9)
            return try Self.failure(NetworkSource(url: "rtmp://127.0.0.1:\(relay.port)/live/key", listens: true))
        }
        #expect(failure.message.contains("another program uses this port"), "\(failure.message)")
        #expect(!failure.message.contains("key"))
    }

    /// Whatever a source does, an end takes a moment.
    @Test func `a source that says nothing does not hold the end up`() async throws {
        try await onThread {
            let silent = try CuttingRelay(to: 9)
            silent.cut(.silent)
            for url in [
                "http://127.0.0.1:\(silent.port)/a", "rtsp://127.0.0.1:\(silent.port)/a",
                "srt://127.0.0.1:\(silent.port)", "udp://127.0.0.1:\(try NetworkPeer.freePort())",
            ] {
                let worker = try WorkerProcess()
                try worker.send(.ingest(NetworkPeer.job(url)))
                usleep(500_000)
                let asked = WireWatch.now
                try worker.send(.finish)
                _ = try worker.finished()
                let took = (WireWatch.now - asked).seconds
                print("measured: \(url.prefix { $0 != ":" }) ended \(took) s after finish")
                #expect(took < 20)
                #expect(worker.exit() == 0)
            }
        }
    }

    // MARK: Secrets

    private static let password = "s3cr3tW0rd"

    static let secretive: [String] = ["rtsp", "http", "srt"]

    @Test(arguments: secretive)
    func `no secret is in reports, log or process list`(scheme: String) async throws {
        let (clip, pictures) = (try await NetworkPeer.vp8.value, try await NetworkPeer.h264.value)
        try await onThread {
            let folder = try Folder()
            try folder.write(clip.bytes, to: "clip.mkv")
            let url: String
            let peer: PeerProcess
            switch scheme {
            case "rtsp":
                peer = try RTSPServer.start(
                    playing: clip.path, video: "vp8", audio: "opus",
                    login: .basic(user: "u", password: Self.password))
                url = "rtsp://u:\(Self.password)@127.0.0.1:\(try peer.port())/stream"
            case "http":
                peer = try WebServer.start(folder: folder.path, login: "u:\(Self.password)")
                url = "http://u:\(Self.password)@127.0.0.1:\(try peer.port())/clip.mkv?token=\(Self.password)2"
            default:
                let port = try NetworkPeer.freePort()
                peer = try NetworkPeer.publish(
                    pictures, "mpegts", to: "srt://127.0.0.1:\(port)?mode=listener&passphrase=\(Self.password)")
                url = "srt://127.0.0.1:\(port)?passphrase=\(Self.password)&streamid=\(Self.password)3"
            }
            // Once as it is, once with a secret that does not fit: the errors speak of it.
            for isRight in [true, false] {
                let worker = try WorkerProcess(environment: ["LADLE_PIPELINE_LOG=debug"])
                let address = isRight ? url : url.replacing(Self.password, with: Self.password + "No")
                try worker.send(.ingest(NetworkPeer.job(address)))
                var said: [UInt8] = []
                while let report = try worker.next() {
                    said += try report.line
                    if case .opened = report { break }
                    if case .failed = report { break }
                }
                let list = try ExternalTool.run(["cat", "/proc/\(worker.pid)/cmdline", "/proc/\(worker.pid)/environ"])
                try? worker.send(.finish)
                while let report = try worker.next() { said += try report.line }
                let everything = String(decoding: said, as: UTF8.self) + worker.logText + list.text
                #expect(worker.logText.contains("libav: "), "the log is the detailed one")
                #expect(!everything.contains(Self.password), "\(everything)")
                // base64 of "u:s3cr3tW0rd" without its last, unfinished group.
                #expect(!everything.contains("dTpzM2NyM3RXMHJk"))
            }
            withExtendedLifetime(peer) {}
        }
    }
}
