import Base
import ICE
import Testing

@Suite struct ConsentTests {
    @Test(arguments: [(30, 30), (10, 10), (60, 60), (5, 10), (-1, 10), (100, 60)])
    func `a client that is silent for the timeout is gone`(asked: Int, seconds: Int) throws {
        var client = try Client(consentTimeout: asked)
        let none = client.agent.nextDeadline
        #expect(none == nil)
        let (a, b) = (try ICETuple.udp(1), try ICETuple.udp(2))
        client.send(from: a)
        client.clock.advance(by: .seconds(seconds) - .nanoseconds(1))
        // One check through any tuple begins the time anew.
        client.send(from: b)
        let deadline = client.agent.nextDeadline
        #expect(deadline == client.clock.now + .seconds(seconds))
        client.clock.advance(by: .seconds(seconds) - .nanoseconds(1))
        let early = client.agent.advance(to: client.clock.now)
        #expect(early.isEmpty)
        client.clock.advance(by: .nanoseconds(1))
        let events = client.agent.advance(to: client.clock.now)
        #expect(Array(events) == [.tupleRemoved(a), .tupleRemoved(b), .stateChanged(.disconnected)])
        let (after, selected, state) = (client.agent.nextDeadline, client.agent.selectedTuple, client.agent.state)
        #expect(after == nil)
        #expect(selected == nil)
        #expect(state == .disconnected)
        let media = client.agent.receiveMedia(from: a)
        #expect(media == .unknownTuple)
        let again = client.send(from: b)
        #expect(again.list == [.tupleAdded(b), .tupleSelected(b), .stateChanged(.connected)])
    }

    @Test func `eight tuples at once are dropped in one go`() throws {
        var client = try Client()
        for number in 1...8 { client.send(from: try ICETuple.udp(UInt16(number))) }
        client.clock.advance(by: .seconds(30))
        let events = client.agent.advance(to: client.clock.now)
        #expect(events.count == 9)
        #expect(Array(events).last == .stateChanged(.disconnected))
    }

    @Test func `with a timeout of 0 consent has no end`() throws {
        var client = try Client(consentTimeout: 0)
        client.send(from: try ICETuple.udp(1))
        client.clock.advance(by: .seconds(86_400))
        let events = client.agent.advance(to: client.clock.now)
        #expect(events.isEmpty)
        let (deadline, state) = (client.agent.nextDeadline, client.agent.state)
        #expect(deadline == nil)
        #expect(state == .connected)
    }

    @Test func `neither media nor a refused check are consent`() throws {
        var client = try Client()
        let tuple = try ICETuple.udp(1)
        client.send(from: tuple)
        let deadline = client.agent.nextDeadline
        client.clock.advance(by: .seconds(9))
        _ = client.agent.receiveMedia(from: tuple)
        for check in [Check(password: "another"), Check(isControlled: true), Check(priority: 0)] {
            client.send(check, from: tuple)
        }
        let after = client.agent.nextDeadline
        #expect(after == deadline)
    }

    @Test func `a restart gives a connected client its whole time again, and a new one none`() throws {
        var client = try Client()
        var random = SystemRandomNumberGenerator()
        _ = client.agent.restart(using: &random, now: client.clock.now)
        let none = client.agent.nextDeadline
        #expect(none == nil)
        client.send(from: try ICETuple.udp(1))
        client.clock.advance(by: .seconds(20))
        _ = client.agent.restart(using: &random, now: client.clock.now)
        let deadline = client.agent.nextDeadline
        #expect(deadline == client.clock.now + .seconds(30))
    }
}
