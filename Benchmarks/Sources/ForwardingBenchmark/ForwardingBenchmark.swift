import CBench
import Figures
import Foundation

/// CPU time per forwarded packet: the embedded core beside bare loops with the same sockets.
///
///     ForwardingBenchmark [--rounds 5] [--seconds 0.8] [--consumers 1,10,50,100] [--bursts 1,8,16]
///         [--contestants bare,core] [--date TEXT] [--json FILE] [--baseline FILE] [--quick 1]
///
/// The forwarder is a child process on core 0; this process sends on core 1. Packets end in sockets that drop them
/// after the whole way through the kernel, which on loopback is paid by the forwarder; one of them is read, to see that
/// all packets arrive. Rounds interleave the contestants, so that a slow minute of the machine hits all of them, and
/// ratios are taken within a round.
@main struct ForwardingBenchmark {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "--forward" {
            try await Forwarder.run(Array(arguments.dropFirst()))
            return
        }
        var options = Options(arguments)
        let plan = Plan(&options)
        let (json, baseline) = (options.text("json"), options.text("baseline"))
        options.checkAllKnown()
        let earlier = readBaseline(baseline, as: Report.self)
        var report = try plan.run()
        print(report.table(beside: earlier))
        report.judge()
        print("\n" + Goal.table(report.goals))
        try write(report, to: json, named: "forwarding")
    }
}

/// What is measured.
struct Plan {
    static let packetBytes = 1200

    let rounds: Int
    /// Of one measurement.
    let seconds: Double
    /// Before it: long enough for the load meter to have made up its mind.
    let warmUp: Double
    let loads: [Load]
    let contestants: [Contestant]
    let date: String
    private let tries: Int

    init(_ options: inout Options) {
        let isQuick = options.isQuick()
        rounds = max(1, Int(options.number("rounds", isQuick ? 3 : 5)))
        seconds = max(0.1, options.number("seconds", isQuick ? 0.3 : 0.8))
        warmUp = isQuick ? 0.3 : 0.4
        loads = Load.all(
            consumers: options.numbers("consumers", isQuick ? [1, 50] : [1, 10, 50, 100]),
            bursts: options.numbers("bursts", isQuick ? [1, 8] : [1, 8, 16]), isQuick: isQuick)
        tries = isQuick ? 1 : 3
        date = options.text("date") ?? ""
        let names = options.text("contestants")
        contestants =
            names?.split(separator: ",").map { name in
                guard let contestant = Contestant(rawValue: String(name)) else {
                    fail(
                        "--contestants \(name): there are "
                            + Contestant.allCases.map(\.rawValue).joined(separator: ", "))
                }
                return contestant
            } ?? Contestant.allCases
    }

    func run() throws -> Report {
        // The last two cores, or the only one twice: then the figures say little, and the report says so.
        let cores = Int(bench_cores())
        _ = bench_pin(Int32(min(1, cores - 1)))
        var report = Report(plan: self)
        for load in loads {
            var cell = Cell(load: load)
            for round in 1...rounds {
                for contestant in contestants where contestant.takesPart(in: load) {
                    cell.runs[contestant, default: []].append(try measure(contestant, load))
                }
                note("\(load.name): round \(round) of \(rounds)")
            }
            report.cells.append(cell)
        }
        return report
    }

    /// A run in which the machine took a core away from us is made again, twice at most, not at all in a hurry: what piles up meanwhile is
    /// forwarded in one go, which flatters everybody.
    private func measure(_ contestant: Contestant, _ load: Load) throws -> Run {
        for _ in 1..<tries {
            let run = try Run.measure(contestant, load, seconds: seconds, warmUp: warmUp)
            if !run.isDisturbed { return run }
        }
        return try Run.measure(contestant, load, seconds: seconds, warmUp: warmUp)
    }
}
