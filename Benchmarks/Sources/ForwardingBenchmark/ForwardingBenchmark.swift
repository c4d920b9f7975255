import CBench
import Foundation

/// CPU time per forwarded packet: the embedded core beside bare loops with the same sockets.
///
///     ForwardingBenchmark [--rounds 5] [--seconds 1] [--consumers 1,10,50,100] [--contestants mmsg,core] [--json FILE]
///
/// The forwarder is a child process on core 0; this process sends on core 1. Packets end in sockets that drop them
/// after the whole way through the kernel, which on loopback is paid by the forwarder; one of them is read, to see that
/// all packets arrive. Rounds interleave the contestants, so that a slow minute of the machine hits all of them, and
/// ratios are taken within a round.
@main struct ForwardingBenchmark {
    static func main() async throws {
        var arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "--forward" {
            try await Forwarder.run(Array(arguments.dropFirst()))
            return
        }
        var plan = Plan()
        while let name = arguments.popFirst() {
            guard let value = arguments.popFirst(), plan.set(name, value) else {
                fail(
                    "usage: ForwardingBenchmark [--rounds N] [--seconds S] [--consumers 1,10,…] "
                        + "[--contestants mmsg,segments,core,core-at-once] [--json FILE]")
            }
        }
        let report = try plan.run()
        print(report.table)
        // Beside the program unless told otherwise: what was measured belongs to this build.
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let path = plan.json ?? program.deletingLastPathComponent().appending(path: "forwarding.json").path
        try report.json.write(to: URL(filePath: path))
        print("JSON: \(path)")
    }

    static func fail(_ message: String) -> Never {
        FileHandle.standardError.write(Data("\(message)\n".utf8))
        exit(2)
    }
}

/// What is measured.
struct Plan {
    static let packetBytes = 1200
    /// A forwarder's share of a core is some 0.5 then; waking up is not hidden by saturation.
    static let forwardedPerSecond = 120_000.0
    /// One consumer: what a fast stream brings. More would only measure the generator.
    static let loneRate = 10_000.0

    var rounds = 5
    var seconds = 1.0
    var consumers = [1, 10, 50, 100]
    var contestants = Contestant.allCases
    var json: String?

    mutating func set(_ name: String, _ value: String) -> Bool {
        switch name {
        case "--rounds": rounds = max(1, Int(value) ?? 5)
        case "--seconds": seconds = max(0.1, Double(value) ?? 1)
        case "--consumers":
            consumers = value.split(separator: ",").compactMap { Int($0) }.filter { (1...1000).contains($0) }
        case "--contestants": contestants = value.split(separator: ",").compactMap { Contestant(rawValue: "\($0)") }
        case "--json": json = value
        default: return false
        }
        return !consumers.isEmpty && !contestants.isEmpty
    }

    func run() throws -> Report {
        // The last two cores, or the only one twice: then the figures say little, and the report says so.
        let cores = Int(bench_cores())
        _ = bench_pin(Int32(min(1, cores - 1)))
        var report = Report(plan: self, machine: .current)
        for count in consumers {
            for burst in [1, 8] {
                var cell = Cell(
                    consumers: count, burst: burst,
                    rate: count == 1 ? Self.loneRate : Self.forwardedPerSecond / Double(count))
                for round in 1...rounds {
                    for contestant in contestants {
                        cell.runs[contestant, default: []].append(try measure(contestant, cell))
                    }
                    let progress = "\(count) consumers, bursts of \(burst): round \(round) of \(rounds)\n"
                    FileHandle.standardError.write(Data(progress.utf8))
                }
                report.cells.append(cell)
            }
        }
        return report
    }

    /// A run in which the machine took a core away from us is made again, twice at most: what piles up meanwhile is
    /// forwarded in one go, which flatters everybody.
    private func measure(_ contestant: Contestant, _ cell: Cell) throws -> Run {
        for _ in 0..<2 {
            let run = try Run.measure(contestant, cell, seconds: seconds)
            if !run.isDisturbed { return run }
        }
        return try Run.measure(contestant, cell, seconds: seconds)
    }
}

enum Contestant: String, CaseIterable {
    /// The bare loop with one sendmmsg per destination.
    case mmsg
    /// The bare loop with UDP_SEGMENT.
    case segments
    /// The embedded core as it is configured by default.
    case core
    /// The embedded core that never holds packets back.
    case coreAtOnce = "core-at-once"
}

/// One combination of load and consumers, and what was measured.
struct Cell {
    let consumers: Int
    let burst: Int
    /// Incoming packets per second.
    let rate: Double
    var runs: [Contestant: [Run]] = [:]
}
