import CBench
import Figures
import Foundation

/// Counts what forwarding allocates, retains and releases, with a library that is preloaded into a second process.
enum Counting {
    struct Row: Codable {
        let name: String
        let way: DryEngine.Way
        let allocations, frees, retains, releases: Int64
    }

    private static let turns = 1000
    private static let consumers = 50
    /// Of each turn, whatever comes in it: so reports, which go by time, are as many in each row.
    private static let step = Duration.milliseconds(1)

    /// Starts this program again with the library that lies beside it; empty when there is none.
    static func inOwnProcess() throws -> [Row] {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let library = program.deletingLastPathComponent().appending(path: "libInterposer.so")
        guard FileManager.default.fileExists(atPath: library.path) else { return [] }
        let process = Process()
        let output = Pipe()
        process.executableURL = program
        process.arguments = ["--count"]
        process.environment = ProcessInfo.processInfo.environment.merging(["LD_PRELOAD": library.path]) { $1 }
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSONDecoder().decode([Row].self, from: data)
    }

    /// In that process: prints the rows as JSON.
    static func report() throws {
        guard let symbol = dlsym(nil, "ladle_interposed_counts") else { fail("--count: the library is not preloaded") }
        let read = unsafeBitCast(symbol, to: (@convention(c) (UnsafeMutableRawPointer) -> Void).self)
        var rows: [Row] = []
        for (way, bursts) in [(.plain, [1, 2, 8, 16]), (.transportWide, [1, 2]), (.gcm, [1, 2, 8, 16])]
            as [(DryEngine.Way, [Int])]
        {
            for burst in bursts { rows.append(try count(way, burst, read)) }
        }
        FileHandle.standardOutput.write(try JSONEncoder().encode(rows))
    }

    private static func count(
        _ way: DryEngine.Way, _ burst: Int, _ read: @convention(c) (UnsafeMutableRawPointer) -> Void
    ) throws -> Row {
        var engine = try DryEngine(consumers: consumers, way: way)
        // Five seconds, so that all that grows has grown.
        engine.run(turns: 5000, burst: burst, step: step)
        var (before, after) = (Counts(), Counts())
        read(&before)
        engine.run(turns: turns, burst: burst, step: step)
        read(&after)
        return Row(
            name: "\(turns) turns, \(burst) in, \(consumers * burst) out each, \(way.rawValue)", way: way,
            allocations: after.allocations - before.allocations, frees: after.frees - before.frees,
            retains: after.retains - before.retains, releases: after.releases - before.releases)
    }

    /// As in Interposer.h.
    private struct Counts {
        var allocations: Int64 = 0
        var frees: Int64 = 0
        var retains: Int64 = 0
        var releases: Int64 = 0
    }
}
