import Base
import Congestion
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

/// What senders are told of the bandwidth that they have.
@Suite struct SenderBandwidthTests {
    @Test func `a sender with transport-wide numbers gets feedback every 100 ms, from the RTCP side`() throws {
        let stage = try Stage()
        let source = try stage.transport("source")
        try stage.produce("video", on: source, BandwidthTests.vp8(.transportWide))
        stage.receive(
            [0x80, 201, 0, 1, 0, 0, 0, 1], on: source.rtcp ?? source.rtp, from: Stage.address("203.0.113.5", 7001))
        for number in 0..<20 where number != 5 {
            stage.feed(
                try Packets.rtp(
                    sequence: number, extensions: [.init(id: 7, data: [0, UInt8(number)])],
                    payload: Packets.vp8Payload(isKeyFrame: number == 0)), on: source.rtp)
            stage.pass(.milliseconds(10))
        }
        stage.pass(.milliseconds(200))
        var came: [UInt16] = []
        var lost: [UInt16] = []
        for sent in stage.feedback(to: 7001) {
            for case .transportWideFeedback(let feedback) in sent.packets {
                #expect(feedback.senderSSRC == 0 && feedback.mediaSSRC == 2222)
                var statuses = feedback.statuses
                while let status = statuses.next(in: sent.bytes.span.bytes) {
                    if status.arrivalTicks == nil {
                        lost.append(status.sequenceNumber)
                    } else {
                        came.append(status.sequenceNumber)
                    }
                }
            }
        }
        #expect(came == (0..<20).filter { $0 != 5 } && lost == [5])
        let stats = try BandwidthTests.stats(stage, source.id)
        #expect(stats["rtpPacketLossReceived"] != nil && stats["availableIncomingBitrate"] == nil)
        #expect(stats["availableOutgoingBitrate"] == nil)
    }

    @Test func `a limit for what comes in is told by REMB`() throws {
        let stage = try Stage()
        let source = try stage.transport("source")
        try stage.engine.setMaxIncomingBitrate(source.id, 200_000, now: stage.now)
        try stage.produce("video", on: source, BandwidthTests.vp8(.transportWide))
        stage.receive(
            [0x80, 201, 0, 1, 0, 0, 0, 1], on: source.rtcp ?? source.rtp, from: Stage.address("203.0.113.5", 7001))
        for number in 0..<4 {
            stage.feed(
                try Packets.rtp(
                    sequence: number, extensions: [.init(id: 7, data: [0, UInt8(number)])],
                    payload: Packets.vp8Payload(isKeyFrame: number == 0)), on: source.rtp)
            stage.pass(.milliseconds(100))
        }
        var told: [Int64] = []
        for sent in stage.feedback(to: 7001) {
            for case .remb(let remb) in sent.packets { told.append(remb.bitrateBitsPerSecond) }
        }
        #expect(told == [200_000])
        #expect(try BandwidthTests.stats(stage, source.id)["maxIncomingBitrate"] == 200_000)
    }

    @Test func `a sender with abs-send-time gets REMBs`() throws {
        let stage = try Stage()
        let source = try stage.transport("source")
        try stage.produce("video", on: source, BandwidthTests.vp8(.remb))
        stage.receive(
            [0x80, 201, 0, 1, 0, 0, 0, 1], on: source.rtcp ?? source.rtp, from: Stage.address("203.0.113.5", 7001))
        for number in 0..<800 {
            let time = AbsoluteSendTime.value(at: stage.now)
            let data: [UInt8] = [16, 8, 0].map { UInt8(truncatingIfNeeded: time >> $0) }
            stage.feed(
                try Packets.rtp(
                    sequence: number, extensions: [.init(id: 7, data: data)],
                    payload: Packets.vp8Payload(isKeyFrame: number == 0, size: 1000)), on: source.rtp)
            stage.pass(.milliseconds(10))
        }
        var told: [Int64] = []
        for sent in stage.feedback(to: 7001) {
            for case .remb(let remb) in sent.packets {
                #expect(remb.count == 1)
                told.append(remb.bitrateBitsPerSecond)
            }
        }
        // 100 packets of about a kilobyte a second; the estimate may be 1.5 times of it.
        let last = try #require(told.last)
        #expect(700_000...1_400_000 ~= last, "\(told)")
        guard case .integer(let available)? = try BandwidthTests.stats(stage, source.id)["availableIncomingBitrate"]
        else {
            Issue.record("no availableIncomingBitrate")
            return
        }
        #expect(available >= last)
    }
}
