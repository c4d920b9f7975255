import Base
import Congestion
import RTCP
import TestSupport
import Testing

/// Feedback for senders: when it goes out and what it tells.
@Suite struct IncomingBandwidthTests {
    static func at(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: 1_000_000_000 + Int64(milliseconds) * 1_000_000)
    }

    /// What `bandwidth` writes now, packet by packet.
    static func written(_ bandwidth: inout IncomingBandwidth, _ now: Instant, capacity: Int = 1200) throws -> [[UInt8]]
    {
        var all: [[UInt8]] = []
        while true {
            var bytes = [UInt8](repeating: 0, count: capacity)
            var rtcp = RTCPBuilder()
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            guard bandwidth.write(senderSSRC: 0, mediaSSRC: 7, now: now, into: &rtcp, &raw) else { return all }
            all.append(Array(bytes[..<rtcp.length]))
        }
    }

    static func numbers(_ bytes: [UInt8]) throws -> (came: [UInt16], lost: [UInt16], count: UInt8) {
        let datagram = bytes.span.bytes
        var compound = try RTCPCompound(validating: datagram)
        guard case .transportWideFeedback(let feedback) = try compound.next(in: datagram) else { return ([], [], 0) }
        var (came, lost): ([UInt16], [UInt16]) = ([], [])
        var statuses = feedback.statuses
        while let status = statuses.next(in: datagram) {
            if status.arrivalTicks == nil {
                lost.append(status.sequenceNumber)
            } else {
                came.append(status.sequenceNumber)
            }
        }
        return (came, lost, feedback.feedbackCount)
    }

    static func remb(_ bytes: [UInt8]) throws -> Int64? {
        let datagram = bytes.span.bytes
        var compound = try RTCPCompound(validating: datagram)
        guard case .remb(let remb) = try compound.next(in: datagram) else { return nil }
        return remb.bitrateBitsPerSecond
    }

    @Test func `feedback goes out 100 ms after the first packet, from the lowest number not told, over the wrap`()
        throws
    {
        var bandwidth = IncomingBandwidth(mechanism: .transportWide)
        #expect(bandwidth.nextDeadline == nil)
        for (milliseconds, number) in [(0, 65_534), (5, 65_535), (9, 1)] as [(Int, UInt16)] {
            bandwidth.receive(transportWide: number, now: Self.at(milliseconds))
        }
        #expect(bandwidth.nextDeadline == Self.at(100))
        #expect(try Self.written(&bandwidth, Self.at(99)).isEmpty)
        let first = try Self.written(&bandwidth, Self.at(100))
        #expect(first.count == 1)
        let told = try Self.numbers(first[0])
        #expect(told.came == [65_534, 65_535, 1] && told.lost == [0] && told.count == 0)
        #expect(bandwidth.nextDeadline == nil, "nothing to tell, no timer")
        bandwidth.receive(transportWide: 4, now: Self.at(110))
        #expect(bandwidth.nextDeadline == Self.at(210))
        let second = try Self.numbers(try #require(try Self.written(&bandwidth, Self.at(210)).first))
        #expect(second.came == [4] && second.lost == [2, 3] && second.count == 1)
        #expect(abs((bandwidth.packetLoss ?? 0) - (2 * 2.0 / 3 + 0.25) / 3) < 1e-9, "the newest counts most")
    }

    @Test func `a late packet is told with those behind it, a double and one of long ago are not`() throws {
        var bandwidth = IncomingBandwidth(mechanism: .transportWide)
        for number in [10, 11, 13, 14] as [UInt16] { bandwidth.receive(transportWide: number, now: Self.at(0)) }
        _ = try Self.written(&bandwidth, Self.at(100))
        bandwidth.receive(transportWide: 13, now: Self.at(110))
        #expect(bandwidth.nextDeadline == nil)
        bandwidth.receive(transportWide: 12, now: Self.at(120))
        let told = try Self.numbers(try #require(try Self.written(&bandwidth, Self.at(220)).first))
        #expect(told.came == [12, 13, 14] && told.lost == [])
        // Beyond 500 ms those told are forgotten.
        bandwidth.receive(transportWide: 15, now: Self.at(700))
        _ = try Self.written(&bandwidth, Self.at(800))
        bandwidth.receive(transportWide: 9, now: Self.at(810))
        let late = try Self.numbers(try #require(try Self.written(&bandwidth, Self.at(910)).first))
        #expect(late.came == [9, 15])
    }

    @Test func `a large feedback is split`() throws {
        var bandwidth = IncomingBandwidth(mechanism: .transportWide)
        var random = SeededGenerator(seed: 3)
        var sent: [UInt16] = []
        for number in 0..<4000 as Range<UInt16> where UInt8.random(in: 0..<4, using: &random) > 0 {
            bandwidth.receive(transportWide: number, now: Self.at(Int(number) / 50))
            sent.append(number)
        }
        let all = try Self.written(&bandwidth, Self.at(100), capacity: 600).map { try Self.numbers($0) }
        #expect(all.count > 5)
        #expect(all.flatMap(\.came) == sent)
        #expect(all.map(\.count) == (0..<all.count).map { UInt8($0) })
    }

    @Test func `jumps of the numbers neither grow without bound nor hang`() throws {
        var bandwidth = IncomingBandwidth(mechanism: .transportWide)
        var random = SeededGenerator(seed: 9)
        for step in 0..<2000 {
            bandwidth.receive(transportWide: .random(in: 0...65_535, using: &random), now: Self.at(step))
            if step % 100 == 99 { #expect(try Self.written(&bandwidth, Self.at(step)).count < 50) }
        }
    }

    @Test func `a limit is told by REMB every 1.5 s, and taken back by four of 0`() throws {
        var bandwidth = IncomingBandwidth(mechanism: .transportWide)
        bandwidth.setMaxBitrate(500_000)
        var told: [(Int, Int64)] = []
        for step in 0..<1000 {
            if step == 400 { bandwidth.setMaxBitrate(0) }
            bandwidth.receive(transportWide: UInt16(step), now: Self.at(10 * step))
            for bytes in try Self.written(&bandwidth, Self.at(10 * step)) {
                if let bitrate = try Self.remb(bytes) { told.append((10 * step, bitrate)) }
            }
        }
        #expect(told.map(\.0) == [0, 1510, 3020, 4000, 5510, 7020, 8530])
        #expect(told.map(\.1) == [500_000, 500_000, 500_000, 0, 0, 0, 0])
    }

    // MARK: - REMB

    /// A sender of `rate` over a bottleneck of `capacity`, which obeys the REMBs.
    static func remb(capacity: Int64, seconds: Int, limit: Int64 = 0) throws -> (last: [Int64], all: Int) {
        var bandwidth = IncomingBandwidth(mechanism: .remb)
        bandwidth.setMaxBitrate(limit)
        var link = Bottleneck(seed: 1, rate: capacity, jitter: .milliseconds(3))
        var (rate, credit): (Int64, Double) = (300_000, 0)
        var flying: [(Instant, UInt32)] = []
        var told: [Int64] = []
        for step in 0..<seconds * 200 {
            let now = Self.at(5 * step)
            credit += Double(rate) * 0.005 / 8
            while credit >= 1000 {
                credit -= 1000
                if let arrival = link.send(1000, at: now) { flying.append((arrival, AbsoluteSendTime.value(at: now))) }
            }
            while let (arrival, sent) = flying.first, arrival <= now {
                flying.removeFirst()
                bandwidth.receive(absoluteSendTime: sent, size: 1000, ssrc: 5, now: arrival)
            }
            guard let due = bandwidth.nextDeadline, due <= now else { continue }
            for bytes in try Self.written(&bandwidth, now) {
                guard let bitrate = try Self.remb(bytes) else { continue }
                told.append(bitrate)
                rate = bitrate
            }
        }
        return (told.suffix(20), told.count)
    }

    @Test(arguments: [500_000, 2_000_000] as [Int64])
    func `a sender that obeys the REMBs settles at the capacity`(capacity: Int64) throws {
        let (last, all) = try Self.remb(capacity: capacity, seconds: 90)
        let mean = Double(last.reduce(0, +)) / Double(last.count)
        #expect(0.65...1.1 ~= mean / Double(capacity), "\(last)")
        #expect(all > 60)
    }

    @Test func `a REMB never says more than the limit`() throws {
        let (last, _) = try Self.remb(capacity: 2_000_000, seconds: 30, limit: 400_000)
        #expect(last.allSatisfy { $0 <= 400_000 } && last.last ?? 0 > 300_000, "\(last)")
    }

    @Test func `abs-send-time counts 64 s in 24 bits`() {
        #expect(AbsoluteSendTime.value(at: Instant(nanoseconds: 0)) == 0)
        #expect(AbsoluteSendTime.value(at: Instant(nanoseconds: 1_500_000_000)) == 0x06_0000)
        #expect(AbsoluteSendTime.value(at: Instant(nanoseconds: 64_000_000_000)) == 0)
        #expect(AbsoluteSendTime.value(at: Instant(nanoseconds: 9_000_000_000_000_000_000)) <= 0xFF_FFFF)
    }
}
