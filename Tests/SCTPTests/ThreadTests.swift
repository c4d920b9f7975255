import Base
import SCTP
import TestSupport
import Testing

@Suite(.sctpTurn) struct ThreadTests {
    /// Sets no clock right: each pair's moves all timers. What is shown is that nothing is lost or mixed up.
    @Test func `workers drive associations of their own beside each other`() async throws {
        let stack = SCTPStack()
        try await withThrowingTaskGroup(of: [String].self) { group in
            for worker in 0..<4 {
                group.addTask {
                    let pair = try Pair(stack: stack, seed: UInt64(worker) * 100)
                    pair.a.start(pair.now, to: pair.b)
                    pair.b.start(pair.now, to: pair.a)
                    let (a, b) = (pair.a, pair.b)
                    pair.drive(for: .seconds(60)) { a.state == .connected && b.state == .connected }
                    for number in 0..<300 {
                        try pair.a.send(Array("\(worker)/\(number)".utf8), pair.now, to: pair.b)
                        pair.drive(for: .milliseconds(10))
                    }
                    pair.drive(for: .seconds(60)) { b.messages.count == 300 }
                    #expect(b.texts == (0..<300).map { "\(worker)/\($0)" })
                    return b.texts
                }
            }
            var count = 0
            for try await texts in group { count += texts.count }
            #expect(count == 1200)
        }
    }
}
