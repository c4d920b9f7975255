import Glibc
import PipelineControl
import TestSupport
import Testing

/// Every bad end is one `failed` line with a code and a sentence, and exit code 1.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct FailureTests {
    private static func ingest(_ bytes: [UInt8], name: String, codecs: [TrackCodec] = Router.all) async throws
        -> PipelineFailure
    {
        try await onThread {
            let worker = try WorkerProcess()
            let file = try TemporaryFile()
            file.write(bytes)
            let job = IngestJob(source: .file(name: name), loop: false, videoCodec: .vp8, routerCodecs: codecs)
            try worker.send(.ingest(job), descriptor: file.descriptor)
            let failure = try worker.failed()
            #expect(worker.exit() == 1)
            return failure
        }
    }

    @Test(arguments: [
        ("words.txt", Array("just words\n".utf8), "Invalid data"), ("empty.mp4", [], "empty"),
        ("list.m3u8", Array("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:4,\n/etc/passwd\n#EXT-X-ENDLIST\n".utf8), "hls"),
        ("noise.mkv", (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31 >> 3) }, ""),
    ])
    func `what is no media can't be opened`(name: String, bytes: [UInt8], cause: String) async throws {
        let failure = try await Self.ingest(bytes, name: name)
        #expect(failure.code == .cannotOpen)
        #expect(failure.message.contains(name))
        #expect(cause.isEmpty || failure.message.contains(cause), "\(failure.message)")
        #expect(!failure.message.contains("\n"))
    }

    @Test func `a router without a fitting codec leaves nothing to play`() async throws {
        let clip = try await Clip.make(["-c", "copy"], container: "webm")
        let h265 = TrackCodec(mimeType: "video/H265", clockRate: 90_000)
        let failure = try await Self.ingest(clip.bytes, name: "clip.webm", codecs: [h265])
        #expect(failure.code == .noPlayableTrack)
        #expect(failure.message.contains("clip.webm") && failure.message.contains("no Opus"), "\(failure.message)")
    }

    @Test func `a file with subtitles only has no playable track`() async throws {
        let failure = try await Self.ingest(
            Array("1\n00:00:00,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nthere\n".utf8),
            name: "words.srt")
        #expect(failure.code == .noPlayableTrack)
        #expect(failure.message.contains("words.srt"))
    }

    @Test(arguments: [
        "no JSON at all", "{\"type\":\"fly\"}", "{\"type\":\"play\"}", "{\"type\":\"endTrack\",\"value\":\"x\"}",
        "{\"type\":\"record\",\"fileName\":\"a.mkv\",\"container\":\"matroska\",\"listenIP\":\"127.0.0.1\"}",
        "{\"type\":\"record\",\"fileName\":\"a.mkv\",\"container\":\"avi\",\"listenIP\":\"127.0.0.1\"}",
    ])
    func `a line that does not fit is a protocol error`(line: String) async throws {
        let failure = try await onThread {
            let worker = try WorkerProcess()
            try worker.send(line: Array(line.utf8))
            let failure = try worker.failed()
            #expect(worker.exit() == 1)
            return failure
        }
        #expect(failure.code == .protocolError)
    }

    @Test(arguments: [
        PipelineCommand.play, .endTrack("x"), .receive(ReceivePlan(ip: "127.0.0.1", port: 9, tracks: [])), .send([]),
        .send([SendTrack(index: 7, ip: "127.0.0.1", port: 9, rtcpPort: nil, ssrc: 1, payloadType: 100, cname: "c")]),
        .send([SendTrack(index: 0, ip: "nowhere", port: 9, rtcpPort: nil, ssrc: 1, payloadType: 100, cname: "c")]),
        .send([SendTrack(index: 0, ip: "127.0.0.1", port: 9, rtcpPort: nil, ssrc: 1, payloadType: 200, cname: "c")]),
    ])
    func `a command that does not fit an offered source is a protocol error`(command: PipelineCommand) async throws {
        let failure = try await onThread {
            let worker = try WorkerProcess()
            let job = IngestJob(source: .test(TestSource()), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            try worker.send(.ingest(job))
            _ = try worker.opened()
            try worker.send(command)
            let failure = try worker.failed()
            #expect(worker.exit() == 1)
            return failure
        }
        #expect(failure.code == .protocolError)
    }

    // MARK: Recording

    private static func recorder(to descriptor: Int32) throws -> (WorkerProcess, UInt16) {
        let worker = try WorkerProcess()
        try worker.send(
            .record(RecordJob(fileName: "out.mkv", container: .matroska, listenIP: "127.0.0.1")), descriptor: descriptor
        )
        return (worker, try worker.listening())
    }

    private static func recorder(to descriptor: Int32, tracks: [ReceiveTrack]) throws -> (WorkerProcess, UInt16) {
        let (worker, port) = try recorder(to: descriptor)
        try worker.send(.receive(ReceivePlan(ip: "127.0.0.1", port: 9, tracks: tracks)))
        try worker.ready()
        return (worker, port)
    }

    private static let video = ReceiveTrack(id: "picture", codec: Router.vp8, payloadType: 101, ssrc: 1001, cname: "c")

    @Test func `silence is a failure that names the track`() async throws {
        let failure = try await onThread {
            let file = try TemporaryFile()
            let (worker, _) = try Self.recorder(to: file.descriptor, tracks: [Self.video])
            let failure = try worker.failed()
            #expect(worker.exit() == 1)
            return failure
        }
        #expect(failure.code == .noMedia)
        #expect(failure.message.contains("video track picture") && failure.message.contains("out.mkv"))
    }

    @Test func `pictures without a key frame are a failure that names the track`() async throws {
        let failure = try await onThread {
            let file = try TemporaryFile()
            let (worker, port) = try Self.recorder(to: file.descriptor, tracks: [Self.video])
            // A whole VP8 frame in one packet, whose tag says that it is no key frame.
            let head: [UInt8] = [0x80, 0x80 | 101, 0, 1, 0, 0, 0, 1, 0, 0, 0x03, 0xE9]
            Datagram.send(head + [0x10, 0x01, 2, 3, 4, 5, 6, 7, 8, 9, 10], to: port)
            return try worker.failed()
        }
        #expect(failure.code == .noKeyFrame)
        #expect(failure.message.contains("video track picture"))
    }

    @Test func `frames between a loss and the next key frame are left out, even if that comes at once`() async throws {
        let (account, log) = try await onThread {
            let file = try TemporaryFile()
            let (worker, port) = try Self.recorder(to: file.descriptor, tracks: [Self.video])
            // A whole VP8 frame in one packet; the recorder looks no deeper than its head, RFC 6386 §9.1.
            func send(_ number: UInt8, isKeyFrame: Bool = false) {
                let head: [UInt8] = [0x80, 0x80 | 101, 0, number, 0, 0, number * 12, 0, 0, 0, 0x03, 0xE9]
                let key: [UInt8] = [0x10, 0x10, 0, 0, 0x9D, 0x01, 0x2A, 64, 0, 64, 0, 7, 7]
                Datagram.send(head + (isKeyFrame ? key : [0x10, 0x11, 2, 3, 4, 5, 6]), to: port)
            }
            send(1, isKeyFrame: true)
            send(2)
            // 3 is lost; the hole is given up when all the others are there.
            for number in 4...6 { send(UInt8(number)) }
            send(7, isKeyFrame: true)
            send(8)
            try worker.running()
            try worker.send(.finish)
            return (try worker.finished(), worker.logText)
        }
        #expect(account.tracks.map(\.packets) == [7])
        #expect(account.tracks.map(\.frames) == [4])
        #expect(log.contains("3 frames were left out"))
    }

    @Test func `garbage and truncated packets change nothing`() async throws {
        let failure = try await onThread {
            let file = try TemporaryFile()
            let (worker, port) = try Self.recorder(to: file.descriptor, tracks: [Self.video])
            let packet: [UInt8] = [
                0xB0, 0xE5, 0, 1, 0, 0, 0, 1, 0, 0, 0x03, 0xE9, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4, 0x90, 0x80, 1,
            ]
            let report: [UInt8] = [0x81, 200, 0, 12] + [UInt8](repeating: 7, count: 48)
            for length in 0...packet.count { Datagram.send(Array(packet.prefix(length)), to: port) }
            for length in 0...report.count { Datagram.send(Array(report.prefix(length)), to: port) }
            Datagram.send([UInt8](repeating: 0xFF, count: 4000), to: port)
            try worker.send(.finish)
            let failure = try worker.failed()
            #expect(worker.exit() == 1)
            return failure
        }
        #expect([.noKeyFrame, .noMedia].contains(failure.code))
    }

    @Test func `a codec that can't be recorded is named`() async throws {
        let failure = try await onThread {
            let worker = try WorkerProcess()
            let file = try TemporaryFile()
            try worker.send(
                .record(RecordJob(fileName: "out.mkv", container: .matroska, listenIP: "127.0.0.1")),
                descriptor: file.descriptor)
            _ = try worker.listening()
            let h265 = TrackCodec(mimeType: "video/H265", clockRate: 90_000)
            let track = ReceiveTrack(id: "x", codec: h265, payloadType: 101, ssrc: 1, cname: "c")
            try worker.send(.receive(ReceivePlan(ip: "127.0.0.1", port: 9, tracks: [track])))
            return try worker.failed()
        }
        #expect(failure.message.contains("video/H265"))
    }

    @Test(arguments: ["/dev/full", "a pipe that nobody reads"])
    func `a disk that takes nothing is a failure, not a hang`(kind: String) async throws {
        let failure = try await onThread {
            var ends: [Int32] = [-1, -1]
            if kind == "/dev/full" {
                ends[1] = open(kind, O_WRONLY | O_CLOEXEC)
            } else {
                _ = pipe(&ends)
            }
            defer { for end in ends where end >= 0 { close(end) } }
            let sender = try WorkerProcess()
            let job = IngestJob(
                source: .test(TestSource(seconds: 3)), loop: false, videoCodec: .vp8, routerCodecs: Router.all)
            try sender.send(.ingest(job))
            let source = try sender.opened()
            let tracks = source.tracks.map {
                ReceiveTrack(
                    id: "c\($0.index)", codec: $0.codec, payloadType: UInt8(100 + $0.index), ssrc: UInt32($0.index + 1),
                    cname: "c")
            }
            let (worker, port) = try Self.recorder(to: ends[1])
            try sender.send(
                .send(
                    source.tracks.map {
                        SendTrack(
                            index: $0.index, ip: "127.0.0.1", port: port, rtcpPort: nil, ssrc: UInt32($0.index + 1),
                            payloadType: UInt8(100 + $0.index), cname: "c")
                    }))
            try sender.ready()
            try worker.send(.receive(ReceivePlan(ip: "127.0.0.1", port: 9, tracks: tracks)))
            try worker.ready()
            try sender.send(.play)
            if kind != "/dev/full" {
                _ = try sender.finished()
                try worker.send(.finish)
            }
            let failure = try worker.failed()
            #expect(worker.exit() == 1)
            return failure
        }
        #expect(failure.code == .cannotWrite)
        #expect(failure.message.contains("out.mkv"), "\(failure.message)")
    }
}
