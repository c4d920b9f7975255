import Base

/// The most that one transport may send us: packets and bits a second, each with a second's worth as a burst, so that a
/// sender is not punished for a loop that was late.
///
/// Two buckets, kept as the moment at which each would be full again (the virtual scheduling of ITU-T I.371): one addition
/// and one comparison a packet, and no timer.
struct IngressCeiling: Sendable {
    private static let burst: Int64 = 1_000_000_000

    /// Nanoseconds that a packet takes up; 0: there is no ceiling.
    private let nanosecondsPerPacket: Int64
    /// The same for a byte, in units of 1/1024 ns.
    private let scaledPerByte: Int64
    private var packetsFull = Int64.min / 2
    private var bytesFull = Int64.min / 2

    /// Nothing is held back.
    static let none = IngressCeiling(SFUConfiguration.Ceiling(packetsPerSecond: nil, bitsPerSecond: nil))

    init(_ ceiling: SFUConfiguration.Ceiling) {
        nanosecondsPerPacket = ceiling.packetsPerSecond.map { max(1, 1_000_000_000 / Int64(max(1, $0))) } ?? 0
        scaledPerByte = ceiling.bitsPerSecond.map { max(1, 8_192_000_000_000 / Int64(max(1, $0))) } ?? 0
    }

    /// False: the packet is one too many, and costs nothing of what comes after it.
    /// - Parameter size: Of the datagram, in bytes.
    mutating func admit(_ size: Int, now: Instant) -> Bool {
        let packets = max(packetsFull, now.nanoseconds) &+ nanosecondsPerPacket
        let bytes = max(bytesFull, now.nanoseconds) &+ (Int64(size) &* scaledPerByte) >> 10
        guard packets &- now.nanoseconds <= Self.burst, bytes &- now.nanoseconds <= Self.burst else { return false }
        (packetsFull, bytesFull) = (packets, bytes)
        return true
    }
}
