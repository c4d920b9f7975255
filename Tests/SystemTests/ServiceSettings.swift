import Foundation
import Testing

extension AllSystemTests {
    /// Settings as a person meets them at the command line.
    @Suite(.serialized) struct `Settings at the command line` {
        private static let tree = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()

        private func ladle(
            _ arguments: [String], yaml: String? = nil, environment: [String: String] = [:]
        ) async throws -> (status: Int32, text: String) {
            let scratch = try Scratch("ladle-settings")
            var all = ["-C", scratch.url.path, Products.path("ladle")] + arguments
            if let yaml {
                try yaml.write(toFile: scratch.path("ladle.yaml"), atomically: true, encoding: .utf8)
                all += ["--config", "ladle.yaml"]
            }
            let tool = try Tool(
                "env", all, output: scratch.url.appendingPathComponent("output"), environment: environment)
            let status = try await tool.wait(seconds: 60)
            return (status, tool.text)
        }

        @Test func `are ok, or every mistake has its line`() async throws {
            let good = try await ladle(["check"], yaml: "listen: 127.0.0.1:0")
            #expect(good.status == 0 && good.text == "ladle.yaml: ok\n", "\(good)")
            let bad = try await ladle(["check"], yaml: "lisen: 1\nlog: {level: loud}\ntoken: hunter22")
            #expect(bad.status == 78 && bad.text.split(separator: "\n").count == 3, "\(bad)")
            #expect(bad.text.hasPrefix("ladle: ladle.yaml:1:1: lisen: unknown key; did you mean \"listen\"?"))
            #expect(!bad.text.contains("hunter22"))
            // What `check` says is what `serve` would end with.
            let served = try await ladle(["serve"], yaml: "lisen: 1")
            #expect(served.status == 78 && served.text.contains("ladle.yaml:1:1: lisen"), "\(served)")
            let flag = try await ladle(["serve", "--rtp-ports", "x"], yaml: "listen: 127.0.0.1:0")
            #expect(flag.status == 64 && flag.text.contains("--rtp-ports: \"x\""), "\(flag)")
            let variable = try await ladle(["serve"], environment: ["LADLE_IDLE_ROOM": "x"])
            #expect(variable.status == 78 && variable.text.contains("LADLE_IDLE_ROOM: \"x\""), "\(variable)")
        }

        @Test func `that this machine can't follow are told together`() async throws {
            let answer = try await ladle(
                ["check"],
                yaml: """
                    listen: 127.0.0.1:0
                    rtp: {address: 192.0.2.1}
                    media: [/nowhere]
                    recordings: /nowhere/deep
                    sources: [{room: a, pipeline: no-such}]
                    """)
            #expect(answer.status == 1, "\(answer)")
            for words in [
                "rtp.address: 192.0.2.1 is no address of this machine", "media: can't use the folder /nowhere",
                "recordings: can't use the folder /nowhere", "no-such",
            ] {
                #expect(answer.text.contains(words), "\(answer.text)")
            }
        }

        @Test func `that collide with a running gateway name it`() async throws {
            let daemon = try await Daemon()
            let answer = try await ladle(["check"], yaml: "listen: 127.0.0.1:\(daemon.port)")
            #expect(answer.status == 1 && answer.text.contains("is taken by"), "\(answer)")
            try await daemon.stop()
        }

        @Test func `are shown as they count, and what is shown can be read again`() async throws {
            let shown = try await ladle(
                ["check", "--show", "--idle-room", "5"], yaml: "listen: 127.0.0.1:0\nmedia: [/tmp]\nrecordings: /tmp",
                environment: ["LADLE_LOG_LEVEL": "debug"])
            #expect(shown.status == 0, "\(shown)")
            #expect(shown.text.contains("idleRoom: 5  # --idle-room\n"), "\(shown.text)")
            #expect(shown.text.contains("  level: debug  # LADLE_LOG_LEVEL\n"), "\(shown.text)")
            #expect(shown.text.contains("listen: 127.0.0.1:0  # ladle.yaml:1:9\n"), "\(shown.text)")
            #expect(try await ladle(["check"], yaml: shown.text).status == 0)
        }

        @Test func `have the flags that are documented`() async throws {
            let page = try String(contentsOf: Self.tree.appendingPathComponent("docs/settings.md"), encoding: .utf8)
            let help = try await ladle(["serve", "--help"]).text
            let flags = page.split(separator: "\n").filter { $0.hasPrefix("| `") }
                .flatMap { $0.split(separator: "`") }.filter { $0.hasPrefix("--") }
            #expect(flags.count > 10)
            for flag in flags { #expect(help.contains("\(flag) ") || help.contains("\(flag)\n"), "\(flag)") }
        }
    }
}
