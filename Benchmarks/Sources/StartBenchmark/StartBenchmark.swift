import Foundation

/// How long a person waits: from starting the built programs to what they show, in milliseconds.
///
/// Steps: the gateway's first event, media that flows, the first picture in a file, the same for a recording that comes
/// late, and the end after Ctrl-C. Usage: StartBenchmark FOLDER-OF-PROGRAMS [--rounds 5] [--json FILE]
@main
struct StartBenchmark {
    static let steps = [
        "first event", "media flows", "first picture in the file", "late recording: first picture in its file",
        "end after Ctrl-C",
    ]

    static func main() throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        let rounds = option("--rounds", &arguments).flatMap(Int.init) ?? 5
        let json = option("--json", &arguments)
        guard let programs = arguments.first else {
            print("usage: StartBenchmark FOLDER-OF-PROGRAMS [--rounds 5] [--json FILE]")
            exit(64)
        }
        var figures = [[Double]](repeating: [], count: steps.count)
        for _ in 0..<rounds {
            for (index, figure) in try round(programs).enumerated() { figures[index].append(figure) }
        }
        report(figures, rounds: rounds)
        if let json { try write(figures, to: json) }
    }

    private static func option(_ name: String, _ arguments: inout [String]) -> String? {
        guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return nil }
        let value = arguments[index + 1]
        arguments.removeSubrange(index...index + 1)
        return value
    }

    /// One life of a demo, in milliseconds per step.
    private static func round(_ programs: String) throws -> [Double] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ladle-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let demo = try Watched(
            "\(programs)/ladle",
            ["demo", "--listen", "127.0.0.1:0", "--media", folder.path, "--recordings", folder.path + "/recordings"])
        let first = try demo.time(of: "room.created")
        let flowing = try demo.time(of: "media.flowing")
        let recorded = try demo.time(of: "recording.started")
        let url = try demo.word(after: "serves ")
        Thread.sleep(forTimeInterval: 1)
        let late = try Watched("\(programs)/ladle", ["record", "--room", "demo", "--gateway", url])
        let joined = try late.time(of: "running")
        late.process.interrupt()
        late.process.waitUntilExit()
        let asked = ContinuousClock.now
        demo.process.interrupt()
        demo.process.waitUntilExit()
        return [first, flowing, recorded, joined, milliseconds(since: asked)]
    }

    private static func report(_ figures: [[Double]], rounds: Int) {
        let machine = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n")
            .first { $0.hasPrefix("model name") }?.split(separator: ":").last ?? " unknown CPU"
        print("Milliseconds of waiting, \(rounds) rounds,\(machine), \(ProcessInfo.processInfo.processorCount) cores")
        print("      min   median      max  step")
        for (step, values) in zip(steps, figures) {
            let sorted = values.sorted()
            let row = [sorted[0], sorted[sorted.count / 2], sorted[sorted.count - 1]]
            print(row.map { String(format: "%9.0f", $0) }.joined() + "  " + step)
        }
    }

    private static func write(_ figures: [[Double]], to file: String) throws {
        let object = Dictionary(uniqueKeysWithValues: zip(steps, figures))
        let data = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .prettyPrinted])
        try data.write(to: URL(fileURLWithPath: file))
    }
}

func milliseconds(since start: ContinuousClock.Instant) -> Double {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Double(seconds) * 1000 + Double(attoseconds) / 1e15
}

/// A program whose lines are read as they come.
final class Watched {
    let process = Process()
    private let started = ContinuousClock.now
    private let pipe = Pipe()
    private var text = ""

    init(_ program: String, _ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
    }

    /// Milliseconds from the start until these words were written.
    func time(of words: String) throws -> Double {
        while !text.contains(words) {
            let more = pipe.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Ended(words: words, text: text) }
            text += String(decoding: more, as: UTF8.self)
        }
        return milliseconds(since: started)
    }

    /// The word that follows.
    func word(after words: String) throws -> String {
        _ = try time(of: words)
        guard let range = text.range(of: words) else { throw Ended(words: words, text: text) }
        return String(text[range.upperBound...].prefix { !$0.isWhitespace && $0 != ";" })
    }
}

struct Ended: Error, CustomStringConvertible {
    let words: String
    let text: String
    var description: String { "the program ended before it wrote \"\(words)\":\n\(text)" }
}
