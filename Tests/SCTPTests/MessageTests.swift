import Base
import SCTP
import TestSupport
import Testing

@Suite(.sctpTurn) struct MessageTests {
    private static func text(_ number: Int) -> [UInt8] { Array("\(number)".utf8) }

    @Test(arguments: [0, 0.1] as [Double])
    func `ordered messages arrive all and in order, with their stream and kind`(_ loss: Double) throws {
        let pair = try Pair.connected(loss: loss)
        let b = pair.b
        for number in 0..<200 {
            try pair.a.send(Self.text(number), stream: 3, ppid: 51, pair.now, to: pair.b)
            if number.isMultiple(of: 10) { pair.drive(for: .milliseconds(10)) }
        }
        #expect(pair.drive(for: .seconds(120)) { b.messages.count == 200 })
        #expect(pair.b.texts == (0..<200).map { "\($0)" })
        #expect(pair.b.messages.allSatisfy { $0.stream == 3 && $0.ppid == 51 })
    }

    @Test func `unordered messages overtake one that was lost`() throws {
        let pair = try Pair.connected()
        try pair.a.send(Self.text(0), isOrdered: false, pair.now, to: nil)
        for number in 1...5 { try pair.a.send(Self.text(number), isOrdered: false, pair.now, to: pair.b) }
        let b = pair.b
        #expect(pair.drive(for: .seconds(10)) { b.messages.count == 6 })
        #expect(Set(pair.b.texts) == Set((0...5).map { "\($0)" }))
        #expect(pair.b.texts.last == "0")
    }

    @Test func `ordered ones wait for it`() throws {
        let pair = try Pair.connected()
        try pair.a.send(Self.text(0), pair.now, to: nil)
        for number in 1...5 { try pair.a.send(Self.text(number), pair.now, to: pair.b) }
        let b = pair.b
        #expect(pair.drive(for: .seconds(10)) { b.messages.count == 6 })
        #expect(pair.b.texts == (0...5).map { "\($0)" })
    }

    @Test func `one that may be sent again no more than so often is given up, the next ones come`() throws {
        let pair = try Pair.connected()
        try pair.a.send(Self.text(0), isOrdered: false, reliability: .retransmissions(0), pair.now, to: nil)
        for number in 1...3 { try pair.a.send(Self.text(number), isOrdered: false, pair.now, to: pair.b) }
        let b = pair.b
        #expect(pair.drive(for: .seconds(10)) { b.messages.count == 3 })
        pair.drive(for: .seconds(20))
        #expect(pair.b.texts == ["1", "2", "3"])
        #expect(pair.a.bufferedAmount == 0)
    }

    @Test func `one that is older than its life is given up`() throws {
        let pair = try Pair.connected()
        try pair.a.send(Self.text(0), isOrdered: false, reliability: .lifetime(milliseconds: 1), pair.now, to: nil)
        try pair.a.send(Self.text(1), isOrdered: false, pair.now, to: nil)
        let b = pair.b
        #expect(pair.drive(for: .seconds(60)) { b.messages.count == 1 })
        pair.drive(for: .seconds(60))
        #expect(pair.b.texts == ["1"])
    }

    @Test(arguments: [0, 0.02] as [Double])
    func `a message of 256 KB arrives whole`(_ loss: Double) throws {
        let pair = try Pair.connected(loss: loss)
        var random = SeededGenerator(seed: 1)
        let message = (0..<262_144).map { _ in UInt8.random(in: 0...255, using: &random) }
        try pair.a.send(message, stream: 1, pair.now, to: pair.b)
        let b = pair.b
        #expect(pair.drive(for: .seconds(300)) { b.messages.count == 1 })
        #expect(pair.b.messages.first?.payload == message)
        // The last acknowledgement takes its time.
        pair.drive(for: .seconds(1))
        #expect(pair.a.bufferedAmount == 0)
    }

    @Test func `a larger one is refused by us, and thrown away by the one that did not agree to it`() throws {
        let pair = try Pair.connected(
            SCTPSetup(maximumMessageSize: 100_000), other: SCTPSetup(maximumMessageSize: 1000))
        #expect(throws: SCTPError.tooLong(maximum: 100_000, got: 100_001)) {
            try pair.a.send([UInt8](repeating: 0, count: 100_001), pair.now, to: pair.b)
        }
        #expect(throws: SCTPError.empty) { try pair.a.send([], pair.now, to: pair.b) }
        for size in [1001, 90_000, 1000] {
            try pair.a.send([UInt8](repeating: 1, count: size), pair.now, to: pair.b)
        }
        let b = pair.b
        #expect(pair.drive(for: .seconds(10)) { b.messages.count == 1 })
        #expect(pair.b.messages.map(\.payload.count) == [1000] && pair.b.droppedMessages == 2)
    }

    @Test func `what waits is counted, and beyond the buffer refused`() throws {
        let pair = try Pair.connected(SCTPSetup(sendBufferSize: 20_000))
        for _ in 0..<4 { try pair.a.send([UInt8](repeating: 1, count: 5000), pair.now, to: pair.b) }
        #expect(pair.a.bufferedAmount == 20_000)
        #expect(throws: SCTPError.bufferFull) { try pair.a.send([1], pair.now, to: pair.b) }
        let a = pair.a
        #expect(pair.drive(for: .seconds(10)) { a.bufferedAmount == 0 })
        #expect(pair.a.buffered.last == 0)
        #expect(pair.a.buffered == pair.a.buffered.sorted(by: >))
        try pair.a.send([1], pair.now, to: pair.b)
    }
}
