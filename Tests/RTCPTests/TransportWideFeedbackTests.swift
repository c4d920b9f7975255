import Base
import RTCP
import TestSupport
import Testing

/// Transport-wide feedback: hand-made bytes with each bit explained, what is built, and both against each other.
@Suite struct TransportWideFeedbackTests {
    /// Base 65,533, 33 packets, reference −2 (−128 ms), feedback 7; every form of chunk.
    static let golden: [UInt8] = [
        0x8F, 205, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2,
        0xFF, 0xFD, 0, 33,  // base 65,533, 33 statuses
        0xFF, 0xFF, 0xFE, 7,  // reference −2
        0x20, 0x03,  // run: 0|01|3: three came with small deltas
        0b1001_0000, 0b0000_0001,  // 10|01000000000001: of 14 the second and the last
        0b1110_0001, 0b0000_0000,  // 11|10 00 01 00 00 00 00: of 7 the first (large) and the third (small)
        0x60 & 0x1F, 0x08,  // run: 0|00|8: eight lost
        0b1100_0000 | 0b10, 0x00,  // 11|00 00 10…: of 7 only one is left, and it is lost
        1, 2, 3,  // the run
        4, 255,  // one bit each
        0xFF, 0xFC, 5,  // −4, then 5
        0, 0,  // up to the word
    ]

    static func statuses(_ bytes: [UInt8]) throws -> [TransportWideStatus] {
        let datagram = bytes.span.bytes
        guard case .transportWideFeedback(let feedback) = try packets(bytes).first else { return [] }
        var walk = feedback.statuses
        var found: [TransportWideStatus] = []
        while let status = walk.next(in: datagram) { found.append(status) }
        return found
    }

    @Test func `every form of chunk is read, across the wrap of numbers`() throws {
        guard case .transportWideFeedback(let feedback) = try packets(Self.golden).first else {
            Issue.record("no feedback")
            return
        }
        #expect(feedback.senderSSRC == 1 && feedback.mediaSSRC == 2)
        #expect(feedback.baseSequenceNumber == 65_533 && feedback.statusCount == 33)
        #expect(feedback.referenceTime == -2 && feedback.feedbackCount == 7)
        let all = try Self.statuses(Self.golden)
        #expect(all.count == 33)
        #expect(all.map(\.sequenceNumber) == (0..<33).map { UInt16(truncatingIfNeeded: 65_533 + $0) })
        var expected = [Int64?](repeating: nil, count: 33)
        for (position, ticks) in [
            (0, -511), (1, -509), (2, -506), (4, -502), (16, -247), (17, -251), (19, -246),
        ] as [(Int, Int64)] { expected[position] = ticks }
        #expect(all.map(\.arrivalTicks) == expected)
    }

    /// libwebrtc fills up to the word with padding that it counts, and puts several of them into one compound.
    @Test func `feedback as browsers write it is read, also where another follows`() throws {
        let ofThree: [UInt8] = [
            0xAF, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0, 3, 0, 0, 1, 0,
            0x20, 0x03, 1, 2, 3, 0, 0, 3,
        ]
        let ofOne: [UInt8] = [
            0xAF, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0, 1, 0, 0, 1, 1, 0x20, 0x01, 4, 1,
        ]
        let none: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 1]
        #expect(try Self.statuses(ofThree).map(\.arrivalTicks) == [257, 259, 262])
        #expect(try Self.statuses(ofOne).map(\.sequenceNumber) == [10])
        let counts = try packets(none + ofThree + ofOne).compactMap { packet in
            if case .transportWideFeedback(let feedback) = packet { feedback.statusCount } else { nil }
        }
        #expect(counts == [3, 1])
    }

    @Test func `a feedback cut at any length is refused`() {
        for length in stride(from: 0, to: Self.golden.count, by: 4) {
            var bytes = Array(Self.golden[..<length])
            // The head says what is there, so that the content is what is judged.
            if length >= 4 { bytes[3] = UInt8(length / 4 - 1) }
            #expect(throws: RTCPParseError.self, "\(length)") { try packets(bytes) }
        }
    }

    @Test func `bytes turned one by one never run over the end`() {
        for position in 12..<Self.golden.count {
            for value in [0, 0x20, 0x5F, 0x7F, 0x80, 0xC0, 0xFF] as [UInt8] {
                var bytes = Self.golden
                bytes[position] = value
                _ = try? Self.statuses(bytes)
            }
        }
    }

    @Test(arguments: [[0x7F, 0xFF], [0xC0, 0x03], [0xF0, 0x00]] as [[UInt8]])
    func `the reserved symbol is refused`(chunk: [UInt8]) {
        let bytes: [UInt8] =
            [0x8F, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0] + chunk + [0, 0]
        #expect(throws: RTCPParseError.malformed(index: 0, offset: 0, type: 205)) { try packets(bytes) }
    }

    @Test func `empty runs are walked over`() throws {
        let bytes: [UInt8] = [
            0x8F, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 1, 0, 0, 1, 0, 0x20, 0x00, 0x00, 0x00, 0x20, 0x01, 8, 0,
        ]
        #expect(try Self.statuses(bytes) == [TransportWideStatus(sequenceNumber: 9, arrivalTicks: 264)])
    }

    // MARK: - Building

    /// What one feedback for `arrivals` holds, and how many of them it tells of.
    static func built(
        base: Int64, _ arrivals: [TransportWideArrival], capacity: Int = 1200
    ) -> (bytes: [UInt8], told: Int) {
        var told = 0
        let bytes = written(capacity) { rtcp, buffer in
            told = rtcp.transportWideFeedback(
                senderSSRC: 1, mediaSSRC: 2, feedbackCount: 7, base: base, arrivals: arrivals.span, into: &buffer)
        }
        return (bytes, told)
    }

    static func arrival(_ index: Int64, microseconds: Int64) -> TransportWideArrival {
        TransportWideArrival(index: index, time: Instant(nanoseconds: microseconds * 1000))
    }

    @Test func `a feedback has exactly these bytes`() {
        let (bytes, told) = Self.built(
            base: 65_535,
            [
                Self.arrival(65_535, microseconds: 64_250), Self.arrival(65_536, microseconds: 65_499),
                Self.arrival(65_538, microseconds: 200_000),
            ])
        #expect(told == 3)
        #expect(
            bytes == [
                0x8F, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2,
                0xFF, 0xFF, 0, 4,  // base 65,535, four statuses: the third was lost
                0, 0, 1, 7,  // 64 ms
                0b1101_0100, 0b1000_0000,  // 11|01 01 00 10 00 00 00
                1, 4, 0x02, 0x1B,  // 250 µs, 1 ms (65.25), 134.75 ms (539 ticks)
                0, 0,
            ])
    }

    @Test func `what is built is read again, whatever was lost`() throws {
        for seed: UInt64 in 1...200 {
            var random = SeededGenerator(seed: seed)
            let loss = Double.random(in: 0...0.9, using: &random)
            let base = Int64.random(in: 0..<70_000, using: &random)
            var arrivals: [TransportWideArrival] = []
            var time: Int64 = .random(in: 0..<5_000_000, using: &random)
            for index in base..<base + Int64.random(in: 1...600, using: &random)
            where Double.random(in: 0..<1, using: &random) >= loss {
                // Some come in another order, some after a long silence.
                time +=
                    Int64.random(in: 0..<100, using: &random) == 0
                    ? 900_000 : .random(in: -2000...20_000, using: &random)
                arrivals.append(Self.arrival(index, microseconds: max(0, time)))
            }
            guard !arrivals.isEmpty else { continue }
            let capacity = Int.random(in: 24...1200, using: &random)
            let (bytes, told) = Self.built(base: base, arrivals, capacity: capacity)
            #expect(bytes.count <= capacity, "seed \(seed)")
            guard told > 0 else {
                #expect(bytes.isEmpty && arrivals[0].index > base, "seed \(seed)")
                continue
            }
            var expected: [TransportWideStatus] = []
            for arrival in arrivals[..<told] {
                while base + Int64(expected.count) < arrival.index {
                    expected.append(
                        TransportWideStatus(
                            sequenceNumber: UInt16(truncatingIfNeeded: base + Int64(expected.count)), arrivalTicks: nil)
                    )
                }
                expected.append(
                    TransportWideStatus(
                        sequenceNumber: UInt16(truncatingIfNeeded: arrival.index),
                        arrivalTicks: arrival.time.nanoseconds / 250_000))
            }
            #expect(try Self.statuses(bytes) == expected, "seed \(seed)")
        }
    }

    @Test func `an arrival too far from the last waits for another feedback`() {
        let far = [Self.arrival(1, microseconds: 0), Self.arrival(2, microseconds: 8_192_000)]
        #expect(Self.built(base: 1, far).told == 1)
        let near = [Self.arrival(1, microseconds: 0), Self.arrival(2, microseconds: 8_191_750)]
        #expect(Self.built(base: 1, near).told == 2)
        let gap = [Self.arrival(1, microseconds: 0), Self.arrival(65_536, microseconds: 0)]
        #expect(Self.built(base: 1, gap).told == 1)
        #expect(Self.built(base: 2, [gap[1]]).told == 1)
    }

    // MARK: - REMB

    @Test(arguments: [0, 1, 262_143, 262_144, 1_000_001, 4_294_967_296, .max] as [Int64])
    func `a REMB is read again with 18 significant bits`(bitrate: Int64) throws {
        let ssrcs: [UInt32] = [7, 8]
        let bytes = written(100) { rtcp, buffer in
            rtcp.receiverEstimatedMaximumBitrate(
                senderSSRC: 1, bitrateBitsPerSecond: bitrate, ssrcs: ssrcs.span, into: &buffer)
        }
        guard case .remb(let remb) = try packets(bytes).first else {
            Issue.record("no REMB in \(bytes)")
            return
        }
        #expect(remb.senderSSRC == 1 && remb.count == 2)
        #expect(remb.ssrc(1, in: bytes.span.bytes) == 8)
        let spare = max(0, 46 - bitrate.leadingZeroBitCount)
        #expect(remb.bitrateBitsPerSecond == (bitrate >> Int64(spare)) << Int64(spare))
    }
}
