import CBench
import Foundation

struct Machine {
    let processor: String
    let kernel: String
    let cores: Int

    static var current: Machine {
        let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = information.split(separator: "\n").first { $0.hasPrefix("model name") }
        let release = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? "unknown"
        return Machine(
            processor: model?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown",
            kernel: release.trimmingCharacters(in: .whitespacesAndNewlines), cores: Int(bench_cores()))
    }
}

/// All figures, for people and for programs.
struct Report {
    let plan: Plan
    let machine: Machine
    var cells: [Cell] = []

    var table: String {
        var lines = [
            "CPU nanoseconds per forwarded packet: median [least..most] of \(plan.rounds) interleaved rounds",
            "\(machine.processor), \(machine.cores) cores, Linux \(machine.kernel), "
                + "\(Plan.packetBytes)-byte packets over loopback, a connected socket per consumer",
            "ratio: to the better bare loop of the same round (median). p50, p99: microseconds on the way (median of",
            "the rounds). lost: the worst run's share. others: what else the machine did, in cores (median).",
            "good: runs without loss and with a punctual generator; the figures are theirs, if there are any",
        ]
        if machine.cores < 2 { lines.append("ONE CORE ONLY: forwarder and generator disturb each other") }
        lines.append("")
        lines.append(
            row(
                "consumers", "load", "contestant", "ns", "[least..most]", "ratio", "p50", "p99", "lost", "others",
                "good"))
        for cell in cells {
            for contestant in Contestant.allCases {
                guard let summary = summary(contestant, cell) else { continue }
                lines.append(
                    row(
                        "\(cell.consumers)", cell.burst == 1 ? "single" : "bursts of \(cell.burst)",
                        contestant.rawValue, "\(Int(summary.median))", "[\(Int(summary.least))..\(Int(summary.most))]",
                        String(format: "%.2f", summary.ratio), "\(Int(summary.p50))", "\(Int(summary.p99))",
                        String(format: "%.2f %%", summary.lost * 100),
                        String(format: "%.2f", summary.others), "\(summary.good)/\(summary.of)"))
            }
        }
        return lines.joined(separator: "\n")
    }

    var json: Data {
        get throws {
            let cells: [[String: Any]] = cells.map { cell in
                [
                    "consumers": cell.consumers, "burst": cell.burst, "incomingPacketsPerSecond": cell.rate,
                    "contestants": Contestant.allCases.compactMap { contestant -> [String: Any]? in
                        guard let summary = summary(contestant, cell), let runs = cell.runs[contestant] else {
                            return nil
                        }
                        return [
                            "name": contestant.rawValue, "nanosecondsPerPacket": runs.map(\.nanoseconds),
                            "median": summary.median, "least": summary.least, "most": summary.most,
                            "ratioToBareLoop": summary.ratio.isNaN ? NSNull() : summary.ratio as Any,
                            "undisturbedRuns": summary.good, "p50Microseconds": summary.p50,
                            "p99Microseconds": summary.p99, "lost": summary.lost, "otherCores": summary.others,
                            "generatorLatenessNanoseconds": runs.map(\.latenessNanoseconds).max() ?? 0,
                        ]
                    },
                ]
            }
            return try JSONSerialization.data(
                withJSONObject: [
                    "benchmark": "forwarding", "rounds": plan.rounds, "seconds": plan.seconds,
                    "packetBytes": Plan.packetBytes,
                    "machine": [
                        "processor": machine.processor, "kernel": machine.kernel, "cores": machine.cores,
                    ], "cells": cells,
                ], options: [.prettyPrinted, .sortedKeys])
        }
    }

    private struct Summary {
        let good, of: Int
        let median, least, most, ratio, p50, p99, lost, others: Double
    }

    /// Of the runs that were not disturbed; of all when all were.
    private func summary(_ contestant: Contestant, _ cell: Cell) -> Summary? {
        guard let all = cell.runs[contestant], !all.isEmpty else { return nil }
        let good = all.indices.filter { !all[$0].isDisturbed }
        let rounds = good.isEmpty ? Array(all.indices) : good
        let runs = rounds.map { all[$0] }
        let ratios = rounds.compactMap { round -> Double? in
            let bare = [Contestant.mmsg, .segments].compactMap { cell.runs[$0]?[round] }
                .filter { good.isEmpty || !$0.isDisturbed }.map(\.nanoseconds).min()
            return bare.map { all[round].nanoseconds / $0 }
        }
        let sorted = runs.map(\.nanoseconds).sorted()
        return Summary(
            good: good.count, of: all.count, median: median(sorted), least: sorted[0],
            most: sorted[sorted.count - 1], ratio: ratios.isEmpty ? .nan : median(ratios.sorted()),
            p50: median(runs.map(\.latencyMedianMicroseconds).sorted()),
            p99: median(runs.map(\.latency99Microseconds).sorted()), lost: all.map(\.lost).max() ?? 0,
            others: median(all.map(\.others).sorted()))
    }

    private func median(_ sorted: [Double]) -> Double {
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    private func row(_ columns: String...) -> String {
        let widths = [10, 13, 13, 7, 16, 6, 6, 6, 8, 7, 5]
        return zip(columns, widths).enumerated().map { index, column in
            let padding = String(repeating: " ", count: max(0, column.1 - column.0.count))
            return index == 1 || index == 2 ? column.0 + padding : padding + column.0
        }.joined(separator: " ")
    }
}
