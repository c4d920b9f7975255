import Base
import SCTP
import TestSupport
import Testing

@Suite(.sctpTurn) struct AssociationTests {
    @Test(arguments: [0, 0.2] as [Double])
    func `two that say INIT at the same time agree, also when packets are lost`(_ loss: Double) throws {
        let pair = try Pair.connected(
            SCTPSetup(outgoingStreams: 16, incomingStreams: 2048), other: SCTPSetup(outgoingStreams: 300), loss: loss)
        #expect(pair.a.states == [.connecting, .connected])
        #expect(pair.b.states == [.connecting, .connected])
        #expect(pair.a.outgoingStreams == 16)
        #expect(pair.b.outgoingStreams == 300)
    }

    @Test func `an INIT that nobody answers is said for an hour and more, and the late one is taken`() throws {
        let pair = try Pair()
        pair.a.start(pair.now, to: nil)
        pair.drive(for: .seconds(3600), step: .milliseconds(100))
        #expect(pair.a.states == [.connecting])
        // INIT, then again after 1, 2, 4 and at most 5 seconds each.
        #expect((700...1300).contains(pair.a.packets.count), "\(pair.a.packets.count)")
        pair.b.start(pair.now, to: pair.a)
        let (a, b) = (pair.a, pair.b)
        #expect(pair.drive(for: .seconds(1)) { a.state == .connected && b.state == .connected })
        #expect(pair.a.states == [.connecting, .connected])
    }

    @Test func `closing tells the other side at once`() throws {
        let pair = try Pair.connected()
        pair.a.close(pair.now, to: pair.b)
        pair.drive(for: .milliseconds(20))
        #expect(pair.a.states.last == .closed && pair.b.states.last == .closed)
        // Twice is once, and nothing more goes out.
        let count = pair.a.packets.count
        pair.a.close(pair.now, to: pair.b)
        pair.a.advance(pair.now, to: pair.b)
        #expect(pair.a.packets.count == count)
        #expect(throws: SCTPError.notConnected) { try pair.a.send([1], pair.now, to: pair.b) }
    }

    @Test func `no packet is longer than was said`() throws {
        let pair = try Pair.connected(SCTPSetup(maximumPacketLength: 1163))
        try pair.a.send([UInt8](repeating: 7, count: 50_000), pair.now, to: pair.b)
        let b = pair.b
        #expect(pair.drive(for: .seconds(5)) { b.messages.count == 1 })
        #expect(pair.a.longestPacket <= 1163 && pair.a.longestPacket > 1100, "\(pair.a.longestPacket)")
    }

    @Test func `garbage is not answered and changes nothing`() throws {
        let pair = try Pair.connected()
        var random = SeededGenerator(seed: 3)
        let (count, states) = (pair.b.packets.count, pair.b.states)
        for length in 0..<300 {
            var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            // With the right ports it gets further.
            if length.isMultiple(of: 2), length >= 4 { bytes.replaceSubrange(0..<4, with: [0x13, 0x88, 0x13, 0x88]) }
            pair.b.take(bytes, pair.now, to: pair.a)
        }
        #expect(pair.b.packets.count == count && pair.b.states == states)
        try pair.a.send(Array("still here".utf8), pair.now, to: pair.b)
        pair.drive(for: .milliseconds(100))
        #expect(pair.b.texts == ["still here"])
    }

    @Test(
        arguments: [
            ([0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0, 0], true),
            ([0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0], false),
            ([0x13, 0x88, 0x13, 0x89, 0, 0, 0, 0, 0, 0, 0, 0], false),
        ] as [([UInt8], Bool)])
    func `what is SCTP at all is told by its ports`(_ bytes: [UInt8], _ expected: Bool) {
        let isPacket = SCTPAssociation.isPacket(bytes.span.bytes)
        #expect(isPacket == expected)
    }
}
