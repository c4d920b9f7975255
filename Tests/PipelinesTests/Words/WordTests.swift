import Base
import PipelineControl
import Pipelines
import Testing

@Suite struct `Arguments in the process list` {
    @Test(arguments: [
        ("rtsp://user:hunter2@cam/1", "rtsp://user:xxxxxxx@cam/1"),
        ("--set=location=rtsp://user:hunter2@cam/1", "--set=location=rtsp://user:xxxxxxx@cam/1"),
        ("srt://h:9?passphrase=hunter2&mode=caller", "srt://h:9?passphrase=xxxxxxx&mode=caller"),
        ("http://h/a?token=hunt%65r2", "http://h/a?token=xxxxxxxxx"),
        ("ftp://user:hunter2@h/a", "ftp://xxxxxxxxxxxx@h/a"),
        ("rtsp://user:hunter 2@h", "rtsp://xxxxxxxxxxxxx@h"),
        ("password=hunter2", "password=xxxxxxx"),
        ("--password=hunter2", "--password=xxxxxxx"),
        ("rtsp://user:pä@cam/ä", "rtsp://user:xxx@cam/ä"),
    ])
    func `lose their secrets and keep their length`(argument: String, shown: String) throws {
        let masked = try #require(ArgumentMask.masked(argument))
        #expect(String(decoding: masked, as: UTF8.self) == shown)
        #expect(masked.count == argument.utf8.count)
    }

    @Test func `lose a stream key when one is waited for`() throws {
        let masked = try #require(ArgumentMask.masked("rtmp://0.0.0.0/live/k3y", listens: true))
        #expect(String(decoding: masked, as: UTF8.self) == "rtmp://0.0.0.0/live/xxx")
        #expect(ArgumentMask.masked("rtmp://0.0.0.0/live/k3y") == nil)
    }

    @Test(arguments: [
        "", "ingest", "rtsp://cam/1", "rtsp://user@cam/1", "a=b", "--set", "text=a@b", "film.mp4", "=", "==", "://@",
        "v4l2:/dev/video0?microphone=hw:1",
    ])
    func `without secrets stay as they are`(argument: String) {
        #expect(ArgumentMask.masked(argument) == nil)
    }
}

@Suite struct `Credentials of a source` {
    @Test func `are put into the address, escaped`() throws {
        let simple = try SourceCredentials("admin:hunter2\n").added(to: "rtsp://cam:554/1?a=b")
        #expect(simple == "rtsp://admin:hunter2@cam:554/1?a=b")
        let odd = try SourceCredentials("ad min:p@ss:w/rd?#ä\r\nmore").added(to: "http://cam/1")
        #expect(odd == "http://ad%20min:p%40ss%3Aw%2Frd%3F%23%C3%A4@cam/1")
        let address = try SourceAddress(odd)
        #expect(address.place == "cam" && address.secrets.contains("p@ss:w/rd?#ä"))
        #expect(!address.description.contains("ss"))
    }

    @Test func `are refused where they fit nothing, without being shown`() throws {
        for text in ["", "hunter2", ":hunter2", "\nhunter2"] {
            let refusal = #expect(throws: SourceCredentials.Refusal.self) { try SourceCredentials(text) }
            #expect(refusal?.description == "the credentials are not written as user:password")
        }
        let credentials = try SourceCredentials("user:hunter2")
        for (address, words) in [
            ("srt://h:9", "srt has no users"), ("udp://h:9", "\"udp\" take no user"),
            ("alsa:hw:1", "addresses of a network"),
            ("rtsp://u:p@h/1", "names a user already"), ("nonsense", "addresses of a network"),
        ] {
            let refusal = #expect(throws: SourceCredentials.Refusal.self) { try credentials.added(to: address) }
            #expect(refusal?.description.contains(words) == true, "\(String(describing: refusal))")
            #expect(refusal?.description.contains("hunter2") == false)
        }
    }
}

@Suite struct `Lines of an ingest` {
    private func lines(_ statuses: [JSONValue]) -> [[String]] {
        statuses.indices.map { IngestLines().describe(statuses[$0], after: $0 == 0 ? nil : statuses[$0 - 1]) }
    }

    private func status(
        _ state: String, tracks: Bool = true, seconds: Double? = nil, _ interruption: (Int64, Double?)? = nil
    ) -> JSONValue {
        let track: JSONValue = [
            "kind": "video", "description": "h264, 640x360", "treatment": "copy", "reason": "the room takes it",
        ]
        return .object(omittingAbsent: [
            "state": .string(state), "tracks": tracks ? [track] : [],
            "progress": seconds.map {
                ["seconds": .double($0), "tracks": [["bitrateBitsPerSecond": 800_000, "frames": 25]]]
            },
            "interruption": interruption.map { attempts, next in
                .object(omittingAbsent: [
                    "reason": "rtsp://cam/1: it said nothing", "attempts": .integer(attempts),
                    "retrySeconds": next.map { .double($0) },
                ])
            },
        ])
    }

    @Test func `tell an interruption once, then as tries double, and its end`() {
        let told = lines([
            status("running", seconds: 1), status("running", seconds: 1, (1, 0.1)),
            status("running", seconds: 2, (1, 0.1)),
            status("running", seconds: 3, (2, 0.26)), status("running", seconds: 3, (3, nil)),
            status("running", seconds: 4, (4, nil)), status("running", seconds: 5), status("finished", seconds: 5),
        ])
        #expect(
            told == [
                ["video: h264, 640x360 → copy: the room takes it", "running", "00:00:01  video 800 kb/s 25 frames"],
                ["interrupted: rtsp://cam/1: it said nothing; next try in 0.1 s"], [],
                ["interrupted after 2 tries: rtsp://cam/1: it said nothing; next try in 0.3 s"], [],
                ["interrupted after 4 tries: rtsp://cam/1: it said nothing"],
                ["the source is back", "00:00:05  video 800 kb/s 25 frames"], ["finished"],
            ])
    }

    @Test func `tell who is waited for`() {
        let told = lines([
            status("starting", tracks: false, (0, nil)), status("starting", tracks: false, (1, 0.1)),
            status("starting", tracks: false, (2, 0.1)), status("starting"), status("failed", (1, nil)),
            status("failed"),
        ])
        #expect(
            told == [
                ["rtsp://cam/1: it said nothing"], [],
                ["not open yet after 2 tries: rtsp://cam/1: it said nothing; next try in 0.1 s"],
                ["video: h264, 640x360 → copy: the room takes it"],
                ["interrupted: rtsp://cam/1: it said nothing", "failed"], [],
            ])
    }

    @Test func `tell a first try that failed as one that is followed by another`() {
        #expect(
            lines([status("starting", tracks: false, (0, 0.1))])
                == [["not open yet: rtsp://cam/1: it said nothing; next try in 0.1 s"]])
    }

    @Test func `tell nothing of a source that never opened: why is told at the end`() {
        let states = ["starting", "draining", "failed"]
        #expect(lines(states.map { status($0, tracks: false) }) == [[], [], []])
        #expect(lines(states.map { status($0) }).last == ["failed"])
        // One that was told to end has its line.
        #expect(lines(["starting", "finished"].map { status($0, tracks: false) }) == [[], ["finished"]])
    }
}

@Suite struct `Words for people` {
    @Test func `say what would become of a source`() {
        let opened = OpenedSource(
            durationSeconds: 12.34,
            tracks: [
                SourceTrack(
                    index: 1, kind: .audio, description: "aac 5.1", treatment: .transcode,
                    reason: "AAC can't be played",
                    codec: TrackCodec(mimeType: "audio/opus", clockRate: 48_000), answersKeyFrameRequests: false),
                SourceTrack(
                    index: 0, kind: .video, description: "vp8", treatment: .copy, reason: "",
                    codec: TrackCodec(mimeType: "video/VP8", clockRate: 90_000), answersKeyFrameRequests: false),
            ], format: "matroska,webm", leftOut: ["subrip subtitles: no picture and no sound"])
        #expect(
            opened.lines(name: "a.mkv") == [
                "a.mkv: matroska,webm, 12.3 s", "  audio 1: aac 5.1 → transcoded to opus: AAC can't be played",
                "  video 0: vp8 → copied as VP8", "  left out: subrip subtitles: no picture and no sound",
            ])
        #expect(
            OpenedSource(durationSeconds: nil, tracks: []).lines(name: "test") == ["test: no end known"])
        #expect(opened.json(name: "a.mkv")["tracks"]?.arrayValue?.first?["treatment"] == "transcode")
    }

    @Test func `list pipelines in eighty columns`() throws {
        let long = String(repeating: "many words ", count: 20)
        let pipelines: [JSONValue] = [
            [
                "name": "record-mkv", "kind": "record", "engine": "libav", "help": "Writes Matroska.", "parameters": [],
            ],
            [
                "name": "ingest-own", "kind": "ingest", "engine": "gstreamer", "help": .string(long),
                "parameters": [
                    ["name": "width", "type": "integer", "default": 640, "minimum": 160.0, "help": "In pixels."],
                    ["name": "video", "type": "string", "allowed": ["vp8", "h264"], "help": .string(long)],
                    [
                        "name": .string(String(repeating: "n", count: 40)), "type": "boolean", "default": false,
                        "help": "Long.",
                    ],
                ],
            ],
        ]
        let lines = PipelineListing.lines(pipelines)
        #expect(lines.allSatisfy { $0.count <= 80 && !$0.hasSuffix(" ") }, "\(lines)")
        #expect(lines.first == "Into a room (ladle ingest --pipeline NAME)")
        #expect(lines.contains("  ingest-own (GStreamer)") && lines.contains("  record-mkv (libav)"))
        #expect(lines.contains { $0.hasPrefix("      width=640") && $0.hasSuffix("  160 or more. In pixels.") })
        #expect(lines.contains { $0.hasPrefix("      video ") && $0.contains("  vp8 or h264. many words") })
        #expect(lines.contains("      \(String(repeating: "n", count: 40))=false"))
        #expect(PipelineListing.lines([]) == [])
    }

    @Test func `list devices, and what was looked for`() {
        #expect(
            CaptureDevices(root: "/nowhere").absences == [
                "no camera: /sys/class/video4linux lists none",
                "no microphone: /proc/asound/pcm lists nothing that captures",
            ])
        var devices = CaptureDevices(root: "/nowhere")
        devices.cameras = [.init(address: "v4l2:/dev/video0", name: "C920")]
        #expect(devices.example == "v4l2:/dev/video0")
        devices.microphones = [.init(address: "alsa:hw:1,0", name: "USB", obstacle: "another program uses it")]
        #expect(
            devices.lines == [
                "Cameras", "  v4l2:/dev/video0  C920", "Microphones",
                "  alsa:hw:1,0       USB (another program uses it)",
            ])
        #expect(devices.example == "v4l2:/dev/video0" && devices.absences.isEmpty)
        devices.microphones.append(.init(address: "alsa:hw:2,0", name: "Mic"))
        #expect(devices.example == "'v4l2:/dev/video0?microphone=hw:2,0'")
        #expect(devices.json["microphones"]?.arrayValue?.map { $0["usable"] } == [false, true])
    }
}
