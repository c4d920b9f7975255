import Base
import Congestion
import TestSupport
import Testing

/// Bursts that the sender knows of, on a simulated bottleneck: padding that probes, and starts.
@Suite struct ProbeScenarioTests {
    static func simulation(
        seed: UInt64, rate: Int64, source: Int64, desired: Int64, probes: Bool
    ) -> Simulation {
        var simulation = Simulation(
            seed: seed, link: Bottleneck(seed: seed, rate: rate, jitter: .milliseconds(3)),
            flows: [.init(initial: 200_000, desired: desired, probes: probes)])
        simulation.flows[0].source = source
        return simulation
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a sender of little finds room for the next layer within 2 s by probing, in 15 s without`(seed: UInt64) {
        var probing = Self.simulation(seed: seed, rate: 2_000_000, source: 150_000, desired: 1_200_000, probes: true)
        probing.run(seconds: 2)
        #expect(probing.target >= 1_200_000, "seed \(seed): \(probing.target)")
        var plain = Self.simulation(seed: seed, rate: 2_000_000, source: 150_000, desired: 1_200_000, probes: false)
        plain.run(seconds: 14)
        #expect(plain.target < 1_200_000, "seed \(seed): \(plain.target)")
        // Enough is enough.
        let padding = probing.flows[0].padding
        #expect(padding < 30_000, "seed \(seed): \(padding) bytes")
        probing.run(seconds: 20)
        #expect(probing.flows[0].padding == padding && plain.flows[0].padding == 0)
        #expect(probing.target >= 1_200_000)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `on a path that has no room probes are rare, leave no queue and don't lift the estimate beyond it`(
        seed: UInt64
    ) {
        var simulation = Self.simulation(seed: seed, rate: 500_000, source: 150_000, desired: 1_200_000, probes: true)
        simulation.run(seconds: 10)
        let padding = simulation.flows[0].padding
        let (bitrate, queue) = simulation.mean(seconds: 30)
        #expect(300_000...550_000 ~= bitrate, "seed \(seed): \(bitrate)")
        #expect(queue < 20, "seed \(seed): \(queue) ms")
        // 50 ms at twice the estimate, six or seven times.
        #expect(simulation.flows[0].padding - padding < 60_000, "seed \(seed)")
        #expect(simulation.flows[0].padding > padding, "it goes on looking")
    }

    @Test func `a receiver that knows no padding costs three clusters, no cut, and the estimate rises as without`() {
        var simulation = Self.simulation(seed: 4, rate: 2_000_000, source: 150_000, desired: 1_200_000, probes: true)
        simulation.flows[0].ignoresPadding = true
        var lowest = Int64.max
        simulation.run(seconds: 25) { lowest = min(lowest, $0.target) }
        let padding = simulation.flows[0].padding
        #expect(lowest >= 200_000)
        #expect(1...40_000 ~= padding, "\(padding)")
        simulation.run(seconds: 15)
        #expect(simulation.flows[0].padding == padding)
        #expect(simulation.target >= 1_200_000, "\(simulation.target)")
    }

    /// A consumer of which nothing is sent for want of bandwidth has no other feedback than that of probes.
    @Test func `a probe of which nothing is heard is not the last`() {
        var simulation = Self.simulation(seed: 7, rate: 2_000_000, source: 150_000, desired: 1_200_000, probes: true)
        simulation.run(seconds: 1)
        (simulation.link.rate, simulation.flows[0].source) = (500_000, 1_200_000)
        simulation.run(seconds: 10)
        (simulation.link.loss, simulation.flows[0].source) = (1, 0)
        simulation.run(seconds: 30)
        let before = simulation.target
        #expect(before < 600_000, "\(before)")
        (simulation.link.loss, simulation.link.rate) = (0, 2_000_000)
        simulation.run(seconds: 20)
        #expect(simulation.target >= 1_200_000, "\(before) became \(simulation.target)")
    }

    /// A consumer that went up by layers, behind a link that becomes narrow.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `who sends ten times as much as before falls to what the link carries, not to what it sent before`(
        seed: UInt64
    ) {
        var simulation = Self.simulation(seed: seed, rate: 5_000_000, source: 80_000, desired: 1_000_000, probes: true)
        simulation.run(seconds: 4)
        simulation.flows[0].source = 800_000
        simulation.run(seconds: 5)
        simulation.link.rate = 300_000
        var lowest = Int64.max
        simulation.run(seconds: 10) { lowest = min(lowest, $0.target) }
        #expect(lowest > 120_000, "seed \(seed): \(lowest)")
    }

    @Test func `nobody is probed who was not heard, or when nothing more is wanted`() {
        var deaf = Self.simulation(seed: 5, rate: 2_000_000, source: 150_000, desired: 1_200_000, probes: true)
        deaf.feedbackLoss = 1
        deaf.run(seconds: 10)
        #expect(deaf.flows[0].padding == 0)
        var content = Self.simulation(seed: 5, rate: 2_000_000, source: 150_000, desired: 150_000, probes: true)
        content.run(seconds: 10)
        #expect(content.flows[0].padding == 0)
    }

    // MARK: - Starts

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a start that is known as one cuts nothing and is measured; unknown, it cuts`(seed: UInt64) {
        // 1 Mbit/s of media over 1.5 Mbit/s, after a second with a second of media at once.
        func run(packets: Int, isKnown: Bool) -> (estimate: Int64, lowest: Int64) {
            var simulation = Simulation(
                seed: seed,
                link: Bottleneck(seed: seed, rate: 1_500_000, queueLimit: 250_000, jitter: .milliseconds(3)),
                flows: [.init(initial: 1_000_000, desired: 1_500_000)])
            simulation.flows[0].source = 1_000_000
            simulation.run(seconds: 1)
            if packets > 0 { simulation.startBurst(packets: packets, isKnown: isKnown) }
            var lowest = Int64.max
            simulation.run(seconds: 3) { lowest = min(lowest, $0.target) }
            return (simulation.target, lowest)
        }
        let without = run(packets: 0, isKnown: false)
        let known = run(packets: 125, isKnown: true)
        #expect(known.estimate >= without.estimate, "seed \(seed): \(known), without a burst \(without)")
        #expect(known.lowest >= 1_000_000, "seed \(seed): \(known)")
        let unknown = run(packets: 125, isKnown: false)
        #expect(unknown.estimate < without.estimate, "seed \(seed): \(unknown), without a burst \(without)")
    }

    @Test func `starts one after another hide no path that is too narrow`() {
        var simulation = Simulation(
            seed: 6, link: Bottleneck(seed: 6, rate: 500_000, jitter: .milliseconds(3)),
            flows: [.init(initial: 1_000_000, desired: 2_000_000)])
        for _ in 0..<100 {
            simulation.startBurst(packets: 14, isKnown: true)
            simulation.run(seconds: 0.05)
        }
        // 24 kB/s of starts and what the estimate adds: twice the link; it must have seen it.
        #expect(simulation.target < 600_000, "\(simulation.target)")
    }

    // MARK: - Losses by chance

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `of 2 % lost by chance nothing is cut, of 10 % and more the loss-based controller cuts`(seed: UInt64) {
        func run(loss: Double) -> (estimate: Int64, cuts: Int) {
            var simulation = Simulation(
                seed: seed, link: Bottleneck(seed: seed, rate: 50_000_000, jitter: .milliseconds(3), loss: loss),
                flows: [.init(initial: 1_000_000, desired: 2_000_000)])
            simulation.flows[0].repairs = true
            var (before, cuts) = (Int64(0), 0)
            simulation.run(seconds: 60) {
                if $0.target < before { cuts += 1 }
                before = $0.target
            }
            return (simulation.target, cuts)
        }
        let few = run(loss: 0.02)
        #expect(few.cuts == 0 && few.estimate >= 1_000_000, "seed \(seed): \(few)")
        let many = run(loss: 0.1)
        #expect(many.cuts > 0 && many.estimate < 800_000, "seed \(seed): \(many)")
        let more = run(loss: 0.12)
        #expect(more.estimate < many.estimate || more.estimate < 100_000, "seed \(seed): \(more) after \(many)")
    }
}
