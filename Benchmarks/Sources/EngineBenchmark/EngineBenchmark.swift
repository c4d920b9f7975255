import CBench
import Figures
import Foundation

/// What the engine takes without any system call, and what its objects take.
///
///     EngineBenchmark [--rounds 5] [--consumers 1,10,50,100] [--bursts 1,8,16] [--ways plain,transport-wide,simulcast,AEAD_AES_128_GCM]
///         [--dry-only 1] [--date TEXT] [--json FILE] [--baseline FILE] [--quick 1]
@main struct EngineBenchmark {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "--count" {
            try Counting.report()
            return
        }
        var options = Options(arguments)
        let isQuick = options.isQuick()
        let rounds = max(1, Int(options.number("rounds", isQuick ? 3 : 5)))
        let consumers = options.numbers("consumers", [1, 10, 50, 100])
        let (date, json) = (options.text("date") ?? "", options.text("json"))
        let earlier = readBaseline(options.text("baseline"), as: Report.self)
        let bursts = options.numbers("bursts", [1, 8, 16])
        let ways =
            options.text("ways")?.split(separator: ",").map { name in
                guard let way = DryEngine.Way(rawValue: String(name)) else { fail("--ways \(name): there is none") }
                return way
            } ?? [DryEngine.Way.plain, .transportWide, .simulcast, .gcm]
        let isDryOnly = options.number("dry-only", 0) > 0
        options.checkAllKnown()

        var report = Report(date: date)
        report.dry = try DryCost.measure(
            consumers: consumers, bursts: bursts, ways: ways, rounds: rounds,
            forwarded: isQuick ? 200_000 : 2_000_000)
        print(report.dryTable(beside: earlier))
        if isDryOnly { return try write(report, to: json, named: "engine") }
        report.counts = try Counting.inOwnProcess()
        print("\n" + report.countTable)
        let alive = isQuick ? 500 : 2000
        report.memory = try await Memory.measure(consumers: alive, hasRetransmissionBuffer: false)
        report.memoryWithBuffer = try await Memory.measure(consumers: alive, hasRetransmissionBuffer: true)
        report.lives = try await Lives.measure(transports: isQuick ? 2000 : 10_000)
        print("\n" + report.lifeText)
        report.judge()
        print("\n" + Goal.table(report.goals))
        try write(report, to: json, named: "engine")
    }
}

struct Report: Codable {
    var benchmark = "engine"
    let date: String
    var machine = Machine.current
    var packetBytes = DryEngine.packetBytes
    var dry: [DryCost] = []
    var counts: [Counting.Row] = []
    /// Without and with a retransmission buffer.
    var memory, memoryWithBuffer: Memory?
    var lives: Lives?
    var goals: [Goal] = []

    init(date: String) { self.date = date }

    func dryTable(beside earlier: Report?) -> String {
        var table = Table("load", "ns", "[least..most]", "goal", earlier == nil ? "" : "× base", words: 1)
        for cost in dry {
            let before = earlier?.dry.first {
                $0.consumers == cost.consumers && $0.burst == cost.burst && $0.way == cost.way
            }
            let ns = cost.nanoseconds
            table.add([
                cost.name, figure(ns.median), "[\(figure(ns.least))..\(figure(ns.most))]",
                Goal.mark(ns.median, most: cost.goal), before.map { ratio(ns.median / $0.nanoseconds.median) } ?? "",
            ])
        }
        return """
            Nanoseconds of the engine per forwarded packet, without system calls, its share of receiving included
            \(machine.line), \(packetBytes)-byte packets\(date.isEmpty ? "" : ", \(date)")

            \(table.text)
            """
    }

    var countTable: String {
        guard !counts.isEmpty else {
            return "Allocations: not counted, there is no libInterposer.so beside the program"
        }
        var table = Table("engine alone", "allocations", "frees", "retains", "releases", words: 1)
        for row in counts {
            table.add([row.name] + [row.allocations, row.frees, row.retains, row.releases].map { "\($0)" })
        }
        return """
            Heap and reference counts, the same turns with N and with 2 N packets each: the difference is what packets cost

            \(table.text)
            """
    }

    var lifeText: String {
        var lines: [String] = []
        for (memory, buffer) in [(memory, "no retransmission buffer"), (memoryWithBuffer, "with one")] {
            guard let memory else { continue }
            lines.append(
                """
                Memory of a consumer on a transport of its own (\(memory.consumers) of them, \(buffer)): \
                \(figure(memory.processKilobytes)) KB of the process, \(figure(memory.kernelKilobytes)) KB of kernel slab
                """)
        }
        if let lives {
            lines.append(
                """
                \(lives.transports) transports with a consumer each, \(Lives.alive) alive at a time: \
                \(figure(lives.seconds * 1000)) ms, \(figure(lives.seconds * 1e6 / Double(lives.transports))) µs each; \
                left over: \(lives.ports) ports, \(lives.descriptors) descriptors, \(figure(lives.kilobytes)) KB
                """)
        }
        return lines.joined(separator: "\n")
    }
}

extension Report {
    /// Holds the figures against what they should be.
    mutating func judge() {
        goals = dry.compactMap { cost in
            cost.goal.map { Goal(cost.name, most: $0, measured: cost.nanoseconds.median, unit: "ns") }
        }
        for (less, more) in zip(counts, counts.dropFirst()) where less.way == more.way {
            let cost = [
                more.allocations - less.allocations, more.frees - less.frees, more.retains - less.retains,
                more.releases - less.releases,
            ]
            goals.append(
                Goal(
                    "heap and reference counts of the packets more: " + more.name, most: 0,
                    measured: Double(cost.max() ?? 0)))
        }
        goals.append(
            Goal(
                "memory of a consumer", most: 40, measured: memory.map { $0.processKilobytes + $0.kernelKilobytes },
                unit: "KB"))
        guard let lives else { return }
        goals.append(
            Goal(
                "10,000 transports with a consumer each", most: 5,
                measured: lives.seconds * 10_000 / Double(lives.transports), unit: "s"))
        goals.append(
            Goal("ports and descriptors left over", most: 0, measured: Double(lives.ports + lives.descriptors)))
    }
}

/// One load and its cost.
struct DryCost: Codable {
    let consumers: Int
    let burst: Int
    let way: DryEngine.Way
    let nanoseconds: Spread

    var name: String {
        "\(consumers) consumers" + (burst == 1 ? ", single" : ", bursts of \(burst)") + ", \(way.rawValue)"
    }

    /// Nil: none was set.
    var goal: Double? { consumers == 100 && way == .plain ? 60 : nil }

    /// - Parameter forwarded: Packets out in one measurement.
    static func measure(
        consumers: [Int], bursts: [Int], ways: [DryEngine.Way], rounds: Int, forwarded: Int
    ) throws -> [DryCost] {
        var costs: [DryCost] = []
        for way in ways {
            for consumers in consumers {
                for burst in bursts {
                    let packets = way.suite == nil ? forwarded : forwarded / 4
                    let figures = try measure(way, consumers, burst, rounds: rounds, forwarded: packets)
                    guard let spread = Spread(figures) else { continue }
                    costs.append(DryCost(consumers: consumers, burst: burst, way: way, nanoseconds: spread))
                }
            }
        }
        return costs
    }

    private static func measure(
        _ way: DryEngine.Way, _ consumers: Int, _ burst: Int, rounds: Int, forwarded: Int
    ) throws -> [Double] {
        var engine = try DryEngine(consumers: consumers, way: way)
        // Catching up and the first reports are over then.
        engine.run(turns: 2000, burst: burst)
        let turns = max(1, forwarded / consumers / burst)
        return try (0..<rounds).map { _ in
            let written = engine.written
            let start = bench_thread_cpu_ns()
            engine.run(turns: turns, burst: burst)
            let spent = bench_thread_cpu_ns() - start
            let count = engine.written - written
            // Sender reports go out besides.
            guard count >= turns * burst * consumers else { throw Lost(count: count) }
            return Double(spent) / Double(turns * burst * consumers)
        }
    }
}

struct Lost: Error, CustomStringConvertible {
    let count: Int
    var description: String { "only \(count) packets came out of the engine" }
}
