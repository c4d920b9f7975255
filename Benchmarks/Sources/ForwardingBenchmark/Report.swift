import Figures

/// One load, and what was measured under it: the runs of a contestant in the order of the rounds.
struct Cell: Codable {
    let load: Load
    var runs: [Contestant: [Run]] = [:]
}

/// All figures, for people and for programs.
struct Report: Codable {
    let benchmark: String
    /// As it was passed in.
    let date: String
    let machine: Machine
    let packetBytes: Int
    let rounds: Int
    let seconds: Double
    var cells: [Cell] = []
    var goals: [Goal] = []

    init(plan: Plan) {
        benchmark = "forwarding"
        machine = .current
        packetBytes = Plan.packetBytes
        (date, rounds, seconds) = (plan.date, plan.rounds, plan.seconds)
    }

    func table(beside earlier: Report?) -> String {
        var lines = [
            "CPU nanoseconds per forwarded packet: median [least..most] of \(rounds) interleaved rounds",
            "\(machine.line), \(packetBytes)-byte packets over loopback, a connected socket per consumer"
                + (date.isEmpty ? "" : ", \(date)"),
            "× bare: to the bare loop of the same round (median). p50, p99: microseconds on the way, and how many more",
            "than the bare loop's. lost: the worst run's share. others: what else the machine did, in cores (median).",
            "Split frames (the last packets one byte longer) have core-apart, which leaves them so, in the bare loop's place.",
            "good: runs without loss and with a punctual generator; the figures are theirs, if there are any",
        ]
        if machine.cores < 2 { lines.append("ONE CORE ONLY: forwarder and generator disturb each other") }
        if let earlier {
            lines.append(
                "× base: to \(earlier.date.isEmpty ? "the baseline" : earlier.date) (\(earlier.machine.line)): "
                    + "nanoseconds, and ratio to ratio")
        }
        lines.append("")
        var table = Table(
            "load", "contestant", "ns", "[least..most]", "× bare", "goal", "p50", "p99", "+p50", "+p99", "lost",
            "others",
            "good", earlier == nil ? "" : "× base", words: 2)
        for cell in cells {
            for contestant in Contestant.allCases {
                guard let summary = Summary(contestant, cell) else { continue }
                let before = earlier?.cells.first { $0.load == cell.load }.flatMap { Summary(contestant, $0) }
                table.add(row(cell, contestant, summary, before))
            }
        }
        return (lines + [table.text]).joined(separator: "\n")
    }

    /// Holds the figures against what they should be: ratios, and what a lone packet waits at half of a core's load.
    mutating func judge() {
        for cell in cells {
            for contestant in Contestant.allCases {
                guard let goal = contestant.goal(under: cell.load), let summary = Summary(contestant, cell) else {
                    continue
                }
                let name = "\(cell.load.name), \(contestant.rawValue)"
                goals.append(Goal(name, most: goal, measured: summary.ratio, unit: "× bare"))
                guard cell.load.isHalf else { continue }
                goals.append(Goal(name + ", p50", most: 250, measured: summary.addedP50, unit: "µs more"))
                goals.append(Goal(name + ", p99", most: 1000, measured: summary.addedP99, unit: "µs more"))
            }
        }
    }

    private func row(_ cell: Cell, _ contestant: Contestant, _ summary: Summary, _ before: Summary?) -> [String] {
        let ns = summary.nanoseconds
        return [
            cell.load.name, contestant.rawValue, figure(ns.median), "[\(figure(ns.least))..\(figure(ns.most))]",
            ratio(summary.ratio), Goal.mark(summary.ratio, most: contestant.goal(under: cell.load)),
            figure(summary.p50), figure(summary.p99), figure(summary.addedP50),
            figure(summary.addedP99), ratio(summary.lost * 100) + " %", ratio(summary.others),
            "\(summary.good)/\(summary.of)",
            before.map { before in
                let ratios = summary.ratio.flatMap { now in before.ratio.map { now / $0 } }
                return ratio(ns.median / before.nanoseconds.median) + " " + ratio(ratios)
            } ?? "",
        ]
    }
}

/// The runs of one contestant in one cell, as one line. Of those that were not disturbed; of all when all were.
struct Summary {
    let good, of: Int
    let nanoseconds: Spread
    /// Nil: there was nothing to compare with.
    let ratio, addedP50, addedP99: Double?
    let p50, p99, lost, others: Double

    init?(_ contestant: Contestant, _ cell: Cell) {
        guard let all = cell.runs[contestant] else { return nil }
        let undisturbed = all.indices.filter { !all[$0].isDisturbed }
        let rounds = undisturbed.isEmpty ? Array(all.indices) : undisturbed
        guard let nanoseconds = Spread(rounds.map { all[$0].nanoseconds }) else { return nil }
        self.nanoseconds = nanoseconds
        (good, of) = (undisturbed.count, all.count)
        /// Beside the reference of the same round.
        func compared(_ difference: (Run, Run) -> Double) -> Double? {
            guard let references = cell.runs[contestant.reference(under: cell.load)] else { return nil }
            return Spread.median(
                rounds.filter { $0 < references.count && (undisturbed.isEmpty || !references[$0].isDisturbed) }
                    .map { difference(all[$0], references[$0]) })
        }
        ratio = compared { $0.nanoseconds / $1.nanoseconds }
        addedP50 = compared { $0.p50Microseconds - $1.p50Microseconds }
        addedP99 = compared { $0.p99Microseconds - $1.p99Microseconds }
        p50 = Spread.median(rounds.map { all[$0].p50Microseconds }) ?? .nan
        p99 = Spread.median(rounds.map { all[$0].p99Microseconds }) ?? .nan
        lost = all.map(\.lost).max() ?? 0
        others = Spread.median(all.map(\.others)) ?? .nan
    }
}
