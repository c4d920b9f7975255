import Base
import PipelineDescription
import StrictYAML
import Testing

private let good = """
    name: ingest-file
    kind: ingest
    engine: libav
    help: Plays a file.
    source: file
    parameters:
      loop: {type: boolean, default: false, help: Again.}
      level:
        type: integer
        minimum: 1
        maximum: 9
        help: How much.
      video:
        type: string
        default: vp8
        allowed: [vp8, h264]
        help: What.
    slots: [input, codecs, endpoints]
    """

@Suite struct `A description` {
    @Test func `is read whole`() throws {
        let blueprint = try PipelineBlueprint(yaml: good, file: "a.yaml")
        #expect(blueprint.name == "ingest-file")
        #expect(blueprint.kind == .ingest)
        #expect(blueprint.engine == .libav(.ingest(.file)))
        #expect(blueprint.help == "Plays a file.")
        #expect(blueprint.slots == [.input, .codecs, .endpoints])
        #expect(
            blueprint.parameters == [
                PipelineParameter(name: "loop", type: .boolean, defaultValue: false, help: "Again."),
                PipelineParameter(name: "level", type: .integer, minimum: 1, maximum: 9, help: "How much."),
                PipelineParameter(
                    name: "video", type: .string, defaultValue: "vp8", allowed: ["vp8", "h264"], help: "What."),
            ])
    }

    /// Old text, new text, and the error with its line and column in the changed description.
    @Test(
        arguments: [
            ("engine: libav", "engine: libva", "3:9: engine: \"libva\" is not one of libav, gstreamer"),
            ("engine: libav", "engin: libav", "1:1: the key \"engine\" is missing"),
            ("kind: ingest", "kind: Ingest", "2:7: kind: \"Ingest\" is not one of ingest, record"),
            ("kind: ingest", "kind: [ingest]", "2:7: kind: one value is expected, not a list or a mapping"),
            ("kind: ingest", "kind:", "2:6: kind: a value is missing"),
            ("kind: ingest", "kind: record", "5:1: source: unknown key; allowed: name, kind, engine, help, "),
            ("name: ingest-file", "name: Ingest File", "1:7: name: a name has small letters, digits and dashes"),
            ("name: ingest-file", "name: 7", "1:7: name: a text is expected; put it in quotes"),
            ("name: ingest-file", "- name", "2:1: no YAML: "),
            ("help: Plays a file.", "help: Plays a file.\nhepl: x", "5:1: hepl: unknown key; allowed: name, kind, "),
            ("help: Plays a file.", "help: Plays a file.\nx.name: x", "5:1: x.name: unknown key; allowed: "),
            ("help: Plays a file.", "help: Plays a file.\nhelp: Twice.", "the key \"help\" occurs twice"),
            ("help: Plays a file.", "help: ''", "4:7: help: a text is expected, and this one is empty"),
            ("help: Plays a file.", "help: [", "no YAML: "),
            ("source: file", "source: disk", "5:9: source: \"disk\" is not one of file, test, network"),
            ("source: file", "", "1:1: the key \"source\" is missing"),
            ("source: file", "container: matroska", "5:1: container: unknown key; allowed: name, kind, "),
            (
                "{type: boolean,", "{type: bool,",
                "7:16: parameters.loop.type: \"bool\" is not one of boolean, integer, "
            ),
            ("{type: boolean,", "{", "7:9: parameters.loop: the key \"type\" is missing"),
            (
                "help: How much.", "hlep: x",
                "12:5: parameters.level.hlep: unknown key; allowed: type, default, allowed, "
            ),
            ("default: false", "default: no", "7:34: parameters.loop.default: \"no\" is no boolean"),
            ("minimum: 1", "minimum: one", "10:14: parameters.level.minimum: a number is expected"),
            ("maximum: 9", "maximum: 0", "11:14: parameters.level.maximum: the maximum is less than the minimum"),
            ("maximum: 9", "default: 11", nil),
            ("maximum: 9", "default: 0", "11:14: parameters.level.default: 0 is less than 1"),
            ("maximum: 9", "default: 1.5", "11:14: parameters.level.default: 1.5 is no integer"),
            (
                "default: vp8", "default: av1",
                "15:14: parameters.video.default: \"av1\" is not one of \"vp8\", \"h264\""
            ),
            ("default: vp8", "minimum: 3", "15:14: parameters.video.minimum: only integers and numbers have limits"),
            ("[vp8, h264]", "[vp8, 264]", "16:20: parameters.video.allowed[1]: 264 is no string"),
            ("[vp8, h264]", "[]", "16:14: parameters.video.allowed: the list is empty"),
            ("[vp8, h264]", "vp8", "16:14: parameters.video.allowed: a list is expected"),
            ("  level:", "  2nd:", "8:3: parameters.2nd: a parameter's name has letters and digits only"),
            ("  level:", "  loop:", "the key \"loop\" occurs twice"),
            (
                "[input, codecs", "[input, inputs, codecs",
                "18:16: slots[1]: \"inputs\" is not one of input, codecs, endpoints"
            ),
            ("[input, codecs", "[input, input, codecs", "18:16: slots[1]: \"input\" is named twice"),
            ("[input, codecs", "[codecs", "18:8: slots: missing: input"),
            ("[input, codecs, endpoints]", "{input: x}", "18:8: slots: a list is expected"),
        ] as [(String, String, String?)])
    func `tells its errors with line, column, key and what is allowed`(
        old: String, new: String, expected: String?
    ) throws {
        try #require(good.contains(old))
        let text = good.replacing(old, with: new, maxReplacements: 1)
        guard let expected else {
            _ = try PipelineBlueprint(yaml: text, file: "a.yaml")
            return
        }
        let error = #expect(throws: YAMLFileError.self) {
            try PipelineBlueprint(yaml: text, file: "pipelines/a.yaml")
        }
        let words = error?.description ?? ""
        #expect(words.hasPrefix("pipelines/a.yaml:"))
        #expect(words.contains(expected), "\(words)")
        #expect(!words.contains("\n"))
    }

    @Test(arguments: ["", "# nothing", "[]", "3", "a", "\u{0}", "a: *b", "---\n---\n", "? [a]\n: b", "\t", "%YAML 9"])
    func `that is none is refused`(text: String) {
        #expect(throws: YAMLFileError.self) { try PipelineBlueprint(yaml: text, file: "a.yaml") }
    }

    @Test(arguments: ["[", "{", "- ", "? ", "{a: ", "&a [", "!!seq [", "-\n - \n  - "])
    func `that nests without end is refused`(opener: String) {
        let text = String(repeating: opener, count: 60_000 / opener.count)
        #expect(throws: YAMLFileError.self) { try PipelineBlueprint(yaml: text, file: "a.yaml") }
    }

    @Test func `that nests by indentation without end is refused`() {
        let text = (0..<300).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n")
        #expect(throws: YAMLFileError.self) { try PipelineBlueprint(yaml: text, file: "a.yaml") }
    }

    @Test func `cut anywhere is read or refused`() {
        for count in 0...good.count {
            _ = try? PipelineBlueprint(yaml: String(good.prefix(count)), file: "a.yaml")
        }
    }
}

@Suite struct `The values of a pipeline` {
    private func values(_ given: [String: JSONValue]) throws -> [String: JSONValue] {
        try PipelineBlueprint(yaml: good, file: "a.yaml").values(given)
    }

    @Test func `are the defaults and what is given`() throws {
        #expect(try values([:]) == ["loop": false, "video": "vp8"])
        #expect(try values(["video": "h264", "level": 9]) == ["loop": false, "video": "h264", "level": 9])
    }

    @Test(
        arguments: [
            (["speed": 2], "ingest-file has no parameter \"speed\"; it has loop, level, video"),
            (["video": "av1"], "parameter video of ingest-file: \"av1\" is not one of \"vp8\", \"h264\""),
            (["loop": "true"], "parameter loop of ingest-file: \"true\" is no boolean"),
            (["level": 10], "parameter level of ingest-file: 10 is more than 9"),
            (["level": nil], "parameter level of ingest-file: null is no integer"),
        ] as [([String: JSONValue], String)])
    func `that don't fit are refused`(given: [String: JSONValue], words: String) {
        let error = #expect(throws: PipelineParameterError.self) { try values(given) }
        #expect(error?.description == words)
    }
}
