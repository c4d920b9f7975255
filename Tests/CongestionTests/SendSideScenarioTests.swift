import Base
import Congestion
import TestSupport
import Testing

/// Google congestion control on a simulated bottleneck: what a person who watches the picture would notice.
@Suite struct SendSideScenarioTests {
    @Test(arguments: [300_000, 1_000_000, 3_000_000] as [Int64], [1, 2, 3] as [UInt64])
    func `the estimate settles at the link's capacity`(capacity: Int64, seed: UInt64) {
        var simulation = Simulation(
            seed: seed, link: Bottleneck(seed: seed, rate: capacity, jitter: .milliseconds(3)))
        simulation.run(seconds: 40)
        let (bitrate, queue) = simulation.mean(seconds: 20)
        let share = bitrate / Double(capacity)
        #expect(0.7...1.05 ~= share, "seed \(seed): \(bitrate) of \(capacity)")
        #expect(queue < 200, "seed \(seed): a queue of \(queue) ms")
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `when the capacity drops to half the estimate follows within 3 s and the queue drains`(seed: UInt64) {
        var simulation = Simulation(seed: seed, link: Bottleneck(seed: seed, rate: 2_000_000, jitter: .milliseconds(2)))
        simulation.run(seconds: 40)
        #expect(simulation.target > 1_200_000, "seed \(seed)")
        simulation.link.rate = 1_000_000
        var lowest = Int64.max
        simulation.run(seconds: 3) { lowest = min(lowest, $0.target) }
        #expect(lowest < 1_050_000, "seed \(seed): \(lowest)")
        simulation.run(seconds: 3)
        let (bitrate, queue) = simulation.mean(seconds: 10)
        #expect(0.65...1.05 ~= bitrate / 1e6, "seed \(seed): \(bitrate)")
        #expect(queue < 200, "seed \(seed): a queue of \(queue) ms")
    }

    @Test func `when the capacity comes back the estimate does, too`() {
        var simulation = Simulation(seed: 4, link: Bottleneck(seed: 4, rate: 1_500_000, jitter: .milliseconds(2)))
        simulation.run(seconds: 30)
        simulation.link.rate = 400_000
        simulation.run(seconds: 20)
        #expect(simulation.target < 420_000)
        simulation.link.rate = 1_500_000
        simulation.run(seconds: 60)
        let (bitrate, _) = simulation.mean(seconds: 10)
        #expect(bitrate > 1_000_000, "\(bitrate)")
    }

    @Test
    func `a loss of 5 % that no queue explains holds the estimate, 20 % lowers it, and without losses it recovers`() {
        var simulation = Simulation(seed: 5, link: Bottleneck(seed: 5, rate: 5_000_000))
        simulation.run(seconds: 20)
        let before = simulation.target
        simulation.link.loss = 0.05
        simulation.run(seconds: 10)
        #expect(simulation.target > before / 2, "5 %: \(before) became \(simulation.target)")
        let held = simulation.target
        simulation.link.loss = 0.2
        simulation.run(seconds: 10)
        let low = simulation.target
        #expect(low < held / 2, "20 %: \(held) became \(low)")
        simulation.link.loss = 0
        simulation.run(seconds: 20)
        #expect(simulation.target > 3 * low, "none: \(low) became \(simulation.target)")
    }

    @Test func `losing a third of the feedback changes little`() {
        var simulation = Simulation(seed: 6, link: Bottleneck(seed: 6, rate: 1_000_000, jitter: .milliseconds(3)))
        simulation.feedbackLoss = 0.33
        simulation.run(seconds: 40)
        let (bitrate, queue) = simulation.mean(seconds: 20)
        #expect(0.65...1.05 ~= bitrate / 1e6, "\(bitrate)")
        #expect(queue < 250, "\(queue) ms")
    }

    @Test func `without any feedback the estimate falls, and comes back with it`() {
        var simulation = Simulation(seed: 7, link: Bottleneck(seed: 7, rate: 1_000_000))
        simulation.run(seconds: 30)
        let before = simulation.target
        simulation.feedbackLoss = 1
        simulation.run(seconds: 2.5)
        #expect(simulation.target == before)
        simulation.run(seconds: 20)
        #expect(simulation.target < before / 10)
        #expect(simulation.target >= OutgoingBandwidth.minBitrate)
        simulation.feedbackLoss = 0
        simulation.run(seconds: 60)
        #expect(simulation.target > 600_000, "\(simulation.target)")
    }

    @Test(arguments: [8, 9] as [UInt64])
    func `two flows share a link`(seed: UInt64) {
        var simulation = Simulation(
            seed: seed, link: Bottleneck(seed: seed, rate: 2_000_000, jitter: .milliseconds(3)),
            flows: [.init(), .init(startsAtMilliseconds: 20_000)])
        simulation.run(seconds: 120)
        let before = simulation.flows.map(\.arrived)
        simulation.run(seconds: 60)
        let rates = zip(simulation.flows, before).map { Double(($0.arrived - $1) * 8) / 60 }
        let sum = rates[0] + rates[1]
        #expect(sum > 1_300_000, "seed \(seed): \(rates)")
        #expect(min(rates[0], rates[1]) > 0.2 * sum, "seed \(seed): \(rates)")
    }

    @Test(arguments: [-200, 200] as [Double])
    func `a receiver's clock that drifts is no queue`(drift: Double) {
        var simulation = Simulation(seed: 10, link: Bottleneck(seed: 10, rate: 1_000_000, jitter: .milliseconds(3)))
        simulation.driftPPM = drift
        simulation.run(seconds: 40)
        let (bitrate, queue) = simulation.mean(seconds: 20)
        #expect(0.7...1.05 ~= bitrate / 1e6, "\(bitrate)")
        #expect(queue < 200, "\(queue) ms")
    }

    @Test func `jitter of 30 ms alone doesn't keep the estimate down`() {
        var simulation = Simulation(seed: 11, link: Bottleneck(seed: 11, rate: 3_000_000, jitter: .milliseconds(30)))
        simulation.run(seconds: 60)
        let (bitrate, _) = simulation.mean(seconds: 20)
        #expect(bitrate > 1_000_000, "\(bitrate)")
    }

    @Test func `a sender of little finds room for the next layer without padding`() {
        var simulation = Simulation(
            seed: 12, link: Bottleneck(seed: 12, rate: 3_000_000, jitter: .milliseconds(3)),
            flows: [.init(initial: 100_000, desired: 1_000_000)])
        simulation.flows[0].source = 100_000
        simulation.run(seconds: 40)
        #expect(simulation.target > 1_000_000)
        #expect(simulation.target <= 1_350_000, "not beyond 1.35 times of what is wanted: \(simulation.target)")
    }
}
