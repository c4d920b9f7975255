import Base
import Protoo
import TestSupport
import Testing

@Suite struct ProtooExchangeTests {
    /// Always the same: the ids would collide.
    struct Stuck: RandomNumberGenerator {
        mutating func next() -> UInt64 { 0x8000_0000_0000_0000 }
    }

    private func id(_ message: ProtooMessage) throws -> JSONValue {
        guard case .request(let request) = message else { throw Unexpected() }
        return request.id
    }

    struct Unexpected: Error {}

    @Test func `an answer finds what was asked, once`() throws {
        var exchange = ProtooExchange<String>()
        var random = SeededGenerator(seed: 42)
        let now = Instant(nanoseconds: 0)
        let first = try id(exchange.request("newConsumer", [:], for: "a", now: now, random: &random))
        let second = try id(exchange.request("newConsumer", [:], for: "b", now: now, random: &random))
        #expect(first != second && exchange.count == 2)
        let answer = ProtooResponse(id: second, outcome: .success([:]))
        #expect(exchange.receive(answer, now: now) == "b")
        #expect(exchange.receive(answer, now: now) == nil)
        #expect(exchange.receive(ProtooResponse(id: -1, outcome: .success([:])), now: now) == nil)
        #expect(exchange.count == 1)
    }

    @Test func `ids stay apart though chance gives the same`() throws {
        var exchange = ProtooExchange<Int>()
        var random = Stuck()
        var ids: Set<JSONValue> = []
        for number in 0..<50 {
            ids.insert(try id(exchange.request("m", [:], for: number, now: Instant(nanoseconds: 0), random: &random)))
        }
        #expect(ids.count == 50)
    }

    @Test func `a request waits for 30 s, and 0_2 s longer for each that waits before it`() throws {
        var exchange = ProtooExchange<String>()
        var random = SeededGenerator(seed: 7)
        let start = Instant(nanoseconds: 1_000)
        let first = try id(exchange.request("m", [:], for: "a", now: start, random: &random))
        _ = exchange.request("m", [:], for: "b", now: start, random: &random)
        #expect(exchange.nextDeadline == start + .seconds(30))
        #expect(exchange.advance(to: start + .milliseconds(29_999)).isEmpty)
        // Too late, though nobody has looked yet.
        let late = ProtooResponse(id: first, outcome: .success([:]))
        #expect(exchange.receive(late, now: start + .seconds(30)) == nil)
        #expect(exchange.advance(to: start + .seconds(30)) == ["a"])
        #expect(exchange.nextDeadline == start + .milliseconds(30_200))
        #expect(exchange.advance(to: start + .seconds(31)) == ["b"])
        #expect(exchange.nextDeadline == nil)
    }
}
