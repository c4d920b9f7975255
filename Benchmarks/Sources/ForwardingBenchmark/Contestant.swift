/// Who forwards.
enum Contestant: String, CaseIterable, Codable, CodingKeyRepresentable {
    /// The bare loop: single packets with one sendmmsg per destination, bursts with UDP_SEGMENT.
    case bare
    /// The embedded core as it is configured by default.
    case core
    /// The embedded core that never holds packets back.
    case coreAtOnce = "core-at-once"
    /// The bare loop that sleeps until the next millisecond and sends what has come as segments.
    case bareTick = "bare-tick"
    /// The same three with AES-128-GCM.
    case bareGCM = "bare-gcm"
    case coreGCM = "core-gcm"
    case coreAtOnceGCM = "core-at-once-gcm"
    case bareTickGCM = "bare-tick-gcm"

    var isBare: Bool {
        switch self {
        case .bare, .bareTick, .bareGCM, .bareTickGCM: true
        case .core, .coreAtOnce, .coreGCM, .coreAtOnceGCM: false
        }
    }

    /// What its cost is held against.
    var reference: Contestant {
        switch self {
        case .bare, .core, .coreAtOnce, .bareTick: .bare
        case .bareGCM, .coreGCM, .coreAtOnceGCM, .bareTickGCM: .bareGCM
        }
    }

    /// What its ratio to the reference should be at most; nil: it is a reference itself, or only shows what could be.
    func goal(under load: Load) -> Double? { isBare ? nil : load.burst == 1 ? 1.15 : 1.25 }

    /// Holding back and ticking only do something for packets that come singly.
    func takesPart(in load: Load) -> Bool {
        switch self {
        case .bare, .core, .bareGCM, .coreGCM: true
        case .coreAtOnce, .coreAtOnceGCM, .bareTick, .bareTickGCM: load.burst == 1 && load.rate >= 1000
        }
    }
}

/// What comes in, and to how many it goes out.
struct Load: Codable, Hashable {
    let consumers: Int
    let burst: Int
    /// Incoming packets per second.
    let rate: Double

    /// A forwarder's share of a core is some 0.5 then; waking up is not hidden by saturation.
    static let forwardedPerSecond = 120_000.0
    /// One consumer: what a fast stream brings …
    static let loneRate = 10_000.0
    /// … and what a whole worker with nothing but pairs would see.
    static let fastLoneRate = 30_000.0

    /// Single packets at half of what a core can forward.
    var isHalf: Bool { burst == 1 && rate * Double(consumers) == Self.forwardedPerSecond }

    /// Single packets and bursts for each number of consumers.
    static func all(consumers: [Int], bursts: [Int], isQuick: Bool) -> [Load] {
        consumers.flatMap { count in
            let rate = count == 1 ? loneRate : forwardedPerSecond / Double(count)
            let loads = bursts.map { Load(consumers: count, burst: $0, rate: rate) }
            return count == 1 && bursts.contains(1) && !isQuick
                ? loads + [Load(consumers: 1, burst: 1, rate: fastLoneRate)] : loads
        }
    }

    var name: String {
        let consumers = "\(consumers) consumer" + (consumers == 1 ? "" : "s")
        return consumers + (burst == 1 ? ", single" : ", bursts of \(burst)") + ", \(Int(rate))/s in"
    }
}
