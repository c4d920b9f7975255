import Base
import ICE
import STUN
import Testing

@Suite struct TupleTests {
    @Test func `the first check is answered and its tuple selected; a repeated one changes nothing`() throws {
        var client = try Client()
        let tuple = try ICETuple.udp(1)
        let first = client.send(from: tuple)
        #expect(first.verdict == .accepted)
        #expect(first.list == [.tupleAdded(tuple), .tupleSelected(tuple), .stateChanged(.connected)])
        let message = try STUNMessage(parsing: client.reply.span.bytes)
        #expect(message.transaction == STUNTransactionID(high: 1, low: 2))
        #expect(message.mappedAddress == tuple.remote)
        let isAuthentic = message.isAuthentic(STUNKey(Client.password), in: client.reply.span.bytes)
        #expect(isAuthentic)
        for _ in 0..<5 {
            let repeated = client.send(from: tuple)
            #expect(repeated.verdict == .accepted)
            #expect(repeated.replyLength == 64)
            #expect(repeated.events.isEmpty)
        }
        let selected = client.agent.selectedTuple
        #expect(selected == tuple)
    }

    @Test(arguments: [true, false])
    func `a first check that nominates completes at once`(byNumber: Bool) throws {
        var client = try Client()
        let tuple = try ICETuple.udp(1, ip: "2001:db8::7")
        let answer = client.send(byNumber ? Check(nomination: 0) : Check(usesCandidate: true), from: tuple)
        #expect(answer.list == [.tupleAdded(tuple), .tupleSelected(tuple), .stateChanged(.completed)])
        #expect(answer.replyLength == ICELiteAgent.maximumReplyLength)
        let mapped = try STUNMessage(parsing: client.reply.span.bytes).mappedAddress
        #expect(mapped == tuple.remote)
    }

    @Test func `only a higher number nominates, also beside USE-CANDIDATE`() throws {
        var client = try Client()
        let (a, b) = (try ICETuple.udp(1), try ICETuple.udp(2))
        client.send(from: a)
        let first = client.send(Check(nomination: 3), from: b)
        #expect(first.list == [.tupleAdded(b), .tupleSelected(b), .stateChanged(.completed)])
        for number in [0, 2, 3] as [UInt32] {
            let late = client.send(Check(usesCandidate: true, nomination: number), from: a)
            #expect(late.verdict == .accepted)
            #expect(late.events.isEmpty, "\(number)")
        }
        let higher = client.send(Check(usesCandidate: true, nomination: 4), from: a)
        #expect(higher.list == [.tupleSelected(a)])
    }

    @Test func `the ninth tuple takes the place of the oldest that is not selected`() throws {
        var client = try Client()
        let tuples = try (1...10).map { try ICETuple.udp($0) }
        for tuple in tuples.prefix(8) { client.send(from: tuple) }
        let known = client.agent.tuples
        #expect(known == tuples.prefix(8).reversed())
        // The first is the selected one, and stays.
        let ninth = client.send(from: tuples[8])
        #expect(ninth.list == [.tupleRemoved(tuples[1]), .tupleAdded(tuples[8])])
        let tenth = client.send(Check(usesCandidate: true), from: tuples[9])
        #expect(
            tenth.list == [
                .tupleRemoved(tuples[2]), .tupleAdded(tuples[9]), .tupleSelected(tuples[9]), .stateChanged(.completed),
            ])
        let back = client.send(from: tuples[1])
        #expect(back.list == [.tupleRemoved(tuples[0]), .tupleAdded(tuples[1])])
        let (count, selected) = (client.agent.tuples.count, client.agent.selectedTuple)
        #expect(count == 8)
        #expect(selected == tuples[9])
    }

    @Test func `media from another tuple of the client select it; from elsewhere they are nobody's`() throws {
        var client = try Client()
        let (a, b, stranger) = (try ICETuple.udp(1), try ICETuple.udp(2), try ICETuple.udp(3))
        let before = client.agent.receiveMedia(from: a)
        #expect(before == .unknownTuple)
        client.send(from: a)
        client.send(from: b)
        let verdicts = [
            client.agent.receiveMedia(from: a), client.agent.receiveMedia(from: b), client.agent.receiveMedia(from: b),
            client.agent.receiveMedia(from: stranger),
        ]
        #expect(verdicts == [.selected, .switched, .selected, .unknownTuple])
        let (selected, state) = (client.agent.selectedTuple, client.agent.state)
        #expect(selected == b)
        #expect(state == .connected)
    }

    @Test func `one address on two sockets, or by two protocols, is two tuples`() throws {
        var client = try Client()
        client.send(from: try ICETuple.udp(1, socket: 1))
        let second = client.send(from: try ICETuple.udp(1, socket: 2))
        #expect(second.list == [.tupleAdded(try ICETuple.udp(1, socket: 2))])
        let third = client.send(from: try ICETuple.tcp(1, socket: 1))
        #expect(third.list == [.tupleAdded(try ICETuple.tcp(1, socket: 1))])
    }

    @Test func `when the selected connection closes, the newest of the others is selected, and the state stays`() throws
    {
        var client = try Client()
        let tuples = try (1...3).map { try ICETuple.tcp($0, socket: UInt32($0)) }
        client.send(Check(usesCandidate: true), from: tuples[0])
        for tuple in tuples.dropFirst() { client.send(from: tuple) }
        let stranger = client.agent.remove(try ICETuple.udp(1))
        #expect(stranger.isEmpty)
        let unused = client.agent.remove(tuples[1])
        #expect(Array(unused) == [.tupleRemoved(tuples[1])])
        client.send(from: tuples[1])
        let selected = client.agent.remove(tuples[0])
        #expect(Array(selected) == [.tupleRemoved(tuples[0]), .tupleSelected(tuples[1])])
        let state = client.agent.state
        #expect(state == .completed)
        _ = client.agent.remove(tuples[1])
        let last = client.agent.remove(tuples[2])
        #expect(Array(last) == [.tupleRemoved(tuples[2]), .stateChanged(.disconnected)])
        let deadline = client.agent.nextDeadline
        #expect(deadline == nil)
        // And it may come back; numbers of nominations begin anew.
        let again = client.send(Check(nomination: 1), from: tuples[2])
        #expect(again.list == [.tupleAdded(tuples[2]), .tupleSelected(tuples[2]), .stateChanged(.completed)])
    }
}
