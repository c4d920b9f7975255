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

    private func pool(_ range: ClosedRange<UInt16>) -> PortPool {
        PortPool(ip: "127.0.0.1", range: range, start: .random(in: 0 ... .max))
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
        #expect(pool.inUse == 4)
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
        now = now + PortPool.rest
        var given: Set<UInt16> = []
        given.insert(try pool.bind(now: now).local.port)
        given.insert(try pool.bind(now: now).local.port)
        #expect(given == [second, third])
        #expect(pool.inUse == 3)
    }

    @Test func `giving a port back twice, or a stranger, changes nothing`() throws {
        let range = try Self.freeRange(2)
        var pool = pool(range)
        let now = Instant(nanoseconds: 0)
        let port = try pool.bind(now: now).local.port
        pool.release(port, now: now)
        pool.release(port, now: now)
        pool.release(1, now: now)
        #expect(pool.inUse == 0)
    }

    @Test func `an address that is not ours is refused with its name`() throws {
        var pool = PortPool(ip: "192.0.2.1", range: 40_000...40_001, start: 1)
        #expect {
            _ = try pool.bind(now: Instant(nanoseconds: 0))
        } throws: {
            "\($0)".contains("cannot bind UDP port 192.0.2.1:4000")
        }
    }
}
