import Base
import ICE
import STUN
import TestSupport
import Testing

@Suite struct RestartTests {
    private func named(_ credentials: ICECredentials) -> Check {
        Check(fragment: "\(credentials.usernameFragment)", password: credentials.password)
    }

    @Test func `the old credentials are good until the new ones are used, each answered under its own`() throws {
        var client = try Client()
        let tuple = try ICETuple.udp(1)
        let old = client.agent.credentials
        client.send(Check(usesCandidate: true), from: tuple)
        var random = SeededGenerator(seed: 3)
        let retired = client.agent.restart(using: &random, now: client.clock.now)
        #expect(retired == nil)
        let (new, both) = (client.agent.credentials, client.agent.usernameFragments)
        #expect(both == [new.usernameFragment, old.usernameFragment])
        let first = client.send(named(old), from: tuple)
        #expect(first.verdict == .accepted)
        #expect(first.events.isEmpty)
        let underOld = try STUNMessage(parsing: client.reply.span.bytes).isAuthentic(
            old.key, in: client.reply.span.bytes)
        #expect(underOld)
        // The old name under the new password is neither.
        let mixed = client.send(Check(fragment: "\(old.usernameFragment)", password: new.password), from: tuple)
        #expect(mixed.verdict == .refused(.unauthorized))
        let second = client.send(named(new), from: tuple)
        #expect(second.list == [.fragmentRetired(old.usernameFragment)])
        let underNew = try STUNMessage(parsing: client.reply.span.bytes).isAuthentic(
            new.key, in: client.reply.span.bytes)
        #expect(underNew)
        let third = client.send(named(old), from: tuple)
        #expect(third.verdict == .refused(.unauthorized))
        let (fragments, state, selected) = (
            client.agent.usernameFragments, client.agent.state, client.agent.selectedTuple
        )
        #expect(fragments == [new.usernameFragment])
        #expect(state == .completed)
        #expect(selected == tuple)
    }

    @Test func `a second restart that nobody followed retires the first credentials`() throws {
        var client = try Client()
        var random = SeededGenerator(seed: 4)
        let old = client.agent.credentials
        _ = client.agent.restart(using: &random, now: client.clock.now)
        let between = client.agent.credentials
        let retired = client.agent.restart(using: &random, now: client.clock.now)
        #expect(retired == old.usernameFragment)
        let first = client.send(named(old), from: try ICETuple.udp(1))
        #expect(first.verdict == .refused(.unauthorized))
        let second = client.send(named(between), from: try ICETuple.udp(1))
        #expect(second.verdict == .accepted)
    }

    @Test func `numbers of nominations begin anew`() throws {
        var client = try Client()
        let (a, b) = (try ICETuple.udp(1), try ICETuple.udp(2))
        client.send(Check(nomination: 7), from: a)
        var random = SeededGenerator(seed: 5)
        _ = client.agent.restart(using: &random, now: client.clock.now)
        var check = named(client.agent.credentials)
        check.nomination = 1
        let answer = client.send(check, from: b)
        #expect(answer.list.last == .tupleSelected(b))
    }

    @Test func `credentials are 32 digits and small letters, and differ`() {
        var random = SeededGenerator(seed: 6)
        let alphabet = Set("0123456789abcdefghijklmnopqrstuvwxyz")
        var seen: Set<String> = []
        for _ in 0..<50 {
            let credentials = ICECredentials(using: &random)
            for text in ["\(credentials.usernameFragment)", credentials.password] {
                #expect(text.count == 32)
                #expect(text.allSatisfy(alphabet.contains))
                seen.insert(text)
            }
            #expect(!"\(credentials)".contains(credentials.password))
            #expect(!String(reflecting: credentials).contains(credentials.password))
        }
        #expect(seen.count == 100)
        #expect(Set(seen.joined()) == alphabet)
    }

    @Test func `credentials that could not be found again are refused`() {
        for fragment in ["", "a:b", String(repeating: "x", count: 33)] {
            #expect(ICECredentials(usernameFragment: fragment, password: "p") == nil, "\(fragment)")
        }
    }

    @Test func `a name's first part says whom it is for, however long the rest is`() {
        func local(_ name: String) -> String? { ICEUsername(Array(name.utf8).span.bytes).map { "\($0.local)" } }
        #expect(local("evtj:h6vY") == "evtj")
        #expect(local("a:b:c") == "a")
        #expect(local("a:") == "a")
        let ours = Client.fragment
        #expect(local("\(ours):\(String(repeating: "y", count: 480))") == ours)
        for nobody in ["", "evtj", ":h6vY", "\(ours)x:y", ours] { #expect(local(nobody) == nil, "\(nobody)") }
    }

    @Test func `fragments of any length are told apart`() throws {
        let texts = (1...32).map { String(Client.fragment.prefix($0)) } + ["a", "a\0", "\0", "\0\0"]
        let fragments = try texts.map { try #require(ICEUsernameFragment($0)) }
        #expect(Set(fragments).count == texts.count)
        #expect(fragments.map { "\($0)" } == texts)
    }
}
