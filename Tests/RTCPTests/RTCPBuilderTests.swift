import Base
import RTCP
import TestSupport
import Testing

/// What `build` writes into a buffer of `capacity` bytes.
func written(
    _ capacity: Int, _ build: (inout RTCPBuilder, inout MutableRawSpan) -> Void
) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: capacity)
    var builder = RTCPBuilder()
    do {
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        build(&builder, &raw)
    }
    return Array(bytes[..<builder.length])
}

@Suite struct RTCPBuilderTests {
    static let info = SenderInfo(
        ssrc: 0x1111_1111, ntp: NTPTime(seconds: 0xE000_0001, fraction: 0x8000_0000), rtpTimestamp: 4096,
        packetCount: 9, octetCount: 256)
    static let block = ReportBlock(
        ssrc: 0x2222_2222, fractionLost: 64, packetsLost: -2, extendedHighestSequence: 0x11234, jitter: 7,
        lastSenderReport: 0xAABB_CCDD, delaySinceLastSenderReport: 65_536)

    @Test func `a compound has exactly these bytes`() {
        let bytes = written(1500) { rtcp, buffer in
            rtcp.senderReport(Self.info, into: &buffer)
            rtcp.reportBlock(Self.block, into: &buffer)
            rtcp.cname("a@b", of: 0x1111_1111, into: &buffer)
            rtcp.cname("wxyz", of: 0x3333_3333, into: &buffer)
            rtcp.pictureLoss(senderSSRC: 1, mediaSSRC: 2, into: &buffer)
            rtcp.fullIntraRequest(senderSSRC: 1, mediaSSRC: 9, sequence: 5, into: &buffer)
            for number: UInt16 in [10, 11, 13, 26, 65_535, 0] {
                rtcp.nack(senderSSRC: 1, mediaSSRC: 2, sequenceNumber: number, into: &buffer)
            }
            rtcp.receiverReferenceTime(Self.info.ntp, ssrc: 1, into: &buffer)
            rtcp.dlrr(DLRRItem(ssrc: 2, lastReceiverReport: 3, delay: 4), ssrc: 1, into: &buffer)
            rtcp.dlrr(DLRRItem(ssrc: 5, lastReceiverReport: 6, delay: 7), ssrc: 1, into: &buffer)
            rtcp.bye(ssrc: 1, into: &buffer)
            rtcp.bye(ssrc: 2, into: &buffer)
        }
        let expected: [UInt8] =
            [
                0x81, 200, 0, 12, 0x11, 0x11, 0x11, 0x11,
                0xE0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 9, 0, 0, 1, 0,
                0x22, 0x22, 0x22, 0x22, 0x40, 0xFF, 0xFF, 0xFE, 0, 1, 0x12, 0x34, 0, 0, 0, 7,
                0xAA, 0xBB, 0xCC, 0xDD, 0, 1, 0, 0,
            ] + [
                0x82, 202, 0, 6, 0x11, 0x11, 0x11, 0x11, 1, 3, 0x61, 0x40, 0x62, 0, 0, 0,
                0x33, 0x33, 0x33, 0x33, 1, 4, 0x77, 0x78, 0x79, 0x7A, 0, 0,
            ] + [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2] + [
                0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 5, 0, 0, 0,
            ] + [0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0x80, 0x05, 0xFF, 0xFF, 0, 1] + [
                0x80, 207, 0, 11, 0, 0, 0, 1, 4, 0, 0, 2, 0xE0, 0, 0, 1, 0x80, 0, 0, 0,
                5, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7,
            ] + [0x82, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]
        #expect(bytes == expected)
        #expect(throws: Never.self) { try packets(bytes) }
    }

    @Test func `the 32nd block begins a receiver report of the same source`() throws {
        let bytes = written(1500) { rtcp, buffer in
            rtcp.receiverReport(ssrc: 77, into: &buffer)
            for ssrc: UInt32 in 0..<40 { rtcp.reportBlock(ReportBlock(ssrc: ssrc), into: &buffer) }
        }
        let reports = try packets(bytes).compactMap { packet -> ReceiverReport? in
            if case .receiverReport(let report) = packet { report } else { nil }
        }
        #expect(reports.map(\.ssrc) == [77, 77])
        #expect(reports.map(\.reports.count) == [31, 9])
        let datagram = bytes.span.bytes
        let last = reports[1].reports.block(8, in: datagram)
        #expect(last.ssrc == 39)
    }

    @Test func `a full buffer is told, and what stands stays valid`() throws {
        for capacity in 0...300 {
            var refused = 0
            let bytes = written(capacity) { rtcp, buffer in
                func count(_ wrote: Bool) { refused += wrote ? 0 : 1 }
                count(rtcp.senderReport(Self.info, into: &buffer))
                if !rtcp.isEmpty { count(rtcp.reportBlock(Self.block, into: &buffer)) }
                count(rtcp.cname("someone@example", of: 1, into: &buffer))
                count(rtcp.nack(senderSSRC: 1, mediaSSRC: 2, sequenceNumber: 1, into: &buffer))
                count(rtcp.nack(senderSSRC: 1, mediaSSRC: 2, sequenceNumber: 100, into: &buffer))
                count(rtcp.receiverReferenceTime(Self.info.ntp, ssrc: 1, into: &buffer))
                count(rtcp.dlrr(DLRRItem(ssrc: 2, lastReceiverReport: 3, delay: 4), ssrc: 1, into: &buffer))
                count(rtcp.dlrr(DLRRItem(ssrc: 3, lastReceiverReport: 3, delay: 4), ssrc: 1, into: &buffer))
                count(rtcp.bye(ssrc: 1, into: &buffer))
            }
            #expect(bytes.count <= capacity)
            #expect(bytes.count % 4 == 0)
            if !bytes.isEmpty { #expect(throws: Never.self) { try packets(bytes) } }
            #expect((refused == 0) == (capacity >= 156), "capacity \(capacity)")
        }
    }

    @Test func `lost packets are clamped to 24 bits`() throws {
        for (lost, expected) in [(Int32.max, Int32(0x7F_FFFF)), (.min, -0x80_0000), (-1, -1)] {
            let bytes = written(100) { rtcp, buffer in
                rtcp.receiverReport(ssrc: 1, into: &buffer)
                rtcp.reportBlock(ReportBlock(ssrc: 2, packetsLost: lost), into: &buffer)
            }
            guard case .receiverReport(let report) = try packets(bytes).first else { continue }
            let block = report.reports.block(0, in: bytes.span.bytes)
            #expect(block.packetsLost == expected)
        }
    }

    @Test func `cut or flipped bytes never trap`() {
        let whole = written(1500) { rtcp, buffer in
            rtcp.senderReport(Self.info, into: &buffer)
            rtcp.reportBlock(Self.block, into: &buffer)
            rtcp.cname("a@b", of: 1, into: &buffer)
            rtcp.fullIntraRequest(senderSSRC: 1, mediaSSRC: 9, sequence: 5, into: &buffer)
            rtcp.nack(senderSSRC: 1, mediaSSRC: 2, sequenceNumber: 7, into: &buffer)
            rtcp.dlrr(DLRRItem(ssrc: 2, lastReceiverReport: 3, delay: 4), ssrc: 1, into: &buffer)
            rtcp.bye(ssrc: 1, into: &buffer)
        }
        var borders = 0
        for length in 0...whole.count { borders += walkEverything(Array(whole[..<length])) ? 1 : 0 }
        // SR, SDES, FIR, NACK, XR, BYE: six lengths are whole compounds.
        #expect(borders == 6)

        var generator = SeededGenerator(seed: 42)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            accepted += walkEverything(bytes) ? 1 : 0
        }
        // Some flips hit heads (refused), most hit content (accepted).
        #expect((1..<20_000).contains(accepted))
    }

    /// Reads all that there is to read; true when nothing was refused.
    private func walkEverything(_ bytes: [UInt8]) -> Bool {
        let datagram = bytes.span.bytes
        do throws(RTCPParseError) {
            var compound = try RTCPCompound(validating: datagram)
            while let packet = try compound.next(in: datagram) {
                switch packet {
                case .senderReport(let report): read(report.reports, in: datagram)
                case .receiverReport(let report): read(report.reports, in: datagram)
                case .sourceDescription(let description):
                    var items = description.items
                    while let item = items.next(in: datagram) { _ = item.text(in: datagram) }
                case .bye(let bye): for position in 0..<bye.count { _ = bye.ssrc(position, in: datagram) }
                case .nack(let nack): for position in 0..<nack.count { _ = nack.item(position, in: datagram) }
                case .fullIntraRequest(let fir): for position in 0..<fir.count { _ = fir.item(position, in: datagram) }
                case .remb(let remb): for position in 0..<remb.count { _ = remb.ssrc(position, in: datagram) }
                case .extendedReport(let report):
                    var blocks = report.blocks
                    while let block = blocks.next(in: datagram) {
                        guard case .dlrr(let dlrr) = block else { continue }
                        for position in 0..<dlrr.count { _ = dlrr.item(position, in: datagram) }
                    }
                case .transportWideFeedback(let feedback):
                    var statuses = feedback.statuses
                    while statuses.next(in: datagram) != nil {}
                case .application, .pictureLoss, .unknown: break
                }
            }
            return true
        } catch {
            return false
        }
    }

    private func read(_ reports: ReportBlocks, in datagram: RawSpan) {
        for position in 0..<reports.count { _ = reports.block(position, in: datagram) }
    }
}
