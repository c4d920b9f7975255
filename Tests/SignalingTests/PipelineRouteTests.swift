import Base
import Control
import PipelineControl
import Testing

@Suite struct PipelineRouteTests {
    @Test func `an ingest is started with its defaults, shown, listed and stopped`() async throws {
        try await Gateway.run { gateway in
            let client = gateway.client
            let made = try await client("POST", "/api/v1/ingests", json: ["room": "demo", "source": "test"])
            #expect(made.status == 201 && made.headers["location"] == "/api/v1/ingests/ingest-1")
            #expect(
                made.json == [
                    "id": "ingest-1", "room": "demo", "source": "test", "state": "starting", "tracks": [],
                ])
            #expect(await gateway.pipelines.ingestRequests == [IngestRequest(room: "demo", source: .test)])
            await gateway.pipelines.set(
                IngestStatus(
                    id: "ingest-1", room: "demo", source: "test", state: .running, tracks: [ScriptedPipelines.track],
                    progress: PipelineProgress(
                        seconds: 1.5,
                        tracks: [.init(id: "0", packets: 9, bytes: 8, frames: 7, bitrateBitsPerSecond: 6)]),
                    durationSeconds: 10))
            #expect(
                try await client("GET", "/api/v1/ingests/ingest-1").json == [
                    "id": "ingest-1", "room": "demo", "source": "test", "state": "running", "durationSeconds": 10,
                    "tracks": [
                        [
                            "index": 0, "kind": "video", "description": "h264 Main, 1280x720, 25 fps",
                            "treatment": "transcode", "reason": "it has B-frames", "codec": "video/VP8",
                        ]
                    ],
                    "progress": [
                        "seconds": 1.5,
                        "tracks": [["id": "0", "packets": 9, "bytes": 8, "frames": 7, "bitrateBitsPerSecond": 6]],
                    ],
                ])
            #expect(try await client("GET", "/api/v1/ingests").json?["ingests"]?.arrayValue?.count == 1)
            #expect(try await client("DELETE", "/api/v1/ingests/ingest-1").json?["state"] == "finished")
        }
    }

    @Test func `all that an ingest can be told reaches the pipelines`() async throws {
        try await Gateway.run { gateway in
            _ = try await gateway.client(
                "POST", "/api/v1/ingests",
                json: [
                    "room": "demo", "source": "a/b.mp4", "loop": true, "video": "H264", "displayName": "Film",
                    "unknown": 1,
                ])
            #expect(
                await gateway.pipelines.ingestRequests == [
                    IngestRequest(
                        room: "demo", source: .file("a/b.mp4"), loop: true, video: .h264, displayName: "Film")
                ])
        }
    }

    @Test func `an address is told to the pipelines whole, and to nobody else`() async throws {
        try await Gateway.run { gateway in
            let url = "rtsp://user:hunter2@cam/1"
            let made = try await gateway.client(
                "POST", "/api/v1/ingests",
                json: [
                    "room": "demo", "source": .string(url), "pipeline": "ingest-network", "retry": "always",
                    "parameters": ["transport": "udp", "patience": 3],
                ])
            #expect(made.status == 201 && made.json?["source"] == "rtsp://user:•••@cam/1")
            let address = try SourceAddress(url)
            #expect(
                await gateway.pipelines.ingestRequests == [
                    IngestRequest(
                        room: "demo", source: .address(address), pipeline: "ingest-network",
                        parameters: ["transport": "udp", "patience": 3], retry: .always)
                ])
            await gateway.pipelines.set(
                IngestStatus(
                    id: "ingest-1", room: "demo", source: address.description, state: .running,
                    interruption: SourceInterruption(reason: "it said nothing for 5 s", attempts: 2, retrySeconds: 0.5))
            )
            let shown = try await gateway.client("GET", "/api/v1/ingests/ingest-1")
            #expect(
                shown.json?["interruption"] == [
                    "reason": "it said nothing for 5 s", "attempts": 2, "retrySeconds": 0.5,
                ])
            for reply in [made, shown] { #expect(!reply.body.contains("hunter2")) }
        }
    }

    @Test func `a pipeline may make its own source`() async throws {
        try await Gateway.run { gateway in
            let body: JSONValue = ["room": "demo", "pipeline": "ingest-test", "parameters": ["seconds": 2]]
            let made = try await gateway.client("POST", "/api/v1/ingests", json: body)
            #expect(made.status == 201)
            #expect(
                await gateway.pipelines.ingestRequests == [
                    IngestRequest(
                        room: "demo", source: .pipeline, pipeline: "ingest-test", parameters: ["seconds": 2])
                ])
            let recording: JSONValue = ["room": "demo", "pipeline": "record-webm", "parameters": ["a": true]]
            let armed = try await gateway.client("POST", "/api/v1/recordings", json: recording)
            #expect(armed.status == 201)
            #expect(
                await gateway.pipelines.recordingRequests == [
                    RecordingRequest(room: "demo", pipeline: "record-webm", parameters: ["a": true])
                ])
        }
    }

    @Test func `pipelines are listed with what can be chosen`() async throws {
        try await Gateway.run { gateway in
            let one: JSONValue = [
                "name": "ingest-test", "kind": "ingest", "engine": "libav", "help": "Plays the built-in picture.",
                "parameters": [
                    ["name": "width", "type": "integer", "default": 640, "minimum": 160, "help": "In pixels."]
                ],
            ]
            #expect(try await gateway.client("GET", "/api/v1/pipelines").json == ["pipelines": [one]])
            #expect(try await gateway.client("GET", "/api/v1/pipelines/ingest-test").json == one)
            let none = try await gateway.client("GET", "/api/v1/pipelines/nope")
            #expect(none.status == 404)
            #expect(none.json?["message"] == "pipeline \"nope\" does not exist; there are ingest-test")
        }
    }

    @Test func `a gateway that stops says when to come again`() async throws {
        try await Gateway.run { gateway in
            await gateway.pipelines.stopping()
            for path in ["ingests", "recordings"] {
                let reply = try await gateway.client("POST", "/api/v1/\(path)", json: ["room": "d", "source": "test"])
                #expect(reply.status == 503 && reply.headers["retry-after"] == "5", "\(reply)")
                #expect(reply.json?["message"] == "the gateway is shutting down")
            }
        }
    }

    static let refused: [(String, JSONValue, Int, String)] = [
        ("ingests", [:], 400, "missing body.room"),
        ("ingests", ["room": "demo"], 400, "missing body.source, or body.pipeline"),
        ("ingests", ["room": "demo", "source": ""], 400, "body.source is empty"),
        (
            "ingests", ["room": "d", "source": "ftp://u:hunter2@h/a"], 400,
            "sources of the scheme \"ftp\" can't be played; possible: http, https, rtsp, rtsps, rtmp, rtmps, srt, udp, "
                + "v4l2, alsa"
        ),
        ("ingests", ["room": "d", "source": "rtsp://"], 400, "the rtsp address names no host"),
        (
            "ingests", ["room": "d", "source": "test", "retry": "often"], 400,
            "body.retry must be \"never\" or \"once-opened\" or \"always\", not \"often\""
        ),
        ("ingests", ["room": "d", "source": "test", "parameters": "a=b"], 400, "wrong body.parameters"),
        ("ingests", ["room": "d", "source": "test", "pipeline": 1], 400, "body.pipeline is not a string"),
        ("ingests", ["room": "a/b", "source": "test"], 400, "the room id \"a/b\" holds a slash"),
        ("ingests", ["room": "d", "source": "test", "loop": 1], 400, "body.loop is not a boolean"),
        (
            "ingests", ["room": "d", "source": "test", "video": "av1"], 400,
            "body.video must be \"vp8\" or \"h264\", not \"av1\""
        ),
        ("ingests", ["room": "d", "source": "missing.mp4"], 404, "missing.mp4: there is no such file"),
        ("recordings", [:], 400, "missing body.room"),
        ("recordings", ["room": "d", "output": "../x.mkv"], 400, "the file name \"../x.mkv\" holds a slash"),
        ("recordings", ["room": "d", "output": ".x"], 400, "file name \".x\" begins with a dot"),
        ("recordings", ["room": "d", "output": ""], 400, "the file name is empty"),
        ("recordings", ["room": "d", "output": 7], 400, "body.output is not a string"),
        ("recordings", ["room": "d", "output": "a\nb"], 400, "the file name holds control characters"),
    ]

    @Test func `bad requests are told by their names, as JSON`() async throws {
        try await Gateway.run { gateway in
            for (path, body, status, message) in Self.refused {
                let reply = try await gateway.client("POST", "/api/v1/\(path)", json: body)
                #expect(reply.status == status && reply.json?["message"] == .string(message), "\(body): \(reply)")
            }
            for path in ["ingests/x", "ingests/x/progress", "recordings/x", "recordings/x/progress", "rooms/x"] {
                let reply = try await gateway.client("GET", "/api/v1/\(path)")
                #expect(reply.status == 404 && reply.json?["error"] == "Error", "\(path): \(reply)")
            }
            let form = try await gateway.client.send(
                "POST", "/api/v1/ingests", text: "room=d", headers: ["Content-Type": "text/plain"])
            #expect(form.status == 415)
            let nothing = try await gateway.client("POST", "/api/v1/ingests")
            #expect(nothing.status == 400 && nothing.json?["message"] == "the body is empty")
            let put = try await gateway.client("PUT", "/api/v1/ingests", json: [:])
            #expect(put.status == 405 && put.headers["allow"] == "GET, HEAD, POST")
        }
    }

    @Test func `a recording is armed, and finishing it tells how it ended`() async throws {
        try await Gateway.run { gateway in
            let client = gateway.client
            let made = try await client(
                "POST", "/api/v1/recordings", json: ["room": "demo", "output": "a.mkv", "broadcaster": "b"])
            #expect(made.status == 201 && made.json?["file"] == "recordings/a.mkv")
            #expect(
                await gateway.pipelines.recordingRequests == [
                    RecordingRequest(room: "demo", output: "a.mkv", broadcaster: "b")
                ])
            let ended = try await client("DELETE", "/api/v1/recordings/recording-1")
            #expect(
                ended.json == [
                    "id": "recording-1", "room": "demo", "file": "recordings/a.mkv", "state": "failed", "seconds": 0,
                    "bytes": 0,
                    "failure": ["code": "no-media", "message": "recordings/a.mkv: no packet came within 5 s"],
                ])
            #expect(try await client("GET", "/api/v1/recordings").json?["recordings"]?.arrayValue?.count == 1)
            let progress = try await client("GET", "/api/v1/recordings/recording-1/progress")
            #expect(progress.body.contains("event: status\ndata: {") && progress.contentType == "text/event-stream")
        }
    }

    @Test func `an ingest's progress ends with the ingest`() async throws {
        try await Gateway.run { gateway in
            let status = try await gateway.pipelines.startIngest(IngestRequest(room: "d", source: .test))
            let reply = try await gateway.client.follow("/api/v1/ingests/\(status.id)/progress") { body in
                if body.contains("starting"), !body.contains("finished") {
                    _ = try? await gateway.pipelines.stopIngest(status.id)
                }
                return false
            }
            #expect(reply.body.contains("\"state\":\"starting\"") && reply.body.contains("\"state\":\"finished\""))
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `who only asks for the head owns nothing`() async throws {
        try await Gateway.run { gateway in
            let made = try await gateway.client("POST", "/api/v1/ingests", json: ["room": "demo", "source": "test"])
            let path = try #require(made.headers["location"]) + "/progress?owner=true"
            #expect(try await gateway.client("HEAD", path).status == 200)
            // One owner comes and goes; were the other one counted, the ingest would go on.
            _ = try await gateway.client.follow(path) { $0.contains("starting") }
            await gateway.pipelines.isStopped("ingest-1")
        }
    }

    @Test func `an ingest ends when its owner's connection does`() async throws {
        try await Gateway.run { gateway in
            let status = try await gateway.pipelines.startIngest(
                IngestRequest(room: "d", source: .test, attached: true))
            let path = "/api/v1/ingests/\(status.id)/progress"
            _ = try await gateway.client.follow(path) { $0.contains("starting") }
            #expect(try await gateway.pipelines.ingest(status.id).state == .starting)
            _ = try await gateway.client.follow("\(path)?owner=true") { $0.contains("starting") }
            await gateway.pipelines.isStopped(status.id)
        }
    }

    @Test func `rooms are shown with all they hold, and looking makes none`() async throws {
        try await Gateway.run { gateway in
            let client = gateway.client
            #expect(try await client("GET", "/api/v1/rooms").json == ["rooms": []])
            let scene = try await BroadcasterRouteTests.Scene(gateway)
            let room = try #require(try await client("GET", "/api/v1/rooms/demo").json)
            #expect(room["producers"]?.arrayValue?.first?["id"] == .string(scene.producer))
            #expect(room["producers"]?.arrayValue?.first?["codec"] == "video/vp8")
            #expect(room["consumers"]?.arrayValue?.first?["paused"] == true)
            #expect(room["transports"]?.arrayValue?.first?["tuple"]?["protocol"] == "udp")
            #expect(room["broadcasters"]?.arrayValue?.map { $0["id"] } == ["s", "r"])
            #expect(try await client("DELETE", "/api/v1/rooms/demo").status == 200)
            #expect(try await client("DELETE", "/api/v1/rooms/demo").status == 404)
            #expect(
                try await client("GET", "/api/v1/version").json == [
                    "name": "ladle", "version": "1.2.3", "boot": "0a1b2c3d",
                ])
        }
    }
}
