import Base
import MediaCore

/// Hands out UDP ports of one range, each proved free by binding it.
///
/// A transport with RTCP on a port of its own gets an even port for RTP and the next one for RTCP (RFC 3550 §11): there are
/// tools that are told the first and reckon the second. Single ports are taken from pairs that are broken already, so that
/// whole ones last.
///
/// A port that comes back rests first: its late packets, and a remote side that has not noticed the end yet, shall not
/// fall into somebody else's transport. When nothing else is left, the port that rested longest is taken all the same.
public struct PortPool {
    /// RTP senders without a BYE are noticed within some seconds; ffmpeg's last RTCP comes at once.
    public static let standardQuarantine = Duration.seconds(5)

    private enum Use: UInt8 {
        case free, taken, resting
    }

    private let ip: String
    private let range: ClosedRange<UInt16>
    private let quarantine: Duration
    /// By port − lower bound.
    private var uses: [Use]
    private var takenCount = 0
    /// The resting ones, in the order of their return.
    private var returned: [(port: UInt16, at: Instant)] = []
    private var next: Int
    /// Free ports whose partner is not, newest last. Some may have changed since they were put here.
    private var halves: [Int] = []

    /// - Parameters:
    ///   - ip: A literal address.
    ///   - quarantine: How long a port rests that came back; zero: not at all.
    ///   - start: A random number, by which the first port is chosen: a gateway that was started again does not get
    ///     the packets meant for its predecessor.
    public init(
        ip: String, range: ClosedRange<UInt16>, quarantine: Duration = PortPool.standardQuarantine, start: UInt64
    ) {
        next = Int(start % UInt64(range.count))
        uses = Array(repeating: .free, count: range.count)
        self.ip = ip
        self.range = range
        self.quarantine = quarantine
    }

    /// How many ports are used, free and resting now.
    public mutating func figures(now: Instant) -> PortFigures {
        wakeRested(now: now)
        return PortFigures(
            used: takenCount, free: range.count - takenCount - returned.count, quarantined: returned.count)
    }

    /// Takes a port and binds a socket to it.
    /// - Throws: `exhausted` when no port of the range can be bound.
    public mutating func bind(now: Instant) throws(MediaCoreError) -> UDPSocket {
        wakeRested(now: now)
        while let index = halves.popLast() {
            guard uses[index] == .free, let partner = partner(of: index), uses[partner] != .free else { continue }
            if let socket = try bind(index) { return socket }
        }
        var byOthers = 0
        for step in 0..<range.count {
            let index = (next + step) % range.count
            guard uses[index] == .free else { continue }
            if let socket = try bind(index) {
                next = (index + 1) % range.count
                if let partner = partner(of: index), uses[partner] == .free { halves.append(partner) }
                return socket
            }
            byOthers += 1
        }
        for position in returned.indices {
            guard let socket = try bind(index(of: returned[position].port)) else {
                byOthers += 1
                continue
            }
            returned.remove(at: position)
            return socket
        }
        throw exhausted("no free UDP port", byOthers: byOthers)
    }

    /// Takes two ports, the first of them even, and binds a socket to each.
    /// - Throws: `exhausted` when no such pair of the range can be bound.
    public mutating func bindPair(now: Instant) throws(MediaCoreError) -> UDPSocketPair {
        wakeRested(now: now)
        var byOthers = 0
        for step in 0..<range.count {
            let first = (next + step) % range.count
            guard isEven(first), first + 1 < range.count, uses[first] == .free, uses[first + 1] == .free
            else { continue }
            if let pair = try bindPair(first) {
                next = (first + 2) % range.count
                return pair
            }
            byOthers += 1
        }
        for position in returned.indices {
            let index = index(of: returned[position].port)
            guard let partner = partner(of: index), uses[partner] != .taken else { continue }
            guard let pair = try bindPair(min(index, partner)) else {
                byOthers += 1
                continue
            }
            let ports = pair.ports
            returned.removeAll { $0.port == ports.rtp || $0.port == ports.rtcp }
            return pair
        }
        throw exhausted("no free pair of UDP ports (an even one and the next)", byOthers: byOthers)
    }

    /// Gives a port back; its socket is closed by then, or will be at once.
    public mutating func release(_ port: UInt16, now: Instant) {
        guard range.contains(port), uses[index(of: port)] == .taken else { return }
        takenCount -= 1
        if quarantine > .zero {
            uses[index(of: port)] = .resting
            returned.append((port, now))
        } else {
            free(port)
        }
    }

    // MARK: - Helpers

    private func index(of port: UInt16) -> Int { Int(port - range.lowerBound) }

    private func isEven(_ index: Int) -> Bool { (Int(range.lowerBound) + index) & 1 == 0 }

    /// The other one of the pair; nil: it is beyond the range.
    private func partner(of index: Int) -> Int? {
        let partner = isEven(index) ? index + 1 : index - 1
        return uses.indices.contains(partner) ? partner : nil
    }

    /// Nil: another program has one of the two.
    private mutating func bindPair(_ first: Int) throws(MediaCoreError) -> UDPSocketPair? {
        let (one, other) = (uses[first], uses[first + 1])
        guard let rtp = try bind(first) else { return nil }
        do {
            if let rtcp = try bind(first + 1) { return UDPSocketPair(rtp: rtp, rtcp: rtcp) }
        } catch {
            (uses[first], uses[first + 1]) = (one, other)
            takenCount -= 1
            throw error
        }
        (uses[first], uses[first + 1]) = (one, other)
        takenCount -= 1
        return nil
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
            return socket
        } catch {
            if error.isTaken { return nil }
            throw .system("cannot bind UDP port \(address)", error.number)
        }
    }

    private mutating func wakeRested(now: Instant) {
        let rested = returned.prefix { now - $0.at >= quarantine }.count
        for (port, _) in returned.prefix(rested) { free(port) }
        returned.removeFirst(rested)
    }

    private mutating func free(_ port: UInt16) {
        let index = index(of: port)
        uses[index] = .free
        if let partner = partner(of: index), uses[partner] != .free { halves.append(index) }
    }

    private func exhausted(_ what: String, byOthers: Int) -> MediaCoreError {
        MediaCoreError(
            .exhausted, name: "Error",
            message: "\(what) in \(range.lowerBound)-\(range.upperBound) on \(ip): transports use "
                + "\(takenCount), other programs \(byOthers); widen portRange")
    }
}

/// RTP on an even port, RTCP on the next.
public struct UDPSocketPair: ~Copyable {
    public let rtp: UDPSocket
    public let rtcp: UDPSocket

    public var ports: (rtp: UInt16, rtcp: UInt16) { (rtp.local.port, rtcp.local.port) }
}

/// What has become of the ports of a range. They add up to its size; some of the free ones may belong to other programs.
public struct PortFigures: Sendable, Hashable {
    /// Held by transports.
    public var used: Int
    public var free: Int
    /// Resting after their last use; taken only when nothing is free.
    public var quarantined: Int

    public init(used: Int = 0, free: Int = 0, quarantined: Int = 0) {
        (self.used, self.free, self.quarantined) = (used, free, quarantined)
    }
}
