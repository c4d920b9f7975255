import Base
import DTLS
import TestSupport
import Testing

/// The handshake over a network that loses, doubles and reorders. Times are virtual.
@Suite struct LossTests {
    /// Datagrams of a handshake without loss: two of the client's, two of the server's.
    @Test(arguments: 0..<2, [false, true])
    func `each datagram may be lost once`(number: Int, isUp: Bool) {
        let pair = Pair()
        let begin = pair.clock.now
        if isUp { pair.losesUp = { $0 == number } } else { pair.losesDown = { $0 == number } }
        pair.start()
        while !pair.isConnected, pair.step() {}
        #expect(pair.agrees)
        let time = pair.clock.now - begin
        #expect(time > .milliseconds(400) && time < .milliseconds(500), "one timeout, not \(time)")
        pair.run()
        #expect(pair.client.names == ["connecting", "connected"] && pair.server.names == ["connecting", "connected"])
    }

    /// In small datagrams a handshake has many, and each may be the one.
    @Test func `each of many small datagrams may be lost once`() {
        let whole = Pair(maximumDatagramLength: 256)
        whole.start()
        whole.run()
        #expect(whole.agrees)
        let (up, down) = (whole.client.sent.count, whole.server.sent.count)
        #expect(up >= 4 && down >= 4)
        #expect((whole.client.sent + whole.server.sent).allSatisfy { $0.count <= 256 })
        for number in 0..<(up + down) {
            let pair = Pair(maximumDatagramLength: 256)
            pair.losesUp = { $0 == number }
            pair.losesDown = { $0 == number - up }
            let begin = pair.clock.now
            pair.start()
            while !pair.isConnected, pair.step() {}
            #expect(pair.agrees, "datagram \(number) of \(up) and \(down)")
            #expect(pair.clock.now - begin < .seconds(2), "datagram \(number) of \(up) and \(down)")
        }
    }

    /// The server is connected and waits for nothing; only a repetition that its replay window does not know makes it
    /// say its last word again.
    @Test func `the server's last word may be lost six times`() {
        let pair = Pair()
        // 0 is the hello; repetitions of it come to nothing once the client has answered.
        pair.losesDown = { (1...6).contains($0) }
        pair.start()
        pair.run()
        #expect(pair.agrees)
        #expect(Set(pair.client.sent).count == pair.client.sent.count, "no two datagrams are the same")
    }

    @Test func `who gets no answer gives up and says so`() {
        let pair = Pair()
        let begin = pair.clock.now
        pair.losesUp = { _ in true }
        pair.start()
        pair.run()
        #expect(pair.client.names == ["connecting", "failed"])
        #expect(pair.client.reason?.contains("no answer of the remote side for 31 s") == true)
        #expect(pair.clock.now - begin == .milliseconds(31_600))
        #expect(pair.client.sent.count == 8)
        #expect(pair.server.names == ["connecting"], "who was never spoken to waits on")
        #expect(pair.server.session.nextDeadline == nil)
    }

    @Test func `a server whose answers are lost gives up as well`() {
        let pair = Pair()
        pair.losesDown = { _ in true }
        pair.start()
        pair.run()
        #expect(pair.client.names == ["connecting", "failed"] && pair.server.names == ["connecting", "failed"])
    }

    @Test func `reordering, duplication and loss together`() {
        let first = UInt64.random(in: 0 ... .max - 100)
        for seed in first..<(first + 60) {
            let pair = Pair(
                seed: seed, loss: 0.2, duplication: 0.2, reordering: 0.3,
                maximumDatagramLength: seed % 2 == 0 ? 1200 : 300)
            pair.start()
            pair.run()
            #expect(pair.agrees, "\(pair.up)")
        }
    }

    @Test func `data flows both ways, and what is doubled arrives once`() throws {
        let pair = Pair(seed: 5, duplication: 1, reordering: 0.3)
        pair.start()
        pair.run()
        let longest = pair.client.session.maximumDataLength
        for length in [1, 20, 500, longest] {
            let data = [UInt8](repeating: UInt8(length % 251), count: length)
            pair.onClient { session, effects in
                #expect(throws: Never.self) { try session.send(data.span.bytes, into: &effects) }
            }
            pair.onServer { session, effects in
                #expect(throws: Never.self) { try session.send(data.span.bytes, into: &effects) }
            }
            pair.run()
            #expect(pair.client.received.last == data && pair.server.received.last == data)
        }
        #expect(pair.client.received.count == 4 && pair.server.received.count == 4)
        #expect((pair.client.sent + pair.server.sent).allSatisfy { $0.count <= 1200 })
        let tooLong = [UInt8](repeating: 1, count: longest + 1)
        pair.onClient { session, effects in
            #expect(throws: DTLSError.tooLong(maximum: longest, got: longest + 1)) {
                try session.send(tooLong.span.bytes, into: &effects)
            }
        }
    }
}
