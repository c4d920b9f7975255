import Base

/// Which layers of a stream come, since when, and how many bits a second each of them has.
struct LayerMeter: Sendable {
    /// Without packets for this long a spatial layer is not there any more: mediasoup's InactivityCheckInterval.
    static let inactivity = Duration.milliseconds(1500)
    /// … of streams with discontinuous transmission (screens that stand still).
    static let inactivityWithDTX = Duration.milliseconds(5000)

    let spatialLayers: Int
    let temporalLayers: Int
    /// By spatial, then temporal layer; empty for a stream with one of each.
    private var rates: [RateMeter] = []
    private var last = InlineArray<8, Instant?>(repeating: nil)
    private var since = InlineArray<8, Instant?>(repeating: nil)

    init(spatialLayers: Int, temporalLayers: Int) {
        self.spatialLayers = min(max(1, spatialLayers), 8)
        self.temporalLayers = min(max(1, temporalLayers), 8)
        let count = self.spatialLayers * self.temporalLayers
        if count > 1 { rates = Array(repeating: RateMeter(window: RateMeter.streamWindow), count: count) }
    }

    /// - Returns: Whether its spatial layer was not there before.
    mutating func received(_ layers: PacketLayers, size: Int, now: Instant) -> Bool {
        let spatial = min(Int(layers.spatial), spatialLayers - 1)
        if !rates.isEmpty {
            let temporal = min(Int(layers.temporal), temporalLayers - 1)
            rates[spatial * temporalLayers + temporal].add(size, now: now)
        }
        last[spatial] = now
        guard since[spatial] == nil else { return false }
        since[spatial] = now
        return true
    }

    /// Forgets layers that have not come since a moment.
    /// - Returns: Whether there were any.
    mutating func silence(before moment: Instant) -> Bool {
        var found = false
        for spatial in 0..<spatialLayers {
            guard since[spatial] != nil, let seen = last[spatial], seen <= moment else { continue }
            since[spatial] = nil
            found = true
        }
        return found
    }

    /// When the first layer will have been silent for too long; nil: none comes.
    func deadline(_ timeout: Duration) -> Instant? {
        var soonest: Instant?
        for spatial in 0..<spatialLayers where since[spatial] != nil {
            guard let seen = last[spatial] else { continue }
            soonest = min(soonest ?? seen + timeout, seen + timeout)
        }
        return soonest
    }

    /// The stream's time stood still: nothing of it is late.
    mutating func resume(at now: Instant) {
        for spatial in 0..<spatialLayers where since[spatial] != nil { last[spatial] = now }
    }

    /// How long a spatial layer has been there; nil: it is not.
    func activity(_ spatial: Int, now: Instant) -> Duration? { since[spatial].map { now - $0 } }

    /// What it takes to decode a layer: it, and all below; 0 when it does not come.
    func bitsPerSecond(spatial: Int, temporal: Int, now: Instant) -> Int64 {
        guard !rates.isEmpty, rates[spatial * temporalLayers + temporal].bitsPerSecond(now: now) > 0 else { return 0 }
        var sum: Int64 = 0
        for lower in 0..<spatial {
            for layer in 0..<temporalLayers { sum += rates[lower * temporalLayers + layer].bitsPerSecond(now: now) }
        }
        for layer in 0...temporal { sum += rates[spatial * temporalLayers + layer].bitsPerSecond(now: now) }
        return sum
    }

    /// Of a layer alone.
    func ownBitsPerSecond(spatial: Int, temporal: Int, now: Instant) -> Int64 {
        rates.isEmpty ? 0 : rates[spatial * temporalLayers + temporal].bitsPerSecond(now: now)
    }

    /// Whether rates of single layers are known.
    var hasLayers: Bool { !rates.isEmpty }
}
