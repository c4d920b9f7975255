import Base
import ICE
import STUN
import TestSupport
import Testing

/// What somebody gets out of an agent who does not know its password.
@Suite struct StrangerTests {
    @Test func `whoever proves nothing is never answered with more than he brought`() throws {
        var client = try Client()
        let tuple = try ICETuple.udp(1)
        var requests: [[UInt8]] = []
        // From a bare head on, longer and longer.
        for count in 0...20 {
            for hasFingerprint in [true, false] {
                var bytes = [UInt8](repeating: 0, count: 200)
                var span = bytes.mutableSpan
                var raw = span.mutableBytes
                var stun = try #require(STUNBuilder(.request, STUNTransactionID(high: 1, low: 2), into: &raw))
                if count > 0 { stun.username(String(repeating: "x", count: count), into: &raw) }
                if hasFingerprint { stun.fingerprint(into: &raw) }
                let length = stun.length
                requests.append(Array(bytes[..<length]))
            }
        }
        var (answered, silent) = (0, 0)
        for request in requests {
            // So that no rate is in the way.
            client.clock.advance(by: .seconds(1))
            let answer = client.send(request, from: tuple)
            #expect(answer.verdict == .refused(.badRequest))
            #expect(answer.replyLength <= request.count)
            if answer.replyLength > 0 { answered += 1 } else { silent += 1 }
        }
        #expect(answered > 0)
        #expect(silent > 0)
        let state = client.agent.state
        #expect(state == .new)
    }

    @Test func `a flood from one address is held back, whatever its ports, and the client is served all the while`()
        throws
    {
        var client = try Client()
        let tuple = try ICETuple.udp(1)
        client.send(from: tuple)
        var (replies, accepted, limited) = (0, 0, 0)
        // Ten seconds: 1,000 forged checks a second, 20 of the client's.
        for step in 0..<10_000 {
            client.clock.advance(by: .milliseconds(1))
            let forger = try ICETuple.udp(UInt16(step % 5000), ip: "198.51.100.9")
            let forged = client.send(Check(password: "guess"), from: forger)
            if forged.replyLength > 0 { replies += 1 }
            if forged.verdict == .ignored(.limited) { limited += 1 }
            if step % 50 == 0, client.send(from: tuple).verdict == .accepted { accepted += 1 }
        }
        #expect(accepted == 200)
        #expect((1...240).contains(replies), "\(replies) error answers")
        // 100 at once and 100 a second are looked at.
        #expect((8800...8950).contains(limited), "\(limited) ignored")
        let counters = client.agent.counters
        #expect(counters.limited == UInt64(limited))
        #expect(counters.accepted == 201)
    }

    @Test func `error answers have one rate for all who ask`() throws {
        var client = try Client()
        var replies = 0
        for number in 0..<4000 {
            client.clock.advance(by: .milliseconds(1))
            let ip = "198.51.\(number / 250).\(number % 250)"
            if client.send(Check(password: "guess"), from: try ICETuple.udp(1, ip: ip)).replyLength > 0 { replies += 1 }
        }
        // 40 at once, 20 a second.
        #expect((100...121).contains(replies), "\(replies)")
    }

    @Test func `behind one IPv6 prefix they are one`() throws {
        var client = try Client()
        var limited = 0
        for number in 0..<300 {
            let stranger = try ICETuple.udp(1, ip: "2001:db8:0:1::\(String(number, radix: 16))")
            if client.send(Check(password: "guess"), from: stranger).verdict == .ignored(.limited) { limited += 1 }
        }
        #expect(limited == 200)
        let neighbour = client.send(Check(password: "guess"), from: try ICETuple.udp(1, ip: "2001:db8:0:2::1"))
        #expect(neighbour.verdict == .refused(.unauthorized))
    }

    @Test func `a browser that checks five pairs 50 times a second misses no answer`() throws {
        var client = try Client()
        let pairs =
            try (1...3).map { try ICETuple.udp($0) }
            + [try ICETuple.udp(4, ip: "2001:db8::1"), try ICETuple.tcp(5, socket: 9)]
        for step in 0..<2500 {
            client.clock.advance(by: .milliseconds(4))
            client.send(Check(usesCandidate: step > 500), from: pairs[step % pairs.count])
            #expect(!client.reply.isEmpty, "step \(step)")
        }
    }

    @Test func `indications, answers and what is no STUN are passed over in silence`() throws {
        var client = try Client()
        let tuple = try ICETuple.udp(1)
        for kind in [STUNClass.indication, .success, .failure] {
            for method in [1, 2] as [UInt16] {
                let answer = client.send(Check(method: method, kind: kind), from: tuple)
                #expect(answer.verdict == .ignored(.noRequest))
                #expect(answer.replyLength == 0)
            }
        }
        let malformed = client.send([0, 1, 2, 3], from: tuple)
        #expect(malformed.verdict == .ignored(.malformed))
        let state = client.agent.state
        #expect(state == .new)
    }

    @Test func `garbage and changed checks never trap, and never get anybody in`() throws {
        let seed: UInt64 = 77
        var random = SeededGenerator(seed: seed)
        var client = try Client()
        for round in 0..<3000 {
            client.clock.advance(by: .milliseconds(Int64.random(in: 0...500, using: &random)))
            let tuple = try ICETuple.udp(.random(in: 0...9, using: &random))
            var bytes = Check(usesCandidate: Bool.random(using: &random), nomination: 5).bytes
            if round % 3 == 0 {
                bytes = (0..<Int.random(in: 0...100, using: &random)).map { _ in .random(in: 0...255, using: &random) }
            } else {
                // Of the integrity itself, or of what it covers; its fingerprint may be right again or not.
                let place = Int.random(in: 0..<bytes.count - 8, using: &random)
                bytes[place] ^= UInt8.random(in: 1...255, using: &random)
            }
            let answer = client.send(bytes, from: tuple)
            #expect(answer.verdict != .accepted, "round \(round), seed \(seed)")
            #expect(answer.replyLength <= bytes.count, "round \(round), seed \(seed)")
            #expect(answer.events.isEmpty, "round \(round), seed \(seed)")
        }
    }

    @Test func `whatever a client does, the selected tuple is one of at most eight and the state agrees`() throws {
        let seed: UInt64 = 78
        var random = SeededGenerator(seed: seed)
        var client = try Client(consentTimeout: 10)
        var tuples: [ICETuple] = []
        for number in 0..<12 {
            tuples.append(
                number % 2 == 0
                    ? try ICETuple.udp(UInt16(number)) : try ICETuple.tcp(UInt16(number), socket: UInt32(number)))
        }
        // What the events tell, against what the agent says.
        var (known, selected, state) = (Set<ICETuple>(), ICETuple?.none, ICEState.new)
        for round in 0..<5000 {
            client.clock.advance(
                by: .milliseconds(Int64.random(in: 0...(round % 40 == 0 ? 20_000 : 100), using: &random)))
            let tuple = tuples[Int.random(in: 0..<tuples.count, using: &random)]
            var events = Array(client.agent.advance(to: client.clock.now))
            switch Int.random(in: 0..<10, using: &random) {
            case 0: events += Array(client.agent.remove(tuple))
            case 1: if client.agent.receiveMedia(from: tuple) == .switched { events.append(.tupleSelected(tuple)) }
            case 2:
                let now = client.clock.now
                _ = client.agent.restart(using: &random, now: now)
            default:
                let credentials = client.agent.credentials
                var check = Check(fragment: "\(credentials.usernameFragment)", password: credentials.password)
                check.usesCandidate = Int.random(in: 0..<3, using: &random) == 0
                if Bool.random(using: &random) { check.nomination = UInt32.random(in: 0...9, using: &random) }
                events += client.send(check, from: tuple).list
            }
            for event in events {
                switch event {
                case .tupleAdded(let tuple): #expect(known.insert(tuple).inserted, "round \(round), seed \(seed)")
                case .tupleRemoved(let tuple):
                    #expect(known.remove(tuple) != nil, "round \(round), seed \(seed)")
                    if selected == tuple { selected = nil }
                case .tupleSelected(let tuple): selected = tuple
                case .stateChanged(let new):
                    #expect(new != state, "round \(round), seed \(seed)")
                    state = new
                case .fragmentRetired: break
                }
            }
            let (list, now, stands) = (client.agent.tuples, client.agent.selectedTuple, client.agent.state)
            #expect(Set(list) == known && list.count == known.count && list.count <= 8, "round \(round), seed \(seed)")
            #expect(now == selected, "round \(round), seed \(seed)")
            #expect(stands == state, "round \(round), seed \(seed)")
            #expect((now != nil) == (stands == .connected || stands == .completed), "round \(round), seed \(seed)")
            #expect(now.map(list.contains) ?? list.isEmpty, "round \(round), seed \(seed)")
        }
    }
}
