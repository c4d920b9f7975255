import Base
import Control
import PipelineControl
import PipelineDescription
import Pipelines
import Testing

@Suite struct `The job of an ingest` {
    private let jobs = IngestJobs(catalog: Descriptions.catalog)

    private func plan(
        _ source: IngestRequest.Source, loop: Bool = false, video: VideoTarget? = nil, pipeline: String? = nil,
        _ parameters: [String: JSONValue] = [:], retry: RetryPolicy? = nil
    ) throws -> IngestJobs.Plan {
        try jobs.plan(
            IngestRequest(
                room: "r", source: source, loop: loop, video: video, pipeline: pipeline, parameters: parameters,
                retry: retry))
    }

    private func address(_ text: String) throws -> IngestRequest.Source { .address(try SourceAddress(text)) }

    @Test func `follows from its source`() throws {
        #expect(try plan(.test).job.source == .test(TestSource()))
        #expect(try plan(.file("a/b.mp4")).job.source == .file(name: "a/b.mp4"))
        #expect(try plan(.file("a/b.mp4")).file == "a/b.mp4")
        let network = try plan(try address("rtsp://u:pw@cam:8554/1"))
        #expect(network.job.source == .network(NetworkSource(url: "rtsp://u:pw@cam:8554/1")))
        #expect(network.file == nil)
        #expect(network.shownSource == "rtsp://u:•••@cam:8554/1")
        #expect(network.displayName == "cam:8554")
    }

    @Test(arguments: SourceAddress.Scheme.allCases.filter { !$0.isDevice })
    func `of every network scheme is for libav`(scheme: SourceAddress.Scheme) throws {
        let url = "\(scheme.rawValue)://host/x"
        #expect(try plan(try address(url)).job.source == .network(NetworkSource(url: url)))
    }

    @Test func `takes parameters, also as text`() throws {
        let source = try address("rtmp://0.0.0.0/live/x")
        let parameters: [String: JSONValue] = ["listen": "true", "patience": "12"]
        #expect(
            try plan(source, parameters).job.source
                == .network(NetworkSource(url: "rtmp://0.0.0.0/live/x", listens: true, patience: 12)))
        #expect(
            try plan(try address("rtsp://h/1"), ["transport": "udp"]).job.source
                == .network(NetworkSource(url: "rtsp://h/1", transport: .udp)))
        #expect(
            try plan(.test, ["width": 1280, "seconds": 2]).job.source == .test(TestSource(width: 1280, seconds: 2)))
        #expect(
            try plan(.pipeline, pipeline: "ingest-test", ["seconds": "1.5"]).job.source
                == .test(TestSource(seconds: 1.5)))
    }

    @Test func `knows picture and loop by either way`() throws {
        #expect(try plan(.test).job.videoCodec == .vp8)
        #expect(try plan(.test, video: .h264).job.videoCodec == .h264)
        #expect(try plan(.test, ["video": "h264"]).job.videoCodec == .h264)
        #expect(try plan(.file("a"), loop: true).job.loop)
        #expect(try plan(.file("a"), loop: true, ["loop": true]).job.loop)
        #expect(try !plan(.file("a")).job.loop)
    }

    @Test func `tries addresses again once they were open, and files never`() throws {
        #expect(try plan(try address("srt://h:1")).job.retry == .onceOpened)
        #expect(try plan(try address("srt://h:1"), retry: .always).job.retry == .always)
        #expect(try plan(try address("srt://h:1"), retry: .never).job.retry == .never)
        #expect(try plan(.file("a")).job.retry == .never)
        #expect(try plan(.test, retry: .never).job.retry == .never)
    }

    @Test func `of a device sets what stands in its address`() throws {
        let jobs = IngestJobs(catalog: try PipelineCatalog(folder: PipelinesWorld.descriptions))
        func plan(_ text: String, _ parameters: [String: JSONValue] = [:]) throws -> IngestJobs.Plan {
            try jobs.plan(IngestRequest(room: "r", source: try address(text), parameters: parameters))
        }
        let camera = try plan("v4l2:/dev/video2?microphone=hw:1,0&width=640&height=360", ["framesPerSecond": 25])
        guard
            case .gstreamer(let description, "v4l2:/dev/video2?microphone=hw:1,0&width=640&height=360") = camera.job
                .source
        else {
            Issue.record("\(camera)")
            return
        }
        let values = Dictionary(
            uniqueKeysWithValues: description.properties.map { ("\($0.element).\($0.property)", $0.value) })
        #expect(
            values == [
                "camera.device": "/dev/video2", "microphone.device": "hw:1,0", "size.caps.width": 640,
                "size.caps.height": 360, "size.caps.framerate": 25,
            ])
        #expect(description.branches["opus"] != nil && description.input == nil)
        #expect(camera.displayName == "Camera /dev/video2" && camera.job.retry == .onceOpened)
        // Without a microphone there is no sound.
        guard case .gstreamer(let silent, _) = try plan("v4l2:/dev/video0").job.source else { return }
        #expect(silent.branches["opus"] == nil)
        guard case .gstreamer(let microphone, _) = try plan("alsa:hw:1").job.source else { return }
        #expect(microphone.properties.map(\.value) == ["hw:1"])
        for (text, words) in [
            ("v4l2:/dev/video0?width=wide", "parameter width of ingest-camera: \"wide\" is no integer"),
            ("v4l2:/dev/video0?zoom=2", "ingest-camera has no parameter \"zoom\"; it has device, microphone, width"),
            ("v4l2:/dev/video0?device=/dev/video1", "the parameter \"device\" is given twice, and differently"),
        ] {
            let error = #expect(throws: ControlError.self) { try plan(text) }
            #expect(error?.message.hasPrefix(words) == true, "\(String(describing: error))")
        }
    }

    @Test func `of a file may be GStreamer's`() throws {
        let jobs = IngestJobs(catalog: try PipelineCatalog(folder: PipelinesWorld.descriptions))
        let plan = try jobs.plan(IngestRequest(room: "r", source: .file("a/b.mp4"), pipeline: "ingest-file-gst"))
        guard case .gstreamer(let description, "a/b.mp4") = plan.job.source else {
            Issue.record("\(plan)")
            return
        }
        #expect(description.input == "input" && plan.file == "a/b.mp4")
        let own = try jobs.plan(
            IngestRequest(
                room: "r", source: .pipeline, pipeline: "ingest-lower-third", parameters: ["text": "Hello"]))
        guard case .gstreamer(let lowerThird, "ingest-lower-third") = own.job.source else {
            Issue.record("\(own)")
            return
        }
        #expect(lowerThird.properties.contains { $0.element == "title" && $0.value == "Hello" })
        #expect(own.file == nil && own.shownSource == "ingest-lower-third" && own.job.retry == .never)
    }

    @Test func `shows no secret, wherever it stood`() throws {
        for text in [
            "rtsp://user:hunter2@cam/1", "srt://h:1?passphrase=hunter2&mode=caller", "http://h/a?token=hunter2",
            "srt://h:1?streamid=hunter2",
        ] {
            let plan = try plan(try address(text))
            #expect(!plan.shownSource.contains("hunter2") && !plan.displayName.contains("hunter2"), "\(plan)")
            for parameters: [String: JSONValue] in [["transport": "smoke"], ["nothing": "hunter2"], ["patience": 0]] {
                let error = #expect(throws: ControlError.self) { try self.plan(try address(text), parameters) }
                #expect(error?.message.contains("hunter2") == false)
            }
        }
    }

    @Test func `knows a stream key for a secret`() throws {
        let source = try address("rtmp://0.0.0.0:1935/live/k3y-77")
        let plan = try plan(source, ["listen": true])
        #expect(plan.shownSource == "rtmp://0.0.0.0:1935/live/•••" && plan.displayName == "0.0.0.0:1935")
        #expect(plan.address?.secrets == ["k3y-77"])
        #expect(plan.job.source == .network(NetworkSource(url: "rtmp://0.0.0.0:1935/live/k3y-77", listens: true)))
        #expect(try self.plan(source).shownSource == "rtmp://0.0.0.0:1935/live/k3y-77")
    }

    @Test func `is refused in words that say what would fit`() throws {
        let rtsp = try address("rtsp://cam/1")
        let cases: [(ControlError?, ControlError.Code, String)] = [
            (
                refusal { try plan(.pipeline) }, .invalid,
                "name a source, or a pipeline that makes its own; possible: ingest-test"
            ),
            (
                refusal { try plan(.test, pipeline: "nope") }, .invalid,
                "there is no pipeline \"nope\"; possible: ingest-test"
            ),
            (
                refusal { try plan(rtsp, pipeline: "ingest-file") }, .invalid,
                "pipeline \"ingest-file\" takes a file, not a network address; possible: ingest-network"
            ),
            (
                refusal { try plan(.pipeline, pipeline: "ingest-file") }, .invalid,
                "pipeline \"ingest-file\" needs a file as its source"
            ),
            (
                refusal { try plan(.file("a"), pipeline: "record-mkv") }, .invalid,
                "pipeline \"record-mkv\" records a room, it brings nothing into one; possible: ingest-file"
            ),
            (
                refusal { try plan(rtsp, ["transport": "smoke"]) }, .invalid,
                "parameter transport of ingest-network: \"smoke\" is not one of \"tcp\", \"udp\""
            ),
            (
                refusal { try plan(try address("http://h/a"), ["transport": "udp"]) }, .invalid,
                "transport is for rtsp, and the address is one of http"
            ),
            (
                refusal { try plan(try address("srt://:9000"), ["listen": true]) }, .invalid,
                "listen is for rtmp; an address of srt says it itself, with mode=listener behind its ?"
            ),
            (
                refusal { try plan(rtsp, loop: true) }, .invalid,
                "ingest-network has no parameter \"loop\"; it has video, transport, listen, patience"
            ),
            (
                refusal { try plan(.test, video: .h264, ["video": "vp8"]) }, .invalid,
                "the parameter \"video\" is given twice, and differently"
            ),
            (
                refusal { try plan(.file("a"), retry: .always) }, .invalid,
                "a file is not tried again; retry is for addresses and for pipelines"
            ),
            (
                refusal { try plan(try address("v4l2:/dev/video0")) }, .unsupported,
                "there is no description \"ingest-camera\""
            ),
        ]
        for (error, code, message) in cases {
            #expect(error?.code == code)
            #expect(error?.message == message)
        }
    }

    private func refusal(_ body: () throws -> IngestJobs.Plan) -> ControlError? {
        do {
            let plan = try body()
            Issue.record("no refusal but \(plan)")
            return nil
        } catch {
            return error as? ControlError
        }
    }
}
