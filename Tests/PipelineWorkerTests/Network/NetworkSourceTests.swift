import Glibc
import PipelineControl
import TestSupport
import Testing

/// One kind of source, played by a real peer.
struct NetworkCase: Sendable, CustomTestStringConvertible {
    var name: String
    var isVP8 = false
    /// Of the source, as libav names it.
    var format: String
    /// The peer, and the job that plays it; given the clip and a free port.
    var start: @Sendable (TemporaryFile, UInt16) throws -> (peer: PeerProcess, job: IngestJob)

    var testDescription: String { name }

    private static func rtsp(
        _ name: String, vp8: Bool, _ transport: NetworkSource.RTSPTransport, _ login: RTSPServer.Login
    )
        -> NetworkCase
    {
        NetworkCase(name: name, isVP8: vp8, format: "rtsp") { clip, _ in
            let peer = try RTSPServer.start(
                playing: clip.path, video: vp8 ? "vp8" : "h264", audio: vp8 ? "opus" : "aac", login: login)
            let user =
                switch login {
                case .none: ""
                case .basic(let user, _), .digest(let user, _): "\(user):p%40ss@"
                }
            return (peer, NetworkPeer.job("rtsp://\(user)127.0.0.1:\(try peer.port())/stream", transport: transport))
        }
    }

    static let all: [NetworkCase] = [
        rtsp("RTSP over TCP, H264 and AAC", vp8: false, .tcp, .none),
        rtsp("RTSP over TCP with basic login, VP8 and Opus", vp8: true, .tcp, .basic(user: "u", password: "p@ss")),
        rtsp("RTSP over UDP with digest login, VP8 and Opus", vp8: true, .udp, .digest(user: "u", password: "p@ss")),
        NetworkCase(name: "RTMP, asked for", format: "flv") { clip, port in
            let url = "rtmp://127.0.0.1:\(port)/app/name"
            let peer = try NetworkPeer.publish(clip, "flv", to: url, options: ["-listen", "1"])
            return (peer, NetworkPeer.job(url, retry: .always))
        },
        NetworkCase(name: "RTMP, waited for", format: "flv") { clip, port in
            let url = "rtmp://127.0.0.1:\(port)/app/key"
            let publisher = try PeerProcess([
                "sh", "-c",
                "sleep 2; exec ffmpeg -v error -re -stream_loop -1 -i \(clip.path) -c copy -f flv \(url)",
            ])
            return (publisher, NetworkPeer.job(url, listens: true))
        },
        NetworkCase(name: "SRT, called", format: "mpegts") { clip, port in
            let peer = try NetworkPeer.publish(clip, "mpegts", to: "srt://127.0.0.1:\(port)?mode=listener")
            return (peer, NetworkPeer.job("srt://127.0.0.1:\(port)", retry: .always))
        },
        NetworkCase(name: "SRT, waited for, with a passphrase", format: "mpegts") { clip, port in
            let url = "srt://127.0.0.1:\(port)?passphrase=0123456789ab"
            let publisher = try PeerProcess([
                "sh", "-c",
                "sleep 2; exec ffmpeg -v error -re -stream_loop -1 -i \(clip.path) -c copy -f mpegts '\(url)'",
            ])
            return (publisher, NetworkPeer.job(url + "&mode=listener"))
        },
        NetworkCase(name: "MPEG-TS over UDP", format: "mpegts") { clip, port in
            let peer = try NetworkPeer.publish(clip, "mpegts", to: "udp://127.0.0.1:\(port)?pkt_size=1316")
            return (peer, NetworkPeer.job("udp://127.0.0.1:\(port)"))
        },
    ]
}

/// Network sources of real peers, through a real worker, into a real recording.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"), .serialized)
struct NetworkSourceTests {
    @Test(
        .enabled(if: RTSPServer.isInstalled, "gst-rtsp-server's bindings are not installed"),
        arguments: NetworkCase.all)
    func `live sources come with sound and picture together`(network: NetworkCase) async throws {
        let clip = try await network.isVP8 ? NetworkPeer.vp8.value : NetworkPeer.h264.value
        try await onThread {
            let (peer, job) = try network.start(clip, try NetworkPeer.freePort())
            defer { peer.stop() }
            let chain = try Chain(job)
            #expect(chain.source.format == network.format)
            #expect(chain.source.durationSeconds == nil)
            #expect(chain.source.tracks.map(\.kind) == [.video, .audio])
            #expect(chain.source.tracks.map(\.treatment) == (network.isVP8 ? [.copy, .copy] : [.copy, .transcode]))
            let (sent, recorded, probe) = try chain.play(seconds: 3.5)
            #expect(sent.tracks.map(\.packets) == recorded.tracks.map(\.packets))
            #expect(probe.codecs == (network.isVP8 ? ["vp8", "opus"] : ["h264", "opus"]))
            #expect(probe.pictures.count > 60, "\(probe.pictures.count) pictures")
            #expect(probe.isRising)
            #expect(probe.decodeErrors == "")
            #expect(probe.skewsInMilliseconds.count >= 1)
            #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 60 }, "\(probe.skewsInMilliseconds)")
            #expect(chain.ingest.exit() == 0)
        }
    }

    @Test func `who comes into the middle of MPEG-TS waits for the next picture that can be begun with`() async throws {
        let clip = try await Clip.make(
            [
                "-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "baseline", "-g", "120", "-pix_fmt", "yuv420p",
                "-c:a", "aac",
            ], container: "mkv")
        try await onThread {
            let port = try NetworkPeer.freePort()
            let peer = try NetworkPeer.publish(clip, "mpegts", to: "udp://127.0.0.1:\(port)?pkt_size=1316")
            // Key frames are four seconds apart, and the first one has passed.
            usleep(1_500_000)
            let worker = try WorkerProcess()
            let (source, watch) = try worker.play(NetworkPeer.job("udp://127.0.0.1:\(port)"))
            #expect(source.tracks.map(\.kind) == [.video, .audio])
            #expect(source.tracks.map(\.treatment) == [.copy, .transcode], "\(source.tracks.map(\.reason))")
            #expect(watch.waitForPacket(after: WireWatch.now, track: 0))
            #expect(watch.seen[0].packets.first?.startsWithParameterSets == true)
            try worker.send(.finish)
            _ = try worker.finished()
            withExtendedLifetime(peer) {}
        }
    }

    static let files: [(name: String, options: [String])] = [
        ("clip.webm", ["-c", "copy"]), ("clip.mp4", ["-c:v", "copy", "-movflags", "faststart"]),
        ("index.mp4", ["-c:v", "copy"]), ("clip.m3u8", ["-hls_time", "1", "-hls_playlist_type", "vod"]),
        ("fragments.m3u8", ["-hls_time", "1", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"]),
    ]

    @Test(arguments: files)
    func `a file of a web server is played to its end`(name: String, options: [String]) async throws {
        let isWeb = name.hasSuffix("webm")
        let clip = try await isWeb ? NetworkPeer.vp8.value : NetworkPeer.h264.value
        try await onThread {
            let folder = try Folder()
            let codecs = isWeb ? [] : ["-c:v", "copy", "-c:a", "copy"]
            try ExternalTool.output(
                ["ffmpeg", "-v", "error", "-t", "4", "-i", clip.path] + options + codecs + ["\(folder.path)/\(name)"])
            let server = try WebServer.start(folder: folder.path)
            let chain = try Chain(NetworkPeer.job("http://127.0.0.1:\(try server.port())/\(name)", retry: .always))
            #expect(abs((chain.source.durationSeconds ?? 0) - 4) < 0.2)
            #expect(chain.source.format?.isEmpty == false)
            let (sent, recorded, probe) = try chain.play()
            #expect(sent.tracks.map(\.packets) == recorded.tracks.map(\.packets))
            #expect(probe.numbers == Array(0..<120))
            #expect(probe.decodeErrors == "")
            #expect(probe.skewsInMilliseconds.count == 3)
            #expect(probe.skewsInMilliseconds.allSatisfy { abs($0) <= 40 }, "\(probe.skewsInMilliseconds)")
        }
    }

    @Test func `a file of a web server is played in a loop`() async throws {
        let clip = try await NetworkPeer.vp8.value
        try await onThread {
            let folder = try Folder()
            try ExternalTool.output(
                ["ffmpeg", "-v", "error", "-i", clip.path, "-t", "2", "-c", "copy", "\(folder.path)/clip.webm"])
            let server = try WebServer.start(folder: folder.path)
            var job = NetworkPeer.job("http://127.0.0.1:\(try server.port())/clip.webm")
            job.loop = true
            let probe = try Chain(job).play(seconds: 5).probe
            #expect(probe.isRising)
            #expect(probe.longestStep <= 0.1, "\(probe.longestStep) s")
            #expect(probe.numbers == (0..<probe.pictures.count).map { $0 % 60 })
        }
    }
}
