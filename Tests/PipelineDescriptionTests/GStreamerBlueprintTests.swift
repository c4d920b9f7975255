import Base
import Glibc
import PipelineControl
import PipelineDescription
import StrictYAML
import Testing

private let good = """
    name: ingest-title
    kind: ingest
    engine: gstreamer
    help: Plays a title.
    source: none
    launch: |
      # A comment with a ! in it.
      videotestsrc name=picture
        ! capsfilter name=size caps="video/x-raw,width=640"

        ! textoverlay name=titlé ! identity name=raw
    branches:
      vp8: raw. ! vp8enc ! appsink name=video
      h264: 'raw. ! x264enc ! appsink name=video'
      opus: |2
          audiotestsrc name=tone
          ! opusenc ! appsink name=audio
    parameters:
      text: {type: string, default: Hello, sets: title.text, help: What.}
      width:
        type: integer
        default: 640
        sets: [size.caps.width, picture.blocksize]
        help: How much.
      tone:
        type: number
        sets: tone.freq
        enables: opus
        help: The pitch.
      loop: {type: boolean, help: Again.}
      video: {type: string, default: vp8, allowed: [vp8, h264], help: What.}
    slots: [codecs, endpoints]
    """

private let record = """
    name: record-title
    kind: record
    engine: gstreamer
    help: Writes.
    container: webm
    launch: webmmux name=muxer ! fdsink name=output
    branches: {vp8: appsrc name=video ! muxer.video_0}
    slots: [output, listen, tracks]
    """

private func read(_ text: String) throws -> PipelineBlueprint {
    try PipelineBlueprint(yaml: text, file: "pipelines/a.yaml")
}

private func gstreamer(_ text: String) throws -> PipelineBlueprint.GStreamerBlueprint {
    guard case .gstreamer(let plan) = try read(text).engine else { throw NoGStreamer() }
    return plan
}

private struct NoGStreamer: Error {}

@Suite struct `A description of GStreamer` {
    @Test func `is read whole`() throws {
        let plan = try gstreamer(good)
        #expect(!plan.takesFile)
        #expect(plan.container == nil)
        #expect(
            plan.sets == [
                "text": ["title.text"], "width": ["size.caps.width", "picture.blocksize"], "tone": ["tone.freq"],
            ])
        #expect(plan.enables == ["tone": "opus"])
        #expect(plan.branches.keys.sorted() == ["h264", "opus", "vp8"])
        #expect(plan.branches["h264"]?.text == "raw. ! x264enc ! appsink name=video")
        #expect(plan.branches["opus"]?.text == "  audiotestsrc name=tone\n  ! opusenc ! appsink name=audio\n")
        #expect(try gstreamer(record).container == .webm)
        #expect(
            try gstreamer(
                good.replacing("source: none", with: "source: file").replacing("[codecs", with: "[input, codecs")
            ).takesFile)
    }

    @Test func `has comments that gst-launch never sees`() throws {
        let text = try gstreamer(good).launch.text
        #expect(!text.contains("comment"))
        #expect(text.hasPrefix("                           \nvideotestsrc name=picture\n  ! capsfilter"))
    }

    /// A word of a text, which part it is in, and where it stands in the file.
    @Test(arguments: [
        ("launch", "videotestsrc", 8, 3), ("launch", "capsfilter", 9, 7), ("launch", "! identity", 11, 30),
        ("branches.vp8", "vp8enc", 13, 15), ("branches.h264", "x264enc", 14, 17), ("branches.opus", "tone", 16, 25),
        ("branches.opus", "opusenc", 17, 9),
    ])
    func `tells the place of each word`(part: String, word: String, line: Int, column: Int) throws {
        let blueprint = try read(good)
        let plan = try gstreamer(good)
        let text = part == "launch" ? plan.launch.text : plan.branches[String(part.dropFirst(9))]?.text ?? ""
        let range = try #require(text.firstRange(of: word))
        let offset = text.utf8.distance(from: text.startIndex, to: range.lowerBound)
        let error = blueprint.error(for: PlanComplaint(part: part, offset: offset, message: "wrong"))
        #expect(error.description == "pipelines/a.yaml:\(line):\(column): \(part): wrong")
    }

    @Test func `tells the place of a parameter that sets what is not there`() throws {
        let blueprint = try read(good)
        let complaints = [
            ("title.text", "19:46: parameters.text.sets"), ("picture.blocksize", "23:29: parameters.width.sets[1]"),
        ]
        for (target, place) in complaints {
            let error = blueprint.error(for: PlanComplaint(part: "properties.\(target)", offset: nil, message: "wrong"))
            #expect(error.description == "pipelines/a.yaml:\(place): wrong")
        }
        let whole = blueprint.error(for: PlanComplaint(part: "launch", offset: nil, message: "wrong"))
        #expect(whole.description == "pipelines/a.yaml:7:3: launch: wrong")
        let nowhere = blueprint.error(for: PlanComplaint(part: "branches.av1", offset: 3, message: "wrong"))
        #expect(nowhere.description == "pipelines/a.yaml: branches.av1: wrong")
    }

    @Test func `becomes a plan whose values are properties and never text`() throws {
        let blueprint = try read(good)
        let plan = try #require(
            blueprint.plan(values: try blueprint.values(["text": "x ! filesink location=/etc/passwd", "tone": 440])))
        #expect(plan.input == nil)
        #expect(!plan.launch.contains("filesink"))
        #expect(
            plan.properties == [
                GStreamerPlan.Property(element: "title", property: "text", value: "x ! filesink location=/etc/passwd"),
                GStreamerPlan.Property(element: "size", property: "caps.width", value: 640),
                GStreamerPlan.Property(element: "picture", property: "blocksize", value: 640),
                GStreamerPlan.Property(element: "tone", property: "freq", value: 440),
            ])
        #expect(plan.branches.keys.sorted() == ["h264", "opus", "vp8"])
        let silent = try #require(blueprint.plan(values: try blueprint.values([:])))
        #expect(silent.branches.keys.sorted() == ["h264", "vp8"])
        #expect(silent.properties.count == 3)
        // To be checked, everything is there.
        let checked = try #require(blueprint.planForChecking)
        #expect(checked.branches.count == 3)
        #expect(checked.properties.last?.value == .null)
        let file = try read(
            good.replacing("source: none", with: "source: file").replacing("[codecs", with: "[input, codecs"))
        #expect(file.plan(values: [:])?.input == "input")
    }

    @Test(arguments: [
        ("source: none", "source: test", "5:9: source: \"test\" is not one of file, none"),
        (
            "source: none", "container: webm",
            "5:1: container: unknown key; allowed: name, kind, engine, help, parameters, slots, source, launch, branches"
        ),
        ("source: none", "source: file", "32:8: slots: missing: input"),
        ("launch: |", "lunch: |", "6:1: lunch: unknown key"),
        ("launch: |", "launch: >", "6:9: launch: lines of it are joined or changed by YAML; write it as a block: |"),
        ("launch: |", "launch: &a |", "6:9: launch: lines of it are joined"),
        (
            "'raw. ! x264enc ! appsink name=video'", "\"raw. ! x264enc\\u0020! appsink name=video\"",
            "14:9: branches.h264: lines of it are joined or changed"
        ),
        (
            "'raw. ! x264enc ! appsink name=video'", "raw. ! x264enc\n      ! appsink name=video",
            "14:9: branches.h264: lines of it are joined or changed"
        ),
        (
            "'raw. ! x264enc ! appsink name=video'", "\"raw.\\t! x264enc\"",
            "14:9: branches.h264: the text has control characters"
        ),
        ("'raw. ! x264enc ! appsink name=video'", "", "14:8: branches.h264: a value is missing"),
        ("  h264: ", "  h265: ", "14:3: branches.h265: \"h265\" is not one of vp8, vp9, h264, opus"),
        (
            "sets: title.text", "sets: title",
            "19:46: parameters.text.sets: an element's name and a property with a dot between is expected, like title.text"
        ),
        ("sets: title.text", "sets: title.te xt", "19:46: parameters.text.sets: an element's name and a property"),
        ("sets: title.text", "sets: .text", "19:46: parameters.text.sets: an element's name"),
        ("sets: title.text", "sets: []", "19:46: parameters.text.sets: the list is empty"),
        ("sets: title.text", "sets: tone.freq", "\"tone.freq\" is set twice"),
        ("sets: title.text, ", "", "19:9: parameters.text: it sets nothing: say \"sets: element.property\""),
        ("enables: opus", "enables: vorbis", "28:14: parameters.tone.enables: \"vorbis\" is none of the branches"),
        (
            "loop: {type: boolean", "loop: {type: string",
            "30:9: parameters.loop: loop is heard by the engine itself and must be a boolean"
        ),
        ("allowed: [vp8, h264], ", "", "31:10: parameters.video: video is heard by the engine itself"),
        (
            "[codecs, endpoints]", "[input, codecs, endpoints]",
            "32:9: slots[0]: \"input\" is not one of codecs, endpoints"
        ),
    ])
    func `tells its errors with line, column and key`(old: String, new: String, expected: String) throws {
        try #require(good.contains(old))
        let error = #expect(throws: YAMLFileError.self) {
            try read(good.replacing(old, with: new, maxReplacements: 1))
        }
        let words = error?.description ?? ""
        #expect(words.contains(expected), "\(words)")
        #expect(!words.contains("\n"))
    }

    @Test func `has keys that libav does not know`() throws {
        let error = #expect(throws: YAMLFileError.self) {
            try read(record.replacing("engine: gstreamer", with: "engine: libav"))
        }
        #expect(error?.description.contains(":6:1: launch: unknown key; allowed: ") == true)
    }

    @Test func `cut anywhere is read or refused`() {
        for count in 0...good.count { _ = try? read(String(good.prefix(count))) }
    }
}
