import Base
import RTCP
import Testing

/// All packets of a compound.
func packets(_ bytes: [UInt8]) throws(RTCPParseError) -> [RTCPPacket] {
    let datagram = bytes.span.bytes
    var compound = try RTCPCompound(validating: datagram)
    var found: [RTCPPacket] = []
    while let packet = try compound.next(in: datagram) { found.append(packet) }
    return found
}

@Suite struct RTCPParsingTests {
    /// SR with one block, SDES with CNAME "a@b" and NAME "n" for one source and CNAME "xy" for another, BYE.
    static let compound: [UInt8] = [
        0x81, 200, 0, 12, 0x11, 0x11, 0x11, 0x11,
        0xE0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 9, 0, 0, 1, 0,
        0x22, 0x22, 0x22, 0x22, 0x40, 0xFF, 0xFF, 0xFE, 0, 1, 0x12, 0x34, 0, 0, 0, 7, 0xAA, 0xBB, 0xCC, 0xDD, 0, 1, 0,
        0,
        0x82, 202, 0, 7, 0x11, 0x11, 0x11, 0x11, 1, 3, 0x61, 0x40, 0x62, 2, 1, 0x6E, 0, 0, 0, 0,
        0x33, 0x33, 0x33, 0x33, 1, 2, 0x78, 0x79,
        0, 0, 0, 0,
        0x81, 203, 0, 1, 0x11, 0x11, 0x11, 0x11,
    ]

    @Test func `a compound of SR, SDES and BYE`() throws {
        let bytes = Self.compound
        let datagram = bytes.span.bytes
        let all = try packets(bytes)
        #expect(all.count == 3)
        guard case .senderReport(let report) = all[0], case .sourceDescription(let description) = all[1],
            case .bye(let bye) = all[2]
        else {
            Issue.record("\(all)")
            return
        }
        #expect(
            report.info
                == SenderInfo(
                    ssrc: 0x1111_1111, ntp: NTPTime(seconds: 0xE000_0001, fraction: 0x8000_0000), rtpTimestamp: 4096,
                    packetCount: 9, octetCount: 256))
        #expect(report.reports.count == 1)
        let block = report.reports.block(0, in: datagram)
        #expect(
            block
                == ReportBlock(
                    ssrc: 0x2222_2222, fractionLost: 64, packetsLost: -2, extendedHighestSequence: 0x11234, jitter: 7,
                    lastSenderReport: 0xAABB_CCDD, delaySinceLastSenderReport: 65_536))
        let names = [
            description.cname(of: 0x1111_1111, in: datagram), description.cname(of: 0x3333_3333, in: datagram),
            description.cname(of: 1, in: datagram),
        ]
        #expect(names == ["a@b", "xy", nil])
        #expect(bye.count == 1)
        let leaving = bye.ssrc(0, in: datagram)
        #expect(leaving == 0x1111_1111)
    }

    @Test func `feedback packets`() throws {
        let bytes: [UInt8] = [
            0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0x80, 0x05, 0xFF, 0xFF, 0, 1,  // NACK
            0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2,  // PLI
            0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 5, 0, 0, 0,  // FIR
            0x8F, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0x52, 0x45, 0x4D, 0x42, 2, 0x09, 0x86, 0xA0,
            0, 0, 0, 7, 0, 0, 0, 8,  // REMB
            0x8F, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4,  // some other application feedback
            0x8F, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0,  // transport-cc
            0x82, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2,  // SLI
            0x80, 204, 0, 2, 0, 0, 0, 1, 0x61, 0x62, 0x63, 0x64,  // APP
            0x80, 192, 0, 0,
        ]
        let datagram = bytes.span.bytes
        let all = try packets(bytes)
        #expect(all.count == 9)
        guard case .nack(let nack) = all[0], case .pictureLoss(let pli) = all[1],
            case .fullIntraRequest(let fir) = all[2], case .remb(let remb) = all[3]
        else {
            Issue.record("\(all)")
            return
        }
        #expect(nack.senderSSRC == 1 && nack.mediaSSRC == 2 && nack.count == 2)
        var asked: [UInt16] = []
        for position in 0..<nack.count { nack.item(position, in: datagram).forEach { asked.append($0) } }
        #expect(asked == [10, 11, 13, 26, 65_535, 0])
        #expect(pli.senderSSRC == 1 && pli.mediaSSRC == 2)
        #expect(fir.count == 1)
        let item = fir.item(0, in: datagram)
        #expect(item.ssrc == 9 && item.sequence == 5)
        #expect(remb.bitrateBitsPerSecond == 400_000)
        let sources = [remb.ssrc(0, in: datagram), remb.ssrc(1, in: datagram)]
        #expect(sources == [7, 8])
        guard case .transportWideFeedback(let feedback) = all[5] else {
            Issue.record("\(all[5])")
            return
        }
        #expect(feedback.senderSSRC == 1 && feedback.mediaSSRC == 2 && feedback.statusCount == 0)
        #expect(
            [all[4]] + all[6...] == [
                .unknown(type: 206, count: 15), .unknown(type: 206, count: 2), .application,
                .unknown(type: 192, count: 0),
            ])
    }

    @Test func `extended reports`() throws {
        let bytes: [UInt8] = [
            0x80, 207, 0, 13, 0, 0, 0, 1,
            4, 0, 0, 2, 0xE0, 0, 0, 1, 0x80, 0, 0, 0,
            9, 0, 0, 1, 0, 0, 0, 0,
            5, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7,
        ]
        let datagram = bytes.span.bytes
        let all = try packets(bytes)
        guard case .extendedReport(let report) = all.first, all.count == 1 else {
            Issue.record("\(all)")
            return
        }
        #expect(report.ssrc == 1)
        var blocks = report.blocks
        let first = blocks.next(in: datagram)
        let second = blocks.next(in: datagram)
        let third = blocks.next(in: datagram)
        let fourth = blocks.next(in: datagram)
        #expect(first == .receiverReferenceTime(NTPTime(seconds: 0xE000_0001, fraction: 0x8000_0000)))
        #expect(second == .unknown(type: 9))
        guard case .dlrr(let dlrr) = third else {
            Issue.record("no DLRR")
            return
        }
        let items = [dlrr.item(0, in: datagram), dlrr.item(1, in: datagram)]
        #expect(
            items == [
                DLRRItem(ssrc: 2, lastReceiverReport: 3, delay: 4), DLRRItem(ssrc: 5, lastReceiverReport: 6, delay: 7),
            ])
        #expect(fourth == nil)
    }

    @Test(
        arguments: [
            ([], .empty),
            ([0x80, 200, 0], .truncatedHead(index: 0, offset: 0, got: 3)),
            ([0x80, 201, 0, 1, 0, 0, 0, 0, 0x80], .truncatedHead(index: 1, offset: 8, got: 1)),
            (
                [0x80, 201, 0, 1, 0, 0, 0, 0, 0x80, 203, 0, 1],
                .truncated(index: 1, offset: 8, type: 203, needed: 8, got: 4)
            ),
            ([0x40, 200, 0, 0], .badVersion(1, index: 0, offset: 0)),
            ([0x81, 201, 0, 1, 0, 0, 0, 0], .shortContent(index: 0, offset: 0, type: 201, needed: 28, got: 4)),
            ([0x80, 203, 0, 0, 0x82, 203, 0, 0], .shortContent(index: 1, offset: 4, type: 203, needed: 8, got: 0)),
            ([0x81, 206, 0, 1, 0, 0, 0, 0], .shortContent(index: 0, offset: 0, type: 206, needed: 8, got: 4)),
            ([0x81, 202, 0, 2, 0, 0, 0, 0, 1, 9, 0, 0], .malformed(index: 0, offset: 0, type: 202)),
            ([0x81, 202, 0, 0], .malformed(index: 0, offset: 0, type: 202)),
            ([0x80, 207, 0, 2, 0, 0, 0, 0, 4, 0, 0, 9], .malformed(index: 0, offset: 0, type: 207)),
            ([0xA0, 204, 0, 1, 0, 0, 0, 0], .badPadding(count: 0, index: 0, offset: 0)),
            ([0xA0, 204, 0, 1, 0, 0, 0, 5], .badPadding(count: 5, index: 0, offset: 0)),
            ([0x80, 203, 0, 0, 0xA0, 204, 0, 1, 0, 0, 0, 8], .badPadding(count: 8, index: 1, offset: 4)),
        ] as [([UInt8], RTCPParseError)])
    func `an error says which packet and where`(bytes: [UInt8], expected: RTCPParseError) {
        #expect(throws: expected) { try packets(bytes) }
    }

    @Test func `padding is no content, wherever the packet stands`() throws {
        #expect(
            try packets([0x80, 203, 0, 0, 0xA1, 203, 0, 2, 0, 0, 0, 5, 0, 0, 0, 4]).count == 2)
        #expect(
            try packets([0xA1, 203, 0, 2, 0, 0, 0, 5, 0, 0, 0, 4, 0x80, 203, 0, 0]).count == 2)
        #expect(throws: RTCPParseError.shortContent(index: 0, offset: 0, type: 203, needed: 8, got: 4)) {
            try packets([0xA2, 203, 0, 2, 0, 0, 0, 5, 0, 0, 0, 4])
        }
    }

    @Test func `behind a bad packet the walk goes on`() throws {
        let bytes: [UInt8] = [0x82, 203, 0, 0, 0x81, 203, 0, 1, 0, 0, 0, 5]
        let datagram = bytes.span.bytes
        var compound = try RTCPCompound(validating: datagram)
        var failures = 0
        var found = 0
        for _ in 0..<2 {
            do throws(RTCPParseError) {
                if try compound.next(in: datagram) != nil { found += 1 }
            } catch {
                failures += 1
            }
        }
        #expect(failures == 1 && found == 1)
    }
}
