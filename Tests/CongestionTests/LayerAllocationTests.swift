import Congestion
import Testing

/// mediasoup's distribution of a bitrate among consumers.
@Suite struct LayerAllocationTests {
    /// Three encodings of two temporal layers: 100 + 50, 300 + 100, 900 + 300 kbit/s.
    static let ladder: [LayerDemand.SpatialLayer] = [[100, 50], [300, 100], [900, 300]].map {
        LayerDemand.SpatialLayer(bitrates: $0.map { $0 * 1000 })
    }
    static let top = LayerShare(spatial: 2, temporal: 1)

    static func simulcast(
        priority: UInt8 = 1, preferred: LayerShare = top, current: Int = -1, holdsBack: Bool = false,
        loss: Double? = nil
    ) -> LayerDemand {
        LayerDemand(
            priority: priority, form: .replacing, layers: ladder, preferred: preferred, currentSpatial: current,
            holdsBack: holdsBack, lossPercent: loss)
    }

    static func shares(_ bitrate: Int64, _ demands: LayerDemand...) -> [[Int]] {
        LayerAllocation.distribute(bitrate, among: demands).shares.map { [$0.spatial, $0.temporal] }
    }

    @Test(
        arguments: [
            (0, [-1, -1]), (99, [-1, -1]), (100, [0, 0]), (149, [0, 0]), (150, [0, 1]), (299, [0, 1]), (300, [1, 0]),
            (399, [1, 0]), (400, [1, 1]), (899, [1, 1]), (900, [2, 0]), (1199, [2, 0]), (1200, [2, 1]), (9999, [2, 1]),
        ] as [(Int64, [Int])])
    func `a higher encoding takes the place of the lower one`(kilobits: Int64, expected: [Int]) {
        #expect(Self.shares(kilobits * 1000, Self.simulcast()) == [expected])
    }

    @Test func `what is used and what is left add up`() {
        let (_, left) = LayerAllocation.distribute(1_000_000, among: [Self.simulcast()])
        #expect(left == 100_000)
    }

    @Test func `full SVC adds its layers`() {
        var demand = Self.simulcast()
        demand.form = .adding
        #expect(Self.shares(449_000, demand) == [[0, 1]])
        #expect(Self.shares(450_000, demand) == [[1, 0]])
        #expect(Self.shares(1_750_000, demand) == [[2, 1]])
        #expect(Self.shares(1_749_000, demand) == [[2, 0]])
    }

    @Test func `nothing above the preferred layers is taken`() {
        #expect(Self.shares(9_000_000, Self.simulcast(preferred: LayerShare(spatial: 1, temporal: 0))) == [[1, 0]])
        #expect(Self.shares(9_000_000, Self.simulcast(preferred: LayerShare(spatial: 0, temporal: 1))) == [[0, 1]])
    }

    @Test func `where the preferred encoding is dead the next above it is taken`() {
        var demand = Self.simulcast(preferred: LayerShare(spatial: 0, temporal: 1))
        demand.layers[0].isUsable = false
        #expect(Self.shares(9_000_000, demand) == [[-1, -1]], "mediasoup looks no further than the preferred one")
        demand.preferred = LayerShare(spatial: 1, temporal: 0)
        #expect(Self.shares(9_000_000, demand) == [[1, 0]])
    }

    @Test func `an encoding that has just come is only taken when there is nothing else`() {
        var demand = Self.simulcast()
        demand.layers[1].isSettled = false
        #expect(Self.shares(500_000, demand) == [[0, 1]])
        demand.layers[0].isUsable = false
        demand.layers[2].isUsable = false
        #expect(Self.shares(500_000, demand) == [[1, 1]])
    }

    @Test func `each gets one layer first, then the one with priority gets more`() {
        // 100 each; then the first takes 50 and 150 (to 300) and 100, before the second gets its 50.
        #expect(Self.shares(500_000, Self.simulcast(priority: 1), Self.simulcast(priority: 3)) == [[0, 0], [1, 1]])
        #expect(Self.shares(550_000, Self.simulcast(priority: 1), Self.simulcast(priority: 3)) == [[0, 1], [1, 1]])
        #expect(Self.shares(500_000, Self.simulcast(), Self.simulcast()) == [[1, 0], [0, 1]])
    }

    @Test func `when there is too little the higher priority is served, and priority 0 takes no part`() {
        #expect(Self.shares(150_000, Self.simulcast(priority: 1), Self.simulcast(priority: 2)) == [[-1, -1], [0, 1]])
        #expect(Self.shares(900_000, Self.simulcast(priority: 0), Self.simulcast()) == [[-1, -1], [2, 0]])
    }

    @Test func `a simple consumer's bitrate is set aside, all of what there is if it wants more`() {
        let simple = LayerDemand(priority: 2, form: .simple(bitrate: 800_000))
        #expect(Self.shares(1_000_000, simple, Self.simulcast()) == [[0, 0], [0, 1]])
        #expect(Self.shares(700_000, simple, Self.simulcast()) == [[0, 0], [-1, -1]])
    }

    @Test func `after a downgrade no higher encoding is taken for a while`() {
        #expect(Self.shares(9_000_000, Self.simulcast(current: 0, holdsBack: true)) == [[0, 1]])
        #expect(Self.shares(9_000_000, Self.simulcast(current: 1, holdsBack: true)) == [[1, 1]])
    }

    @Test func `losses that a receiver reports count`() {
        #expect(Self.shares(93_000, Self.simulcast(loss: 1.9)) == [[0, 0]])
        #expect(Self.shares(93_000, Self.simulcast(loss: 2)) == [[-1, -1]])
        #expect(Self.shares(124_000, Self.simulcast(loss: 40)) == [[-1, -1]])
        #expect(Self.shares(126_000, Self.simulcast(loss: 40)) == [[0, 0]])
    }
}
