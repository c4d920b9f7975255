/// Packets that were sent with a transport-wide number and of which nothing was heard yet: size and time by number.
///
/// A ring that doubles while more are on their way, so that sending allocates nothing once it has its size.
struct SentPackets: Sendable {
    struct Packet: Sendable {
        /// ns; -1: never sent, or told of.
        var sent: Int64
        var size: Int32
        /// 0: it left in none.
        var cluster: UInt16 = 0
        var isPadding = false
    }

    /// Younger packets are worth a larger ring: feedback comes within a second on any path worth estimating.
    static let worthKeeping: Int64 = 2_000_000_000
    /// Half of the numbers: beyond, a number could mean two packets.
    static let maxCapacity = 32_768

    private var ring = [Packet](repeating: Packet(sent: -1, size: 0), count: 256)
    /// The next number, unwrapped.
    private(set) var next: Int64 = 0
    /// All below were told of, or given up.
    private(set) var oldest: Int64 = 0

    init() {}

    private func slot(_ index: Int64) -> Int { Int(truncatingIfNeeded: index) & (ring.count - 1) }

    /// - Returns: the number of the packet that is sent now.
    mutating func add(size: Int, cluster: UInt16 = 0, isPadding: Bool = false, now: Int64) -> UInt16 {
        if next - oldest >= Int64(ring.count) { makeRoom(now: now) }
        ring[slot(next)] = Packet(
            sent: now, size: Int32(clamping: size), cluster: cluster, isPadding: isPadding)
        defer { next += 1 }
        return UInt16(truncatingIfNeeded: next)
    }

    /// Takes a packet out: nil when it was never sent, told of before, or given up.
    mutating func take(_ index: Int64) -> Packet? {
        guard let packet = peek(index) else { return nil }
        ring[slot(index)].sent = -1
        skipTold()
        return packet
    }

    func peek(_ index: Int64) -> Packet? {
        guard index >= oldest, index < next, ring[slot(index)].sent >= 0 else { return nil }
        return ring[slot(index)]
    }

    /// When the oldest of which nothing was heard was sent.
    var oldestSent: Int64? { oldest < next ? ring[slot(oldest)].sent : nil }

    /// Gives up on those sent before.
    mutating func drop(sentBefore time: Int64) {
        while oldest < next, ring[slot(oldest)].sent < time { oldest += 1 }
    }

    private mutating func skipTold() {
        while oldest < next, ring[slot(oldest)].sent < 0 { oldest += 1 }
    }

    private mutating func makeRoom(now: Int64) {
        drop(sentBefore: now - Self.worthKeeping)
        guard next - oldest >= Int64(ring.count) else { return }
        guard ring.count < Self.maxCapacity else {
            oldest += 1
            skipTold()
            return
        }
        var larger = [Packet](repeating: Packet(sent: -1, size: 0), count: 2 * ring.count)
        for index in oldest..<next { larger[Int(truncatingIfNeeded: index) & (larger.count - 1)] = ring[slot(index)] }
        ring = larger
    }
}
