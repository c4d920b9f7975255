import Base
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

// MARK: - Round trips

@Test func `a source is told our time, and its answer sets the pace of requests`() throws {
    var setting = try RetransmissionSetting()
    try setting.feed(frames: 10)
    setting.stage.pass(.seconds(2))
    var told: NTPTime?
    for datagram in setting.stage.feedback(to: 7000) {
        for case .extendedReport(let report) in datagram.packets {
            #expect(report.ssrc == 0)
            var blocks = report.blocks
            while let block = blocks.next(in: datagram.bytes.span.bytes) {
                if case .receiverReferenceTime(let time) = block { told = time }
            }
        }
    }
    // Heard 200 ms ago, of which the source held it for 50.
    let heard = NTPTime(unixNanoseconds: setting.stage.unixNow - 200_000_000)
    #expect(try #require(told).unixNanoseconds <= setting.stage.unixNow)
    let answer = Packets.write { rtcp, bytes in
        let delay = CompactNTP.delay(.milliseconds(50))
        rtcp.dlrr(DLRRItem(ssrc: 0, lastReceiverReport: heard.compact, delay: delay), ssrc: 2222, into: &bytes)
    }
    setting.stage.feed(answer, on: setting.source.rtp)
    let video = ProducerID(rawValue: "video")
    let stats = try setting.stage.engine.stats(of: video, now: setting.stage.now).arrayValue?.first
    let roundTrip = try #require(stats?["roundTripTime"]?.doubleValue)
    #expect(abs(roundTrip - 150) < 0.1)

    setting.stage.sent = []
    try setting.feed(frames: 20, dropping: [15])
    _ = setting.requests()
    let start = setting.stage.now
    var moments: [Int] = []
    while moments.count < 2, setting.stage.now - start < .seconds(1) {
        setting.stage.pass(.milliseconds(1))
        if !setting.requests().isEmpty { moments.append(Int((setting.stage.now - start).nanoseconds / 1_000_000)) }
    }
    // At ticks of 40 ms: four of them.
    #expect(moments.count == 2 && (150...180).contains(moments[1] - moments[0]))
}

@Test func `a receiver that tells its time gets it back with the sender reports`() throws {
    var setting = try RetransmissionSetting()
    try setting.feed(frames: 10)
    let time = NTPTime(rawValue: 0x1234_5678_9ABC_DEF0)
    let report = Packets.write { rtcp, bytes in
        rtcp.receiverReport(ssrc: 77, into: &bytes)
        rtcp.receiverReferenceTime(time, ssrc: 77, into: &bytes)
    }
    setting.stage.feed(report, on: setting.receiver.rtp, from: Stage.address("198.51.100.7", 5000))
    let before = setting.stage.now
    setting.stage.sent = []
    setting.stage.pass(.seconds(2))
    let datagram = try #require(setting.stage.feedback(to: 5000).first)
    var items: [DLRRItem] = []
    var source: UInt32?
    for case .extendedReport(let report) in datagram.packets {
        source = report.ssrc
        var blocks = report.blocks
        while case .dlrr(let dlrr) = blocks.next(in: datagram.bytes.span.bytes) {
            for place in 0..<dlrr.count { items.append(dlrr.item(place, in: datagram.bytes.span.bytes)) }
        }
    }
    #expect(source == setting.consumer.rtpParameters.encodings[0].ssrc)
    let item = try #require(items.first)
    #expect(items.count == 1 && item.ssrc == 77 && item.lastReceiverReport == time.compact)
    #expect(CompactNTP.duration(item.delay) < setting.stage.now - before)
    #expect(item.delay > 0)
}

@Test func `a stream of retransmissions has a report block of its own`() throws {
    var setting = try RetransmissionSetting()
    try setting.feed(frames: 20, dropping: [5])
    setting.stage.feed(try setting.rtx(105, sequence: 40), on: setting.source.rtp)
    setting.stage.feed(
        Packets.senderReport(ssrc: 2223, ntp: NTPTime(rawValue: 0x1_0000_0000), timestamp: 0), on: setting.source.rtp)
    setting.stage.sent = []
    setting.stage.pass(.seconds(2))
    let datagram = try #require(setting.stage.feedback(to: 7000).first { !$0.packets.isEmpty })
    var blocks: [ReportBlock] = []
    for case .receiverReport(let report) in datagram.packets {
        for place in 0..<report.reports.count {
            blocks.append(report.reports.block(place, in: datagram.bytes.span.bytes))
        }
    }
    #expect(blocks.map(\.ssrc) == [2222, 2223])
    #expect(blocks.last?.extendedHighestSequence == 40 && blocks.last?.lastSenderReport == 0x1_0000)
    #expect(blocks.first?.packetsLost == 1)
}

// MARK: - Scores

@Test(arguments: [
    // packets, lost, repaired, retransmitted, countsRepaired, score
    (100, 0, 0, 0, false, 10), (90, 10, 0, 0, false, 6), (90, 10, 10, 10, false, 9), (90, 10, 10, 20, false, 8),
    (90, 10, 5, 5, false, 8), (100, 0, 10, 10, true, 9), (100, 0, 0, 0, true, 10), (50, 50, 0, 0, false, 0),
    (50, 50, 50, 50, false, 0), (10, 0, 5, 5, false, 10),
])
func `repaired losses weigh less in a score`(
    packets: Int, lost: Int, repaired: Int, retransmitted: Int, countsRepaired: Bool, score: Int
) {
    var meter = ScoreMeter()
    _ = meter.update(
        packets: Int64(packets), lost: Int64(lost), repaired: Int64(repaired), retransmitted: Int64(retransmitted),
        countsRepaired: countsRepaired)
    #expect(meter.value == score)
}
