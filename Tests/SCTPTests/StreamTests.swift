import Base
import SCTP
import TestSupport
import Testing

@Suite(.sctpTurn) struct StreamTests {
    @Test func `a stream that we end is told to the other side, and may be used again`() throws {
        let pair = try Pair.connected()
        try pair.a.send([1], stream: 5, pair.now, to: pair.b)
        pair.drive(for: .seconds(1))
        pair.a.reset(5, .outgoing, pair.now, to: pair.b)
        let b = pair.b
        #expect(pair.drive(for: .seconds(5)) { b.resets == [[5]] })
        #expect(pair.a.resets.isEmpty)
        pair.drive(for: .seconds(1))
        try pair.a.send([2], stream: 5, pair.now, to: pair.b)
        pair.drive(for: .seconds(1))
        #expect(pair.b.messages.map(\.payload) == [[1], [2]])
    }

    @Test func `a stream that we want ended is ended by the other side`() throws {
        let pair = try Pair.connected()
        try pair.b.send([1], stream: 9, pair.now, to: pair.a)
        pair.drive(for: .seconds(1))
        pair.a.reset(9, .incoming, pair.now, to: pair.b)
        let a = pair.a
        #expect(pair.drive(for: .seconds(5)) { a.resets == [[9]] })
    }

    @Test func `streams beyond those agreed on are asked for`() throws {
        let pair = try Pair.connected(SCTPSetup(outgoingStreams: 10))
        #expect(throws: SCTPError.noSuchStream(10, of: 10)) { try pair.a.send([1], stream: 10, pair.now, to: pair.b) }
        // Of none that there is.
        pair.a.reset(10, .outgoing, pair.now, to: pair.b)
        pair.a.extend(to: 10, pair.now, to: pair.b)
        let a = pair.a
        #expect(pair.drive(for: .seconds(5)) { a.outgoingStreams == 42 })
        try pair.a.send([1], stream: 41, pair.now, to: pair.b)
        pair.drive(for: .seconds(1))
        #expect(pair.b.messages.map(\.stream) == [41] && pair.b.resets.isEmpty)
    }
}
