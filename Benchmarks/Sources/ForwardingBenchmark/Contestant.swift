/// Who forwards.
enum Contestant: String, CaseIterable, Codable, CodingKeyRepresentable {
    /// The bare loop: single packets with one sendmmsg per destination, bursts with UDP_SEGMENT.
    case bare
    /// The embedded core as it is configured by default.
    case core
    /// The bare loop that asks epoll first, as whoever has more than one socket must.
    case bareEpoll = "bare-epoll"
    /// The embedded core that never holds packets back.
    case coreAtOnce = "core-at-once"
    /// The embedded core that leaves packets as long as they come: frames of two lengths leave in two runs.
    case coreApart = "core-apart"
    /// The bare loop that sleeps until the next millisecond and sends what has come as segments.
    case bareTick = "bare-tick"
    /// The same three with AES-128-GCM.
    case bareGCM = "bare-gcm"
    case coreGCM = "core-gcm"
    case coreAtOnceGCM = "core-at-once-gcm"
    case bareTickGCM = "bare-tick-gcm"

    var isBare: Bool {
        switch self {
        case .bare, .bareEpoll, .bareTick, .bareGCM, .bareTickGCM: true
        case .core, .coreAtOnce, .coreApart, .coreGCM, .coreAtOnceGCM: false
        }
    }

    /// What its cost is held against.
    func reference(under load: Load) -> Contestant {
        if load.isSplit { return .coreApart }
        return switch self {
        case .bare, .bareEpoll, .core, .coreApart, .coreAtOnce, .bareTick: .bare
        case .bareGCM, .coreGCM, .coreAtOnceGCM, .bareTickGCM: .bareGCM
        }
    }

    /// What its ratio to the reference should be at most; nil: it is a reference itself, or only shows what could be.
    func goal(under load: Load) -> Double? { isBare || load.isSplit ? nil : load.burst == 1 ? 1.15 : 1.25 }

    /// Holding back and ticking only do something for packets that come singly.
    func takesPart(in load: Load) -> Bool {
        if load.isSplit { return self == .core || self == .coreApart }
        return switch self {
        case .bare, .core, .bareGCM, .coreGCM: true
        case .coreApart: false
        case .bareEpoll: load.consumers == 1
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

    /// Whole frames of ten packets as libwebrtc makes them: the last four are one byte longer. Nil: all are alike.
    var split: Bool?

    var isSplit: Bool { split ?? false }

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
            let frames = Load(consumers: count, burst: 10, rate: rate, split: true)
            return count == 1 && bursts.contains(1) && !isQuick
                ? loads + [frames, Load(consumers: 1, burst: 1, rate: fastLoneRate)] : loads + [frames]
        }
    }

    var name: String {
        let consumers = "\(consumers) consumer" + (consumers == 1 ? "" : "s")
        if isSplit { return consumers + ", split frames, \(Int(rate))/s in" }
        return consumers + (burst == 1 ? ", single" : ", bursts of \(burst)") + ", \(Int(rate))/s in"
    }
}
