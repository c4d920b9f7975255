import Base
import Glibc
import PipelineControl
import TestSupport
import Testing

/// Files that ask for other files, and processes that end in bad moments.
@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct GStreamerSafetyTests {
    /// A TCP port of loopback that tells whether anybody came.
    private final class Door {
        let descriptor: Int32
        let port: UInt16

        init() {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = descriptor
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(descriptor, $0, length)
                    _ = getsockname(descriptor, $0, &length)
                }
            }
            listen(descriptor, 4)
            port = UInt16(bigEndian: address.sin_port)
        }

        deinit { close(descriptor) }

        var hasVisitor: Bool {
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return poll(&polled, 1, 0) > 0
        }
    }

    /// What a hostile file may be, with %URL% for what it wants opened.
    private static let lists: [(name: String, text: String)] = [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:4,\n%URL%\n#EXT-X-ENDLIST\n"),
        ("master.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1280000\n%URL%\n"),
        (
            "list.mpd",
            """
            <?xml version="1.0"?>
            <MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S" minBufferTime="PT1S"
             profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4">
            <Representation id="1" bandwidth="1000" codecs="avc1.42e01f" width="640" height="360">
            <BaseURL>%URL%</BaseURL></Representation></AdaptationSet></Period></MPD>
            """
        ),
        (
            "talk.sdp",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 VP8/90000\n"
        ),
    ]

    @Test(
        arguments: lists.map(\.name),
        ["fdsrc name=input ! decodebin name=d", "fdsrc name=input ! parsebin name=p p. ! decodebin3 name=d"])
    func `a file that names others gets nothing opened`(list: String, launch: String) async throws {
        let text = try #require(Self.lists.first { $0.name == list }).text
        let clip = try await Clip.make(["-c", "copy"], container: "webm")
        try await onThread {
            // A film lies beside, which would play if it were opened; and a door, at which one would knock.
            let name = "/tmp/ladle-secret-\(UInt64.random(in: 0 ... .max)).webm"
            let film = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
            defer { unlink(name) }
            _ = clip.bytes.withUnsafeBytes { write(film, $0.baseAddress, $0.count) }
            close(film)
            let door = Door()
            for url in ["file://\(name)", "http://127.0.0.1:\(door.port)/a.ts", "fd://0"] {
                let file = try TemporaryFile()
                file.write(Array(text.replacing("%URL%", with: url).utf8))
                let descriptor = file.reopened()
                defer { close(descriptor) }
                let plan = GStreamerPlan(
                    launch: launch,
                    branches: [
                        "vp8": "d. ! queue ! videoconvert ! vp8enc deadline=1 ! appsink name=video",
                        "opus": "d. ! queue ! audioconvert ! audioresample ! opusenc ! appsink name=audio",
                    ], input: "input")
                let worker = try WorkerProcess()
                try worker.send(.ingest(Shipped.ingest(plan, name: list)), descriptor: descriptor)
                let failure = try worker.failed()
                #expect(failure.message.hasPrefix("\(list)"), "\(failure)")
                #expect([.cannotOpen, .noPlayableTrack].contains(failure.code))
                #expect(worker.exit() == 1)
            }
            #expect(!door.hasVisitor)
        }
    }

    @Test(arguments: [
        ("words.txt", Array("just words\n".utf8)), ("empty.mp4", []),
        ("noise.mkv", (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31 >> 3) }),
    ])
    func `what is no media can't be opened`(name: String, bytes: [UInt8]) async throws {
        let failure = try await onThread {
            let file = try TemporaryFile()
            file.write(bytes)
            let descriptor = file.reopened()
            defer { close(descriptor) }
            let worker = try WorkerProcess()
            try worker.send(
                .ingest(Shipped.ingest(try Shipped.plan("ingest-file-gst"), name: name)), descriptor: descriptor)
            let failure = try worker.failed()
            #expect(worker.exit() == 1)
            return failure
        }
        #expect([.cannotOpen, .noPlayableTrack].contains(failure.code))
        #expect(failure.message.contains(name))
        #expect(!failure.message.contains("\n"))
    }

    @Test(
        arguments: [
            (
                "ingest-camera", ["device": "/dev/video-none"],
                "camera (v4l2src): Cannot identify device '/dev/video-none'"
            ),
            ("ingest-microphone", ["device": "hw:99"], "microphone (alsasrc): "),
        ] as [(String, [String: JSONValue], String)])
    func `a device that does not exist is told with its element and the cause`(
        description: String, values: [String: JSONValue], words: String
    ) async throws {
        let failure = try await onThread {
            let worker = try WorkerProcess()
            try worker.send(.ingest(Shipped.ingest(try Shipped.plan(description, values), name: description)))
            return try worker.failed()
        }
        #expect(failure.code == .cannotOpen)
        #expect(failure.message.hasPrefix("\(description): \(words)"), "\(failure.message)")
    }

    @Test func `secrets of an address are shown nowhere`() async throws {
        let (failure, log) = try await onThread {
            let worker = try WorkerProcess()
            let door = Door()
            let plan = GStreamerPlan(
                launch: "uridecodebin name=source ! videoconvert ! vp8enc ! appsink name=video",
                properties: [
                    GStreamerPlan.Property(
                        element: "source", property: "uri",
                        value: .string("http://me:topsecret@127.0.0.1:\(door.port)/a.mp4?token=hush"))
                ])
            // Nobody answers there: the door is shut before one knocks.
            shutdown(door.descriptor, Int32(SHUT_RDWR))
            try worker.send(.ingest(Shipped.ingest(plan, name: "mine")))
            return (try worker.failed(), worker.logText)
        }
        #expect(failure.code == .cannotOpen)
        #expect(
            !"\(failure) \(log)".contains("topsecret") && !"\(failure) \(log)".contains("hush"), "\(failure) \(log)")
    }

    @Test func `a router that carries nothing of it leaves nothing to play`() async throws {
        let failure = try await onThread {
            let worker = try WorkerProcess()
            let plan = GStreamerPlan(
                launch: "videotestsrc name=p", branches: ["h264": "p. ! x264enc ! appsink name=video"])
            try worker.send(.ingest(Shipped.ingest(plan, name: "ingest-mine", codecs: [Router.vp8])))
            return try worker.failed()
        }
        #expect(failure.code == .noPlayableTrack)
        #expect(
            failure.message == "ingest-mine can't be played: it makes h264, and the router carries none of that")
    }

    @Test func `frames that the router does not carry are told with what it does`() async throws {
        let failure = try await onThread {
            let worker = try WorkerProcess()
            let plan = GStreamerPlan(launch: "videotestsrc ! vp9enc deadline=1 ! appsink name=video")
            try worker.send(.ingest(Shipped.ingest(plan, name: "ingest-mine", codecs: [Router.vp8, Router.opus])))
            return try worker.failed()
        }
        #expect(failure.code == .cannotOpen)
        #expect(failure.message.contains("ingest-mine: ") && failure.message.contains("vp8"), "\(failure.message)")
    }

    @Test func `starting and killing leaves nothing behind`() async throws {
        try await onThread {
            let plan = try Shipped.plan("ingest-test-gst")
            for round in 0..<20 {
                let worker = try WorkerProcess()
                try worker.send(.ingest(Shipped.ingest(plan)))
                // In every state: before it has begun, half built, opened.
                if round % 3 == 1 { usleep(UInt32(round) * 10_000) }
                if round % 3 == 2 { _ = try worker.opened() }
                if round % 2 == 0 {
                    worker.kill9()
                    #expect(worker.exit() == 128 + SIGKILL)
                } else {
                    try worker.send(.finish)
                    _ = try worker.finished()
                    #expect(worker.exit() == 0)
                }
            }
        }
    }
}
