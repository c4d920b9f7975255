import Base

/// A bucket of tokens in one number: the time up to which those that were taken are paid for (ITU I.371, "virtual
/// scheduling").
struct RateLimit: Sendable {
    private var paidUntil = Instant(nanoseconds: 0)

    /// - Parameters:
    ///   - interval: Nanoseconds in which one token comes back.
    ///   - burst: Tokens in a full bucket.
    mutating func take(_ now: Instant, interval: Int64, burst: Int64) -> Bool {
        let start = max(paidUntil, now)
        guard start.nanoseconds - now.nanoseconds <= interval * (burst - 1) else { return false }
        paidUntil = Instant(nanoseconds: start.nanoseconds + interval)
        return true
    }

    /// Whether this bucket has been left alone for longer than that one; both of the same size.
    func isFuller(than other: RateLimit) -> Bool { paidUntil < other.paidUntil }
}

/// How many checks each address may send before it has proved to be the client: the last few addresses, each with a bucket.
///
/// A newcomer takes the place of the fullest bucket, so a flood from one address is held back and one from many addresses is
/// not; what those can cost is said at `ICELiteAgent`. Nobody is worse off for being forgotten.
struct SourceLimits: Sendable {
    static let capacity = 8

    private struct Source {
        var address: SocketAddress
        var limit = RateLimit()
    }

    private var sources: InlineArray<8, Source?> = InlineArray(repeating: nil)

    mutating func take(_ remote: SocketAddress, _ now: Instant, interval: Int64, burst: Int64) -> Bool {
        let address = remote.withoutPort
        var place = 0
        for candidate in 0..<Self.capacity {
            guard let source = sources[candidate] else {
                place = candidate
                break
            }
            if source.address == address {
                var limit = source.limit
                defer { sources[candidate] = Source(address: address, limit: limit) }
                return limit.take(now, interval: interval, burst: burst)
            }
            if let fullest = sources[place], source.limit.isFuller(than: fullest.limit) { place = candidate }
        }
        var source = Source(address: address)
        defer { sources[place] = source }
        return source.limit.take(now, interval: interval, burst: burst)
    }
}

extension SocketAddress {
    /// Who it is: ports cost nothing, and neither do the lower 64 bits of an IPv6 address.
    fileprivate var withoutPort: SocketAddress {
        var address = self
        address.port = 0
        if !isIPv4 {
            // 16 bytes of a plain value; the pointer does not leave.
            withUnsafeMutableBytes(of: &address.storage.sin6_addr) { bytes in
                bytes.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
            }
        }
        return address
    }
}
