import Base
import DTLS
import TestSupport
import Testing

@Suite struct LeakTests {
    /// In a process of its own: what other tests allocate meanwhile would be counted, too.
    @Test func `two thousand handshakes leave nothing behind`() async {
        await #expect(processExitsWith: .success) {
            func handshakes(_ count: Int) {
                for number in 0..<count {
                    let pair = Pair(seed: UInt64(number), loss: number % 4 == 0 ? 0.3 : 0)
                    pair.start()
                    // Some end where they are, in the middle.
                    for _ in 0..<(number % 5 == 0 ? 2 : 100) where !pair.isConnected { _ = pair.step() }
                }
            }
            handshakes(100)
            var growths: [Int] = []
            for _ in 0..<4 {
                let before = allocatedBytes()
                handshakes(500)
                growths.append(allocatedBytes() - before)
            }
            // A leak shows in each round.
            #expect(growths.min() ?? 0 < 500 * 100, "\(growths) bytes in rounds of 500")
        }
    }
}
