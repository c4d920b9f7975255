import Base
import Congestion
import Testing

/// Limits, what is desired, and when a change is told.
@Suite struct OutgoingBandwidthTests {
    static func at(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: 1_000_000_000 + Int64(milliseconds) * 1_000_000)
    }

    @Test func `the ceiling is 1.35 times of what is desired, and falls by 5 % a second`() {
        var bandwidth = OutgoingBandwidth(mechanism: .remb)
        _ = bandwidth.setDesiredBitrate(1_000_000, now: Self.at(0))
        #expect(bandwidth.bitrates.max == 1_350_000 && bandwidth.bitrates.effectiveDesired == 1_000_000)
        _ = bandwidth.setDesiredBitrate(500_000, now: Self.at(1000))
        #expect(bandwidth.bitrates.effectiveDesired == 950_000 && bandwidth.bitrates.desired == 500_000)
        #expect(bandwidth.bitrates.max == 1_350_000, "less than a tenth lower: left as it is")
        _ = bandwidth.setDesiredBitrate(500_000, now: Self.at(4000))
        #expect(bandwidth.bitrates.effectiveDesired == 800_000 && bandwidth.bitrates.max == 1_080_000)
        _ = bandwidth.setDesiredBitrate(500_000, isForced: true, now: Self.at(4000))
        #expect(bandwidth.bitrates.max == 675_000)
        #expect(bandwidth.bitrates.maxPadding == 573_750)
        _ = bandwidth.setDesiredBitrate(0, isForced: true, now: Self.at(4000))
        #expect(bandwidth.bitrates.max == 600_000 && bandwidth.bitrates.maxPadding == 0)
    }

    @Test func `limits hold at once`() {
        var bandwidth = OutgoingBandwidth(mechanism: .transportWide)
        _ = bandwidth.setDesiredBitrate(2_000_000, now: Self.at(0))
        _ = bandwidth.setMaxBitrate(100_000, now: Self.at(0))
        #expect(bandwidth.availableBitrate == 100_000 && bandwidth.bitrates.max == 100_000)
        _ = bandwidth.setMaxBitrate(0, now: Self.at(0))
        #expect(bandwidth.bitrates.max == 2_700_000)
        _ = bandwidth.setMinBitrate(700_000, now: Self.at(0))
        #expect(bandwidth.availableBitrate == 700_000 && bandwidth.bitrates.min == 700_000)
        let limited = OutgoingBandwidth(mechanism: .transportWide, maxBitrate: 200_000)
        #expect(limited.availableBitrate == 200_000)
    }

    @Test func `a REMB is approached by 8 % a second and left at once`() {
        var bandwidth = OutgoingBandwidth(mechanism: .remb)
        _ = bandwidth.setDesiredBitrate(5_000_000, now: Self.at(0))
        _ = bandwidth.receive(remb: 400_000, now: Self.at(0))
        #expect(bandwidth.availableBitrate == 400_000)
        for step in 30...39 {
            _ = bandwidth.receive(loss: 0, roundTrip: .milliseconds(50), now: Self.at(step * 100))
            _ = bandwidth.receive(remb: 4_000_000, now: Self.at(step * 100))
        }
        // Ten reports within a second are one raise: of 8 % and 1 kbit/s.
        #expect(bandwidth.availableBitrate == 433_000)
        _ = bandwidth.receive(remb: 50_000, now: Self.at(4000))
        #expect(bandwidth.availableBitrate == 50_000)
        _ = bandwidth.receive(remb: 10_000, now: Self.at(4000))
        #expect(bandwidth.availableBitrate == OutgoingBandwidth.minBitrate)
    }

    @Test func `losses above 10 % take half of their share, once a round trip and 300 ms`() {
        var bandwidth = OutgoingBandwidth(mechanism: .remb)
        _ = bandwidth.receive(remb: 600_000, now: Self.at(0))
        _ = bandwidth.receive(loss: 0.2, roundTrip: .milliseconds(100), now: Self.at(3000))
        #expect(bandwidth.availableBitrate == 540_000)
        _ = bandwidth.receive(loss: 0.2, roundTrip: .milliseconds(100), now: Self.at(3399))
        #expect(bandwidth.availableBitrate == 540_000)
        _ = bandwidth.receive(loss: 0.2, roundTrip: .milliseconds(100), now: Self.at(3400))
        #expect(bandwidth.availableBitrate == 486_000)
        _ = bandwidth.receive(loss: 0.05, roundTrip: .milliseconds(100), now: Self.at(9000))
        #expect(bandwidth.availableBitrate == 486_000, "between 2 and 10 % it holds")
        #expect(bandwidth.packetLoss > 0.05 && bandwidth.packetLoss < 0.2)
    }

    @Test func `a change is told once a second, a large one at once`() {
        var bandwidth = OutgoingBandwidth(mechanism: .remb)
        #expect(bandwidth.receive(remb: 500_000, now: Self.at(0)) == nil, "the first is known")
        #expect(bandwidth.receive(remb: 450_000, now: Self.at(999)) == nil)
        #expect(bandwidth.receive(remb: 440_000, now: Self.at(1000))?.available == 440_000)
        #expect(bandwidth.receive(remb: 331_000, now: Self.at(1001)) == nil, "0.752")
        #expect(bandwidth.receive(remb: 240_000, now: Self.at(1002))?.available == 240_000, "0.725")
        bandwidth.rescheduleEvent(now: Self.at(1900))
        #expect(bandwidth.receive(remb: 230_000, now: Self.at(2100)) == nil)
        #expect(bandwidth.receive(remb: 230_000, now: Self.at(2900))?.available == 230_000)
    }
}
