import Base
import Foundation
import TestSupport
import Testing

extension AllSystemTests {
    /// What README and docs tell a reader to type does what they say.
    @Suite(.serialized) struct `Documented commands` {
        /// Blocks with a comment that says why they aren't run; more would say that nobody looks.
        static let mostNotRun = 2

        static let pages: [String] = {
            let docs = (try? FileManager.default.contentsOfDirectory(atPath: CommandTable.repository + "/docs")) ?? []
            return ["README.md"] + docs.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
        }()

        static func commands(of page: String) throws -> MarkdownCommands {
            let text = try String(contentsOfFile: "\(CommandTable.repository)/\(page)", encoding: .utf8)
            return try MarkdownCommands(text, named: page) { text in
                // A trailing backslash alone is no error to the shell.
                try !text.hasSuffix("\\") && ExternalTool.run(["bash", "-n", "-c", text]).status == 0
            }
        }

        @Test func `few blocks are not run, each with a reason`() async throws {
            let left = try await onThread { try Self.pages.flatMap { try Self.commands(of: $0).blocks } }
                .filter { $0.reasonNotToRun != nil }
            for block in left { print("not run: \(block.file):\(block.line): \(block.reasonNotToRun ?? "")") }
            #expect(left.count <= Self.mostNotRun)
            #expect(left.allSatisfy { ($0.reasonNotToRun?.count ?? 0) > 10 })
        }

        @Test(arguments: pages)
        func `every command of a page runs`(page: String) async throws {
            let blocks = try await onThread { try Self.commands(of: page).blocks }.filter { $0.reasonNotToRun == nil }
            guard !blocks.isEmpty else { return }
            let reader = try await Reader()
            for command in blocks.flatMap(\.commands) { try await reader.type(command) }
            try await reader.daemon.stop()
        }
    }
}

/// Somebody who follows a page on a machine where Ladle was built: a folder with films, a gateway with the test source
/// in the rooms that the pages speak of, a camera.
private final class Reader {
    let daemon: Daemon
    private let camera: RTSPServer
    private let places: CommandTable.Places
    /// Names that commands have given values, which later commands see.
    private var names: Set<String> = []
    private var count = 0
    /// Of what the command before printed: the ID that a reader puts in where one is asked for.
    private var lastLine: String?

    init() async throws {
        daemon = try await Daemon()
        camera = try await RTSPServer()
        for name in ["my-film.mp4", "film.mp4"] {
            try FileManager.default.copyItem(
                atPath: try await TestSignal.shared.clip(.h264AAC),
                toPath: daemon.media.appendingPathComponent(name).path)
        }
        places = CommandTable.Places(substitutions: [
            (".build/release/ladle", "ladle"),
            ("sudo -u ladle env -C /var/lib/ladle ", ""),
            ("sudo ", ""),
            ("/etc/credstore", daemon.scratch.path("credstore")),
            ("http://127.0.0.1:4443", daemon.url),
            ("http://localhost:4443", daemon.url),
            ("rtsp://camera.example/stream", camera.url(.h264Opus)),
            ("/etc/ladle/", "\(CommandTable.repository)/systemd/"),
        ])
        try "listen: 127.0.0.1:\(try LoopbackPort.free())\n".write(
            to: daemon.media.appendingPathComponent("ladle.yaml"), atomically: true, encoding: .utf8)
        for room in ["demo", "entrance"] {
            let ingest = try await daemon.call(
                "POST", "/api/v1/ingests", json: ["room": JSONValue(room), "source": "test"])
            try #require(ingest.status == 201, "\(ingest.text)")
            try await daemon.event("media.flowing", room: room) { $0["kind"] == "video" }
        }
    }

    func type(_ command: MarkdownCommands.Command) async throws {
        var text = places.applied(to: command.text)
        if let id = lastLine { text = text.replacing(#/ ID\b/#, with: " \(id)") }
        guard let treatment = CommandTable.treatment(of: text) ?? (isAssignment(text) ? .runs(seconds: 10) : nil) else {
            Issue.record("\(command.place): the tests don't know what to do with: \(command.text)")
            return
        }
        switch treatment {
        case .elsewhere(let reason): print("\(command.place): \(command.text): \(reason)")
        case .runs(let seconds): try await run(text, for: command, seconds: seconds, allowed: [0])
        case .interrupted(let seconds):
            try await run(
                CommandTable.interruptible(text, seconds: seconds), for: command, seconds: Double(seconds) + 60,
                allowed: [0, 130])
        case .instead(let other): try await run(other(text), for: command, seconds: 90, allowed: [0, 130])
        }
    }

    /// `G=http://…` alone: its value is for the next commands.
    private func isAssignment(_ text: String) -> Bool { CommandTable.bareCommand(text).isEmpty }

    private func run(
        _ script: String, for command: MarkdownCommands.Command, seconds: Double, allowed: Set<Int32>
    ) async throws {
        count += 1
        names.formUnion(command.text.matches(of: /(?:^|\n|; *)([A-Za-z_][A-Za-z_0-9]*)=/).map { String($0.1) })
        let variables = daemon.scratch.path("variables")
        let tool = try Tool(
            "bash",
            [
                "-c",
                """
                cd '\(daemon.media.path)'; [ -e '\(variables)' ] && . '\(variables)'
                \(script)
                status=$?
                declare -p PWD \(names.sorted().joined(separator: " ")) 2>/dev/null >'\(variables)'
                exit $status
                """,
            ],
            output: daemon.scratch.url.appendingPathComponent("typed-\(count)"),
            environment: [
                "PATH": "\(Products.folder.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")",
                "LADLE_URL": daemon.url, "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy",
            ])
        let status = try await tool.wait(seconds: seconds)
        #expect(
            allowed.contains(status), "\(command.place): \(command.text)\nended with \(status):\n\(tool.text)")
        lastLine = tool.text.split(separator: "\n").last.map(String.init)
        // What goes on in the background gets the moment that a reader gives it.
        if command.text.contains("--detach") { try await Task.sleep(for: .seconds(3)) }
        // The API answers refusals with the status that curl -s does not show.
        #expect(
            !tool.text.hasPrefix("{\"error\"") && !tool.text.hasPrefix("TypeError"),
            "\(command.place): \(command.text)\nwas refused: \(tool.text)")
    }
}
