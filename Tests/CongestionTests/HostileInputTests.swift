import Base
import Congestion
import RTCP
import TestSupport
import Testing

/// Feedback and numbers of a stranger: no sum overflows, nothing hangs, limits hold.
@Suite struct HostileInputTests {
    static func at(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: 1_000_000_000 + Int64(milliseconds) * 1_000_000)
    }

    /// A feedback of its parts; `content` are chunks and deltas.
    static func feedback(base: UInt16, count: UInt16, reference: UInt32, content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0x8F, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]
        bytes += [UInt8(base >> 8), UInt8(base & 0xFF), UInt8(count >> 8), UInt8(count & 0xFF)]
        bytes += [16, 8, 0].map { UInt8(truncatingIfNeeded: reference >> UInt32($0)) } + [0] + content
        while bytes.count % 4 != 0 { bytes.append(0) }
        bytes[3] = UInt8(bytes.count / 4 - 1)
        return bytes
    }

    static func hear(_ bytes: [UInt8], _ bandwidth: inout OutgoingBandwidth, now: Instant) {
        let datagram = bytes.span.bytes
        guard var compound = try? RTCPCompound(validating: datagram),
            case .transportWideFeedback(let feedback) = try? compound.next(in: datagram)
        else { return }
        _ = bandwidth.receive(feedback, in: datagram, now: now)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `random feedback leaves the estimate within its limits`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bandwidth = OutgoingBandwidth(mechanism: .transportWide, probes: true)
        for step in 0..<1000 {
            if Int.random(in: 0..<50, using: &random) == 0 { bandwidth.sendsStart(now: Self.at(step)) }
            var padding = bandwidth.advanceProbe(media: .random(in: 0 ... .max, using: &random), now: Self.at(step))
            #expect(padding <= 26_000, "20 ms of 10 Mbit/s and a little")
            while padding > 0 {
                _ = bandwidth.sendPadding(1200, now: Self.at(step))
                padding -= 1200
            }
            _ = bandwidth.setDesiredBitrate(.random(in: .min ... .max, using: &random), now: Self.at(step))
            for _ in 0..<Int.random(in: 0...20, using: &random) { _ = bandwidth.send(1200, now: Self.at(step)) }
            var content: [UInt8] = []
            for _ in 0..<Int.random(in: 1...60, using: &random) { content.append(.random(in: 0...255, using: &random)) }
            Self.hear(
                Self.feedback(
                    base: .random(in: 0...UInt16(clamping: 40 * step), using: &random),
                    count: .random(in: 0...200, using: &random), reference: .random(in: 0...0xFF_FFFF, using: &random),
                    content: content), &bandwidth, now: Self.at(step))
            let bitrates = bandwidth.bitrates
            #expect(bitrates.min...bitrates.max ~= bitrates.available, "seed \(seed), step \(step): \(bitrates)")
        }
    }

    @Test func `a clock that jumps on by six days with each feedback never overflows`() {
        var bandwidth = OutgoingBandwidth(mechanism: .transportWide)
        var reference: UInt32 = 0
        for step in 0..<60_000 {
            let number = bandwidth.send(1200, now: Self.at(step)) ?? 0
            reference = (reference &+ 0x7F_FFFF) & 0xFF_FFFF
            // One packet, a run of one with a small delta.
            Self.hear(
                Self.feedback(base: number, count: 1, reference: reference, content: [0x20, 0x01, 4]), &bandwidth,
                now: Self.at(step))
        }
        #expect(bandwidth.availableBitrate >= OutgoingBandwidth.minBitrate)
    }

    @Test func `abs-send-time holds for days, and against jumps`() {
        var bandwidth = IncomingBandwidth(mechanism: .remb)
        for step in 0..<20_000 {
            let now = Self.at(20_000 * step)
            bandwidth.receive(absoluteSendTime: AbsoluteSendTime.value(at: now), size: 1200, ssrc: 1, now: now)
        }
        var time: UInt32 = 0
        for step in 0..<100_000 {
            time = (time &+ 0x7F_FFFF) & 0xFF_FFFF
            bandwidth.receive(absoluteSendTime: time, size: 1200, ssrc: UInt32(step), now: Self.at(400_000_000 + step))
        }
        #expect(bandwidth.nextDeadline != nil)
    }

    @Test func `limits and wishes of any size are taken`() {
        var bandwidth = OutgoingBandwidth(
            mechanism: .transportWide, initialBitrate: .max, maxBitrate: .max, minBitrate: .max)
        _ = bandwidth.setDesiredBitrate(.max, now: Self.at(0))
        _ = bandwidth.setMinBitrate(.max, now: Self.at(0))
        _ = bandwidth.setMaxBitrate(.max, now: Self.at(0))
        #expect(bandwidth.availableBitrate == OutgoingBandwidth.highestBitrate)
        _ = bandwidth.setMinBitrate(0, now: Self.at(0))
        _ = bandwidth.setMaxBitrate(100_000, now: Self.at(0))
        #expect(bandwidth.availableBitrate == 100_000)
        var told = OutgoingBandwidth(mechanism: .remb)
        _ = told.receive(remb: .max, now: Self.at(0))
        _ = told.receive(loss: .infinity, roundTrip: .seconds(1_000_000), now: Self.at(0))
        #expect(OutgoingBandwidth.minBitrate...600_000 ~= told.availableBitrate)
    }
}
