import Base
import DTLS
import TestSupport
import Testing

@Suite struct HostileInputTests {
    /// What came from nobody in particular leaves an established session as it is.
    @Test func `nothing that isn't authenticated harms a connected session`() {
        let pair = Pair()
        pair.start()
        pair.run()
        let known = pair.client.sent
        let count = pair.server.sent.count
        var random = SeededGenerator(seed: 3)
        for content: UInt8 in 20...25 {
            for epoch: UInt8 in 0...2 {
                for length in [0, 1, 2, 12, 40, 300, 1187, 16_384, 18_000, 60_000] {
                    for version: [UInt8] in [[254, 253], [254, 255], [3, 3]] {
                        var datagram: [UInt8] = [content] + version + [0, epoch, 0, 0, 0, 0, 1, UInt8(length % 200)]
                        datagram += [UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)]
                        // An alert that ends everything (fatal, internal error), or anything.
                        datagram +=
                            length == 2 ? [2, 80] : (0..<length).map { _ in .random(in: 0...255, using: &random) }
                        pair.onServer { $0.receive(datagram.span.bytes, now: Instant(nanoseconds: 5), into: &$1) }
                    }
                }
            }
        }
        for datagram in known {
            // Each again, each cut at every length, each with a bit turned over.
            for length in 0...datagram.count {
                pair.onServer {
                    $0.receive(Array(datagram.prefix(length)).span.bytes, now: Instant(nanoseconds: 5), into: &$1)
                }
            }
            for place in datagram.indices {
                var changed = datagram
                changed[place] ^= 0x20
                pair.onServer { $0.receive(changed.span.bytes, now: Instant(nanoseconds: 5), into: &$1) }
            }
        }
        #expect(pair.server.names == ["connecting", "connected"])
        #expect(pair.server.sent.count == count, "nothing of it is answered")
        #expect(pair.server.received.isEmpty)
        // And it works on.
        pair.onClient { session, effects in
            #expect(throws: Never.self) { try session.send([UInt8]([7, 8]).span.bytes, into: &effects) }
        }
        pair.run()
        #expect(pair.server.received == [[7, 8]])
    }

    @Test func `data that is replayed is heard once`() throws {
        let pair = Pair()
        pair.start()
        pair.run()
        pair.onClient { session, effects in
            #expect(throws: Never.self) { try session.send([UInt8]([1, 2]).span.bytes, into: &effects) }
        }
        let datagram = try #require(pair.client.sent.last)
        pair.run()
        for _ in 0..<100 {
            pair.onServer { $0.receive(datagram.span.bytes, now: Instant(nanoseconds: 5), into: &$1) }
        }
        #expect(pair.server.received == [[1, 2]])
    }

    /// Lengths, contents and cuts of a hello: whatever happens, it ends in one of the states.
    @Test func `a fresh server survives anything`() {
        let hello = Side(identities.client, remote: nil).act {
            $0.start(as: .client, now: Instant(nanoseconds: 0), into: &$1)
        }[0]
        let seed = UInt64.random(in: 0 ... .max)
        print("a fresh server survives anything: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for round in 0..<400 {
            let server = Side(identities.server, remote: nil)
            _ = server.act { $0.start(as: .server, now: Instant(nanoseconds: 0), into: &$1) }
            for _ in 0..<4 {
                var datagram = hello
                if round % 4 == 0 {
                    datagram = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                        .random(in: 0...255, using: &random)
                    }
                }
                if round % 4 == 1 { datagram = Array(hello.prefix(Int.random(in: 0...hello.count, using: &random))) }
                if round % 4 >= 2 {
                    datagram[Int.random(in: 0..<hello.count, using: &random)] = .random(in: 0...255, using: &random)
                }
                _ = server.act { $0.receive(datagram.span.bytes, now: Instant(nanoseconds: 0), into: &$1) }
            }
            #expect(["connecting", "failed"].contains(server.session.state.name))
            if let reason = server.reason { #expect(!reason.isEmpty) }
        }
    }

    /// The most that a stranger on a known tuple can make one session keep: pieces of messages that never become whole,
    /// and records of a key that does not exist yet.
    @Test func `floods of pieces are bounded`() {
        let server = Side(identities.server, remote: nil)
        _ = server.act { $0.start(as: .server, now: Instant(nanoseconds: 0), into: &$1) }
        let before = allocatedBytes()
        for number in 0..<20_000 {
            let low = [UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)]
            let record: [UInt8] =
                number % 2 == 0
                // One byte of a certificate that is said to have 16,000, message after message.
                ? [22, 254, 253, 0, 0, 0, 0, 0, 1] + low + [0, 13, 11, 0, 0x3E, 0x80] + low + [0, 0, 9, 0, 0, 1, 0]
                : [22, 254, 253, 0, 1, 0, 0, 0, 0] + low + [0, 25] + [UInt8](repeating: 7, count: 25)
            _ = server.act { $0.receive(record.span.bytes, now: Instant(nanoseconds: 0), into: &$1) }
        }
        let growth = allocatedBytes() - before
        print("floods of pieces: \(growth) bytes, \(server.session.state.name)")
        #expect(growth < 8_000_000)
    }
}
