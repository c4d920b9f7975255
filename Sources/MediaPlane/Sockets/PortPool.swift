import Base
import MediaCore

/// Hands out UDP ports of one range, each proved free by binding it.
///
/// A port that comes back rests first: its late packets, and a remote side that has not noticed the end yet, shall not
/// fall into somebody else's transport. When nothing else is left, the port that rested longest is taken all the same.
public struct PortPool {
    /// RTP senders without a BYE are noticed within some seconds; ffmpeg's last RTCP comes at once.
    public static let rest = Duration.seconds(5)

    private enum Use: UInt8 {
        case free, taken, resting
    }

    private let ip: String
    private let range: ClosedRange<UInt16>
    /// By port − lower bound.
    private var uses: [Use]
    private var takenCount = 0
    /// The resting ones, in the order of their return.
    private var returned: [(port: UInt16, at: Instant)] = []
    private var next: Int

    /// - Parameters:
    ///   - ip: A literal address.
    ///   - start: A random number, by which the first port is chosen: a gateway that was started again does not get
    ///     the packets meant for its predecessor.
    public init(ip: String, range: ClosedRange<UInt16>, start: UInt64) {
        next = Int(start % UInt64(range.count))
        uses = Array(repeating: .free, count: range.count)
        self.ip = ip
        self.range = range
    }

    /// How many ports transports hold.
    public var inUse: Int { takenCount }

    /// Takes a port and binds a socket to it.
    /// - Throws: `exhausted` when no port of the range can be bound.
    public mutating func bind(now: Instant) throws(MediaCoreError) -> UDPSocket {
        wakeRested(now: now)
        var byOthers = 0
        for step in 0..<range.count {
            let index = (next + step) % range.count
            guard uses[index] == .free else { continue }
            if let socket = try bind(index) { return socket }
            byOthers += 1
        }
        for position in returned.indices {
            let port = returned[position].port
            guard let socket = try bind(Int(port - range.lowerBound)) else {
                byOthers += 1
                continue
            }
            returned.remove(at: position)
            return socket
        }
        throw MediaCoreError(
            .exhausted, name: "Error",
            message: "no free UDP port in \(range.lowerBound)-\(range.upperBound) on \(ip): transports use "
                + "\(takenCount), other programs \(byOthers); widen portRange")
    }

    /// Gives a port back; its socket is closed by then, or will be at once.
    public mutating func release(_ port: UInt16, now: Instant) {
        guard range.contains(port), uses[Int(port - range.lowerBound)] == .taken else { return }
        uses[Int(port - range.lowerBound)] = .resting
        takenCount -= 1
        returned.append((port, now))
    }

    /// Nil: another program has the port.
    private mutating func bind(_ index: Int) throws(MediaCoreError) -> UDPSocket? {
        let port = range.lowerBound + UInt16(index)
        guard let address = SocketAddress(ip, port: port) else {
            throw MediaCoreError(.invalid, name: "TypeError", message: "listenIP '\(ip)' is no literal address")
        }
        do {
            let socket = try UDPSocket.bind(to: address)
            uses[index] = .taken
            takenCount += 1
            next = (index + 1) % range.count
            return socket
        } catch {
            if error.isTaken { return nil }
            throw .system("cannot bind UDP port \(address)", error.number)
        }
    }

    private mutating func wakeRested(now: Instant) {
        let rested = returned.prefix { now - $0.at >= Self.rest }.count
        for (port, _) in returned.prefix(rested) { uses[Int(port - range.lowerBound)] = .free }
        returned.removeFirst(rested)
    }
}
