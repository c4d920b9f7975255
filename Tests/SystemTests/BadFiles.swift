import Foundation
import Testing

/// A file that somebody wrote by hand and wrongly, and what they must be told.
struct BadFile: Sendable, CustomTestStringConvertible {
    var name: String
    /// What is asked to look at it; FILE is its path.
    var command: [String]
    var text: String
    var words: [String]

    var testDescription: String { name }

    private static func description(_ launch: String) -> String {
        """
        name: own
        kind: ingest
        engine: gstreamer
        help: One of somebody's own.
        source: none
        launch: |
          \(launch)
        branches:
          vp8: picture. ! queue ! vp8enc ! appsink name=video
        slots: [codecs, endpoints]
        """
    }

    private static let check = ["pipelines", "check", "FILE"]

    static let all: [BadFile] = [
        BadFile(
            name: "settings with a typo", command: ["check", "--config", "FILE"], text: "listenn: 127.0.0.1:4444\n",
            words: ["FILE:1:1", "listenn", "listen"]),
        BadFile(
            name: "settings with a typo, served", command: ["serve", "--config", "FILE"],
            text: "listen: 127.0.0.1:0\nrecordings: {folder: /tmp, tyop: 1}\n", words: ["FILE:2:"]),
        BadFile(
            name: "an element that nobody knows", command: check,
            text: description("videotestsrcc ! identity name=picture"), words: ["FILE:7:3", "videotestsrcc"]),
        BadFile(
            name: "an element whose package isn't installed", command: check,
            text: description("pipewiresrc ! identity name=picture"),
            words: ["FILE:7:3", "pipewiresrc", "gstreamer1.0-pipewire"]),
        BadFile(
            name: "a cycle", command: check,
            text: description("videotestsrc ! funnel name=f ! identity name=picture ! tee name=t ! queue ! f. t."),
            words: ["FILE:7:"]),
        BadFile(
            name: "a text that is no pipeline", command: check, text: description("videotestsrc ! ! picture"),
            words: ["FILE:7:"]),
        BadFile(name: "no YAML", command: check, text: "name: [own\n", words: ["FILE:"]),
    ]
}

extension AllSystemTests {
    @Suite(.serialized) struct `Bad files` {
        @Test(arguments: BadFile.all)
        func `a mistake has its line, and nothing hangs`(bad: BadFile) async throws {
            let scratch = try Scratch("ladle-bad-file")
            let file = scratch.path("own.yaml")
            try bad.text.write(toFile: file, atomically: true, encoding: .utf8)
            let tool = try Tool(
                Products.path("ladle"), bad.command.map { $0 == "FILE" ? file : $0 },
                output: scratch.url.appendingPathComponent("output"))
            let status = try await tool.wait(seconds: 60)
            figure("\(bad.name), \(status): \(tool.text.replacingOccurrences(of: file, with: "FILE"))")
            #expect([1, 64, 78].contains(status), "ended with \(status)")
            for word in bad.words {
                #expect(
                    tool.text.contains(word.replacingOccurrences(of: "FILE", with: file)), "\(word) in: \(tool.text)")
            }
            #expect((1...3).contains(tool.text.split(separator: "\n").count), "\(tool.text)")
        }
    }
}
