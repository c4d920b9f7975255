/// Which layers each consumer gets of a bitrate: mediasoup's distribution, as a function of values.
///
/// Consumers take turns by priority, from the highest to the lowest. In the first turn each takes one layer, in the
/// following ones as many as its priority says, until nothing changes. Bits per second.
public enum LayerAllocation {
    /// - Returns: the layers of each demand, in their order, and what is left of the bitrate.
    public static func distribute(_ available: Int64, among demands: [LayerDemand]) -> (
        shares: [LayerShare], left: Int64
    ) {
        var shares = [LayerShare](repeating: LayerShare(), count: demands.count)
        // Equals keep their order: who came first is served first.
        let order = demands.indices.filter { demands[$0].priority > 0 }
            .sorted { (demands[$1].priority, $0) < (demands[$0].priority, $1) }
        var left = available
        var isFirstTurn = true
        while left > 0 {
            let before = left
            for position in order {
                for _ in 0..<(isFirstTurn ? 1 : Int(demands[position].priority)) {
                    guard let used = demands[position].increase(&shares[position], within: left) else { break }
                    left -= used
                }
            }
            if left == before { break }
            isFirstTurn = false
        }
        return (shares, left)
    }
}

/// What a consumer was given; -1: none.
public struct LayerShare: Sendable, Hashable {
    public var spatial: Int
    public var temporal: Int

    public init(spatial: Int = -1, temporal: Int = -1) {
        self.spatial = spatial
        self.temporal = temporal
    }
}
