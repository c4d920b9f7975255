import Base
import RTCP
import Testing

@Suite struct ReceptionStatisticsTests {
    private func milliseconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }

    @Test func `losses are counted in total and per interval`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        for number: UInt16 in [65_534, 65_535, 1, 2] {
            statistics.receive(sequenceNumber: number, timestamp: 0, at: milliseconds(0))
        }
        #expect(statistics.packetsExpected == 5)
        #expect(statistics.packetsLost == 1)
        let first = statistics.makeReport(ssrc: 9, now: milliseconds(1))
        #expect(first.fractionLost == 51)  // 256 / 5
        #expect(first.packetsLost == 1)
        #expect(first.extendedHighestSequence == 65_538)
        #expect(first.lastSenderReport == 0 && first.delaySinceLastSenderReport == 0)

        for number: UInt16 in [3, 4] { statistics.receive(sequenceNumber: number, timestamp: 0, at: milliseconds(2)) }
        let second = statistics.makeReport(ssrc: 9, now: milliseconds(3))
        #expect(second.fractionLost == 0)
        #expect(second.packetsLost == 1)
        // The missing one comes late, and one more comes twice.
        for number: UInt16 in [0, 4] { statistics.receive(sequenceNumber: number, timestamp: 0, at: milliseconds(4)) }
        #expect(statistics.packetsLost == -1)
        #expect(statistics.makeReport(ssrc: 9, now: milliseconds(5)).packetsLost == -1)
    }

    @Test func `jitter follows the recurrence of appendix A·8`() {
        var statistics = ReceptionStatistics(clockRate: 8_000)
        // 20 ms packets of 160 units; every second one comes 10 ms (80 units) late: |D| = 80 each time.
        var scaled: UInt32 = 0
        for number in 0..<100 {
            let late: Int64 = number % 2 == 0 ? 0 : 10
            statistics.receive(
                sequenceNumber: UInt16(number), timestamp: UInt32(160 * number),
                at: milliseconds(Int64(20 * number) + late))
            if number > 0 { scaled += 80 - ((scaled + 8) >> 4) }
            #expect(statistics.jitter == scaled >> 4)
        }
        #expect((75...80).contains(statistics.jitter))
    }

    @Test func `a sender report is answered with its time and the delay`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        statistics.receive(sequenceNumber: 1, timestamp: 0, at: milliseconds(0))
        statistics.senderReport(NTPTime(seconds: 0x1111_2222, fraction: 0x3333_4444), at: milliseconds(1_000))
        let report = statistics.makeReport(ssrc: 1, now: milliseconds(2_500))
        #expect(report.lastSenderReport == 0x2222_3333)
        #expect(report.delaySinceLastSenderReport == 0x0001_8000)
    }

    @Test func `a stream that starts over counts anew`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        for number: UInt16 in [10, 11, 13] {
            statistics.receive(sequenceNumber: number, timestamp: 0, at: milliseconds(0))
        }
        let verdict = statistics.receive(sequenceNumber: 40_000, timestamp: 0, at: milliseconds(1))
        #expect(verdict == .refused)
        statistics.receive(sequenceNumber: 40_001, timestamp: 0, at: milliseconds(2))
        #expect(statistics.packetsLost == 0)
        #expect(statistics.packetsReceived == 1)
    }

    @Test func `everything lost but one is no overflow`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        statistics.receive(sequenceNumber: 0, timestamp: 0, at: milliseconds(0))
        _ = statistics.makeReport(ssrc: 1, now: milliseconds(0))
        statistics.receive(sequenceNumber: 2_999, timestamp: .max, at: Instant(nanoseconds: .max))
        #expect(statistics.makeReport(ssrc: 1, now: .distantFuture).fractionLost == 255)
        // An interval without packets.
        #expect(statistics.makeReport(ssrc: 1, now: .distantFuture).fractionLost == 0)
    }
}
