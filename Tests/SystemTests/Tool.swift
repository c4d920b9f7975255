import Foundation
import Testing

/// A program from outside, run to its end or for as long as a test needs it.
final class Tool: Sendable {
    let process = Process()
    private let output: URL

    /// - Parameter output: Where standard output and error go; read it with `text`.
    init(_ program: String, _ arguments: [String], output: URL, environment: [String: String] = [:]) throws {
        self.output = output
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        let log = try FileHandle(forWritingTo: output)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        // As a terminal starts it: whatever runs the tests may have Ctrl-C ignored, and programs inherit that.
        process.arguments = ["--default-signal", program] + arguments
        // Many gateways run at once; each takes the ports for WebRTC that the system gives it.
        process.environment = ProcessInfo.processInfo.environment.merging(["LADLE_WEBRTC_PORT": "0"]) { $1 }
            .merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        try process.run()
    }

    var text: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }
    var isRunning: Bool { process.isRunning }

    /// Waits for the end; a program over its deadline is killed, which fails the test.
    @discardableResult
    func wait(seconds: Double) async throws -> Int32 {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while process.isRunning {
            if ContinuousClock.now > deadline {
                kill(process.processIdentifier, SIGKILL)
                Issue.record("\(process.arguments ?? []) did not end within \(seconds) s:\n\(text)")
                throw DeadlinePassed(what: "\(process.arguments?.dropFirst().first ?? "")")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return process.terminationStatus
    }

    func signal(_ number: Int32) { if process.isRunning { kill(process.processIdentifier, number) } }

    deinit { signal(SIGKILL) }

    /// Runs a program to its end and gives back what it wrote on both streams; a bad end fails the test.
    @discardableResult
    static func run(
        _ program: String, _ arguments: [String], seconds: Double = 120, environment: [String: String] = [:]
    ) async throws -> String {
        let scratch = try Scratch("ladle-tool")
        let tool = try Tool(
            program, arguments, output: scratch.url.appendingPathComponent("output"), environment: environment)
        let status = try await tool.wait(seconds: seconds)
        try #require(status == 0, "\(program) \(arguments.joined(separator: " ")) ended with \(status):\n\(tool.text)")
        return tool.text
    }
}

struct DeadlinePassed: Error, CustomStringConvertible {
    let what: String
    var description: String { "waited in vain for: \(what)" }
}

/// Asks again and again until there is an answer; the deadline is far beyond what a busy machine needs.
@discardableResult
func eventually<Value>(
    _ what: String, seconds: Double = 60, _ ask: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        if let value = try await ask() { return value }
        try await Task.sleep(for: .milliseconds(25))
    }
    throw DeadlinePassed(what: what)
}
