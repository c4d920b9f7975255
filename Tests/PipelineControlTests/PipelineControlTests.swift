import Base
import PipelineControl
import Testing

private let codec = TrackCodec(
    mimeType: "video/H264", clockRate: 90_000, parameters: ["packetization-mode": 1, "profile-level-id": "42e01f"])

@Test(arguments: [
    PipelineCommand.ingest(
        IngestJob(source: .file(name: "a \"b\".mp4"), loop: true, videoCodec: .vp8, routerCodecs: [codec])),
    .ingest(IngestJob(source: .test(TestSource(seconds: 2.5)), loop: false, videoCodec: .h264, routerCodecs: [])),
    .record(RecordJob(fileName: "a.mkv", container: .matroska, listenIP: "127.0.0.1")),
    .send([SendTrack(index: 1, ip: "::1", port: 40_000, rtcpPort: nil, ssrc: .max, payloadType: 101, cname: "c")]),
    .play,
    .receive(
        ReceivePlan(
            ip: "127.0.0.1", port: 1,
            tracks: [ReceiveTrack(id: "x", codec: codec, payloadType: 107, ssrc: 7, cname: "line\nbreak")])),
    .endTrack("x"), .finish,
])
func `a command survives its line`(command: PipelineCommand) throws {
    let line = try command.line
    #expect(!line.contains(UInt8(ascii: "\n")))
    #expect(try PipelineCommand(line: line) == command)
}

@Test(arguments: [
    PipelineReport.opened(
        OpenedSource(
            durationSeconds: 12.5,
            tracks: [
                SourceTrack(
                    index: 0, kind: .video, description: "h264", treatment: .copy, reason: "r", codec: codec,
                    answersKeyFrameRequests: false)
            ])),
    .listening(port: 65_535), .ready, .running,
    .progress(
        PipelineProgress(
            seconds: 1, tracks: [.init(id: "0", packets: 1, bytes: 2, frames: 3, bitrateBitsPerSecond: 4)])),
    .finished(PipelineProgress(seconds: 0, tracks: [], fileBytes: 9)),
    .failed(PipelineFailure(code: .noKeyFrame, message: "m")),
])
func `a report survives its line`(report: PipelineReport) throws {
    #expect(try PipelineReport(line: try report.line) == report)
}

@Test(arguments: ["", "{}", "[]", "{\"type\":\"fly\"}", "{\"type\":\"send\",\"value\":3}", "{\"type\":\"ingest\"}"])
func `a line that is no command is refused`(line: String) {
    #expect(throws: PipelineControlError.self) { try PipelineCommand(line: line.utf8) }
}

@Test func `lines come whole however the bytes are cut`() throws {
    let text = Array("one\n\ntwo\nthree".utf8)
    for cut in 0...text.count {
        var buffer = LineBuffer()
        let lines = try buffer.append(text[..<cut]) + buffer.append(text[cut...]) + buffer.append("\n".utf8)
        #expect(lines.map { String(decoding: $0, as: UTF8.self) } == ["one", "two", "three"])
    }
}

@Test func `a line without end is refused at the limit`() throws {
    var buffer = LineBuffer()
    _ = try buffer.append(repeatElement(UInt8(ascii: "x"), count: LineBuffer.limit))
    #expect(throws: LineBuffer.Failure.lineTooLong(limit: LineBuffer.limit)) { try buffer.append([65]) }
}
