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
        let parameters: [String: JSONValue] = ["transport": "udp", "listen": "true", "patience": "12"]
        #expect(
            try plan(source, parameters).job.source
                == .network(
                    NetworkSource(url: "rtmp://0.0.0.0/live/x", transport: .udp, listens: true, patience: 12)))
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
