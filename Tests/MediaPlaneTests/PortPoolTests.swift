import Base
import MediaCore
import MediaPlane
import Testing

@Suite struct PortPoolTests {
    /// Four ports in a row that are free now, found by looking: other programs of this machine have ports too.
    private static func freeRange(_ count: Int) throws -> ClosedRange<UInt16> {
        var low = UInt16.random(in: 20_000...28_000)
        search: while low < 30_000 {
            for port in low..<low + UInt16(count) {
                let address = try #require(SocketAddress("127.0.0.1", port: port))
                do { _ = try UDPSocket.bind(to: address) } catch {
                    low = port + 1
                    continue search
                }
            }
            return low...low + UInt16(count) - 1
        }
        Issue.record("no free ports")
        return 1...1
    }

    private func pool(
        _ range: ClosedRange<UInt16>, quarantine: Duration = PortPool.standardQuarantine
    ) -> PortPool {
        PortPool(ip: "127.0.0.1", range: range, quarantine: quarantine, start: .random(in: 0 ... .max))
    }

    @Test func `every port of the range is given once, and then the error says what is the matter`() throws {
        let range = try Self.freeRange(4)
        var pool = pool(range)
        let start = Instant(nanoseconds: 0)
        let a = try pool.bind(now: start)
        let b = try pool.bind(now: start)
        let c = try pool.bind(now: start)
        let d = try pool.bind(now: start)
        #expect(Set([a.local.port, b.local.port, c.local.port, d.local.port]) == Set(range))
        #expect(pool.figures(now: start) == PortFigures(used: 4))
        #expect {
            _ = try pool.bind(now: start)
        } throws: { error in
            let error = error as? MediaCoreError
            return error?.code == .exhausted
                && error?.message
                    == "no free UDP port in \(range.lowerBound)-\(range.upperBound) on 127.0.0.1: transports use 4, "
                    + "other programs 0; widen portRange"
        }
    }

    @Test func `a port of another program is passed over and counted`() throws {
        let range = try Self.freeRange(3)
        let other = try TestSocket(port: range.lowerBound + 1)
        var pool = pool(range)
        let start = Instant(nanoseconds: 0)
        let a = try pool.bind(now: start)
        let b = try pool.bind(now: start)
        #expect(Set([a.local.port, b.local.port]) == [range.lowerBound, range.upperBound])
        #expect {
            _ = try pool.bind(now: start)
        } throws: {
            "\($0)".contains("transports use 2, other programs 1")
        }
        withExtendedLifetime(other) {}
    }

    @Test func `a port that came back rests, unless nothing else is left`() throws {
        let range = try Self.freeRange(3)
        var pool = pool(range)
        var now = Instant(nanoseconds: 0)
        let first = try pool.bind(now: now).local.port
        pool.release(first, now: now)
        // Two others are fresh.
        let second = try pool.bind(now: now).local.port
        #expect(second != first)
        let third = try pool.bind(now: now).local.port
        #expect(third != first && third != second)
        // Now only the resting one is left.
        #expect(try pool.bind(now: now).local.port == first)
        // Of two that rest, the one that has rested longer.
        now = now + .seconds(1)
        pool.release(second, now: now)
        now = now + .seconds(1)
        pool.release(third, now: now)
        #expect(try pool.bind(now: now).local.port == second)
        pool.release(second, now: now)
        // Rested: they are fresh again, and the walk goes on from the last one given.
        #expect(pool.figures(now: now) == PortFigures(used: 1, free: 0, quarantined: 2))
        now = now + PortPool.standardQuarantine
        #expect(pool.figures(now: now) == PortFigures(used: 1, free: 2, quarantined: 0))
        var given: Set<UInt16> = []
        given.insert(try pool.bind(now: now).local.port)
        given.insert(try pool.bind(now: now).local.port)
        #expect(given == [second, third])
        #expect(pool.figures(now: now) == PortFigures(used: 3))
    }

    @Test func `giving a port back twice, or a stranger, changes nothing`() throws {
        let range = try Self.freeRange(2)
        var pool = pool(range)
        let now = Instant(nanoseconds: 0)
        let port = try pool.bind(now: now).local.port
        pool.release(port, now: now)
        pool.release(port, now: now)
        pool.release(1, now: now)
        #expect(pool.figures(now: now) == PortFigures(free: 1, quarantined: 1))
    }

    @Test func `an address that is not ours is refused with its name`() throws {
        var pool = PortPool(ip: "192.0.2.1", range: 40_000...40_001, start: 1)
        #expect {
            _ = try pool.bind(now: Instant(nanoseconds: 0))
        } throws: {
            "\($0)".contains("cannot bind UDP port 192.0.2.1:4000")
        }
    }

    // MARK: - Pairs

    @Test func `a pair is an even port and the next, whatever the range begins with`() throws {
        let range = try Self.freeRange(7)
        var pool = pool(range)
        let now = Instant(nanoseconds: 0)
        // Seven ports in a row hold three pairs. (Their sockets close at once; the pool knows the ports as taken.)
        var given: Set<UInt16> = []
        for _ in 0..<3 {
            let ports = try pool.bindPair(now: now).ports
            #expect(ports.rtp % 2 == 0 && ports.rtcp == ports.rtp + 1)
            given.insert(ports.rtp)
        }
        #expect(given.count == 3)
        #expect {
            _ = try pool.bindPair(now: now)
        } throws: {
            "\($0)".contains("no free pair of UDP ports (an even one and the next) in \(range.lowerBound)-")
        }
        // The odd one out is good for a single port.
        let single = try pool.bind(now: now)
        #expect(single.local.port == (range.lowerBound % 2 == 0 ? range.upperBound : range.lowerBound))
    }

    @Test func `a pair of which another program has one is passed over whole`() throws {
        var range = try Self.freeRange(6)
        range = (range.lowerBound + range.lowerBound % 2)...(range.lowerBound + range.lowerBound % 2 + 3)
        let other = try TestSocket(port: range.lowerBound + 1)
        var pool = pool(range)
        let now = Instant(nanoseconds: 0)
        let pair = try pool.bindPair(now: now)
        #expect(pair.ports == (range.lowerBound + 2, range.lowerBound + 3))
        #expect {
            _ = try pool.bindPair(now: now)
        } throws: {
            "\($0)".contains("transports use 2, other programs 1")
        }
        // Its free half was given back.
        #expect(pool.figures(now: now) == PortFigures(used: 2, free: 2))
        #expect(try pool.bind(now: now).local.port == range.lowerBound)
        withExtendedLifetime(other) {}
    }

    @Test func `single ports use up broken pairs first, so that whole ones last`() throws {
        let range = try Self.freeRange(9)
        let even = range.lowerBound + range.lowerBound % 2
        var pool = pool(even...even + 7)
        let now = Instant(nanoseconds: 0)
        var singles: Set<UInt16> = []
        // Each socket closes at once; the pool knows its port as taken.
        for _ in 0..<4 { singles.insert(try pool.bind(now: now).local.port) }
        for _ in 0..<2 {
            let pair = try pool.bindPair(now: now)
            #expect(!singles.contains(pair.ports.rtp) && !singles.contains(pair.ports.rtcp))
        }
        // One of a pair comes back: the next single port is that one, once it has rested.
        let back = try #require(singles.first)
        pool.release(back, now: now)
        let later = now + PortPool.standardQuarantine
        #expect(try pool.bind(now: later).local.port == back)
    }

    @Test func `a pair that rests is taken when no other is left, the longest rested first`() throws {
        let range = try Self.freeRange(5)
        let even = range.lowerBound + range.lowerBound % 2
        var pool = pool(even...even + 3)
        var now = Instant(nanoseconds: 0)
        let first = try pool.bindPair(now: now).ports
        let second = try pool.bindPair(now: now).ports
        now = now + .seconds(1)
        pool.release(second.rtcp, now: now)
        pool.release(first.rtp, now: now)
        pool.release(first.rtcp, now: now)
        // Half of the second still belongs to somebody.
        #expect(try pool.bindPair(now: now).ports == first)
        #expect(pool.figures(now: now) == PortFigures(used: 3, free: 0, quarantined: 1))
    }

    @Test func `without quarantine a port is free at once`() throws {
        let range = try Self.freeRange(1)
        var pool = pool(range, quarantine: .zero)
        let now = Instant(nanoseconds: 0)
        for _ in 0..<3 {
            let port = try pool.bind(now: now).local.port
            #expect(port == range.lowerBound)
            pool.release(port, now: now)
            #expect(pool.figures(now: now) == PortFigures(free: 1))
        }
    }
}
