import Base
import Control
import PipelineControl
import PipelineDescription
import Pipelines
import Testing

@Suite struct `The job of a recording` {
    private func plan(_ output: String?, _ pipeline: String?, _ parameters: [String: JSONValue] = [:]) throws
        -> RecordingFormat
    {
        let jobs = RecordingJobs(catalog: try PipelineCatalog(folder: PipelinesWorld.descriptions))
        return try jobs.plan(
            RecordingRequest(room: "r", output: output, pipeline: pipeline, parameters: parameters))
    }

    @Test func `follows from the file's name, or from the description`() throws {
        #expect(try plan(nil, nil).container == .matroska)
        #expect(try plan(nil, nil).gstreamer == nil)
        #expect(try plan("a.mkv", nil).container == .matroska)
        #expect(try plan("a.MKV", "record-mkv").gstreamer == nil)
        let gstreamer = try plan("a.mkv", "record-mkv-gst")
        #expect(gstreamer.container == .matroska && gstreamer.gstreamer?.launch.contains("name=output") == true)
        #expect(try plan(nil, "record-webm-gst").container == .webm)
        #expect(try plan("a.webm", nil).container == .webm)
        #expect(try plan("a.mp4", nil).container == .mp4)
        // What no container goes by, the folder refuses, in its words.
        #expect(try plan("a", nil).container == .matroska)
    }

    @Test func `is refused in words that say what would fit`() throws {
        for (output, pipeline, parameters, words) in [
            (nil, "nope", [:], "there is no pipeline \"nope\"; possible: record-mkv"),
            (
                nil, "ingest-test", [:],
                "pipeline \"ingest-test\" brings something into a room, it records none; possible: "
            ),
            (
                "a.mkv", "record-webm", [:],
                "pipeline \"record-webm\" writes WebM, which does not go by the file name \"a.mkv\""
            ),
            (nil, "record-mkv", ["a": 1], "record-mkv has no parameter \"a\"; it has none"),
        ] as [(String?, String, [String: JSONValue], String)] {
            let error = #expect(throws: ControlError.self) { try plan(output, pipeline, parameters) }
            #expect(error?.code == .invalid)
            #expect(error?.message.hasPrefix(words) == true, "\(String(describing: error))")
        }
    }
}
