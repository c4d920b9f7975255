import Base
import Congestion
import Foundation
import TestSupport
import Testing

/// Runs of the simulation kept as data (Tests/Vectors/congestion): a change of behaviour shows as a changed trace.
///
/// `LADLE_RECORD_TRACES=1 swift test --filter TraceTests` writes them anew; look at the difference before it is kept.
@Suite struct TraceTests {
    struct Scenario: CustomTestStringConvertible {
        var name: String
        var simulation: Simulation
        /// At these seconds the link changes.
        var changes: [Int: @Sendable (inout Simulation) -> Void] = [:]
        var testDescription: String { name }
    }

    static var scenarios: [Scenario] {
        let jitter = Duration.milliseconds(3)
        return [
            Scenario(
                name: "300k", simulation: Simulation(seed: 1, link: Bottleneck(seed: 1, rate: 300_000, jitter: jitter))),
            Scenario(
                name: "1m", simulation: Simulation(seed: 1, link: Bottleneck(seed: 1, rate: 1_000_000, jitter: jitter))),
            Scenario(
                name: "3m", simulation: Simulation(seed: 1, link: Bottleneck(seed: 1, rate: 3_000_000, jitter: jitter))),
            Scenario(
                name: "drop-and-return",
                simulation: Simulation(seed: 2, link: Bottleneck(seed: 2, rate: 2_000_000, jitter: jitter)),
                changes: [20: { $0.link.rate = 1_000_000 }, 40: { $0.link.rate = 2_000_000 }]),
            Scenario(
                name: "loss",
                simulation: Simulation(seed: 3, link: Bottleneck(seed: 3, rate: 5_000_000, jitter: jitter)),
                changes: [
                    20: { $0.link.loss = 0.05 }, 30: { $0.link.loss = 0.2 }, 40: { $0.link.loss = 0 },
                ]),
            Scenario(
                name: "silence",
                simulation: Simulation(seed: 4, link: Bottleneck(seed: 4, rate: 1_000_000, jitter: jitter)),
                changes: [20: { $0.feedbackLoss = 1 }, 30: { $0.feedbackLoss = 0 }]),
            Scenario(name: "loss-2-percent", simulation: losing(0.02)),
            Scenario(name: "loss-10-percent", simulation: losing(0.1)),
            Scenario(
                name: "probes",
                simulation: ProbeScenarioTests.simulation(
                    seed: 6, rate: 2_000_000, source: 150_000, desired: 1_200_000, probes: true),
                changes: [
                    20: { ($0.link.rate, $0.flows[0].source) = (700_000, 1_200_000) },
                    40: { ($0.link.rate, $0.flows[0].source) = (2_000_000, 150_000) },
                ]),
            Scenario(
                name: "two-flows",
                simulation: Simulation(
                    seed: 5, link: Bottleneck(seed: 5, rate: 2_000_000, jitter: jitter),
                    flows: [.init(), .init(startsAtMilliseconds: 15_000)])),
        ]
    }

    /// By chance, on a wide link, with retransmissions.
    private static func losing(_ share: Double) -> Simulation {
        var simulation = Simulation(
            seed: 7, link: Bottleneck(seed: 7, rate: 50_000_000, jitter: .milliseconds(3), loss: share),
            flows: [.init(initial: 1_000_000, desired: 2_000_000)])
        simulation.flows[0].repairs = true
        return simulation
    }

    @Test(arguments: scenarios)
    func `a run of the simulation is the one that was recorded`(scenario: Scenario) throws {
        var simulation = scenario.simulation
        var lines = ["ms,capacity,queue_ms,loss_percent,estimate" + (simulation.flows.count > 1 ? ",estimate2" : "")]
        for second in 0..<60 {
            scenario.changes[second]?(&simulation)
            simulation.run(seconds: 0.5)
            lines.append(Self.line(simulation))
            simulation.run(seconds: 0.5)
            lines.append(Self.line(simulation))
        }
        let path = Vectors.path("congestion/\(scenario.name).csv")
        let text = lines.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["LADLE_RECORD_TRACES"] == "1" {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let recorded = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let differing = zip(recorded, lines).first { $0 != $1 }
        #expect(differing == nil, "\(scenario.name).csv says first, the run second")
        #expect(recorded.count == lines.count)
    }

    private static func line(_ simulation: Simulation) -> String {
        let flow = simulation.flows[0].bandwidth
        let first = [
            Int64(simulation.milliseconds), simulation.link.rate, Int64(simulation.queueMilliseconds),
            Int64((flow.packetLoss * 100).rounded()),
        ]
        return (first + simulation.flows.map(\.bandwidth.availableBitrate)).map(String.init).joined(separator: ",")
    }
}
