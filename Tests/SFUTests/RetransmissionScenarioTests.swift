import Base
import ORTC
import RTCP
import SFU
import TestSupport
import Testing

private let losses = [0, 0.01, 0.05, 0.1, 0.2]

/// A network that does everything wrong.
private func bad(_ seed: UInt64, loss: Double) -> Link {
    Link(
        seed: seed, loss: loss, duplication: 0.02, reordering: 0.03, delay: .milliseconds(10), jitter: .milliseconds(5))
}

@Test(arguments: losses, [true, false])
func `what a source's network loses is asked for and forwarded`(loss: Double, rtx: Bool) throws {
    let pair = try LossyStage(up: bad(11, loss: loss), upBack: bad(12, loss: loss), sourceRTX: rtx)
    try pair.run(frames: 500)
    let sent = pair.source.track.number
    let numbers = pair.receiver.numbers
    // The first key frame may have to come again; what came before it was not forwarded.
    let first = try #require(numbers.first)
    let missing = sent - first - numbers.count
    #expect(missing <= (loss < 0.2 ? 0 : 2), "\(missing) are missing, \(pair.circumstances)")
    #expect(first == 0, "\(pair.circumstances)")
    #expect(pair.receiver.twice == 0 && pair.receiver.differing == 0, "\(pair.circumstances)")
    // The numbering is the source's plus a constant, whatever came when.
    #expect(pair.receiver.shifts.count == 1, "\(pair.circumstances)")

    let stats = try pair.stage.stats(ofProducer: "video")
    let lost = pair.links.up.lostCount
    let requested = try #require(stats["nackPacketCount"])
    #expect(Double(requested) <= Double(lost) / ((1 - loss) * (1 - loss)) * 1.6 + 30, "\(pair.circumstances)")
    #expect(stats["nackCount"] ?? 0 <= requested)
    if loss >= 0.05 {
        let repaired = try #require(stats["packetsRepaired"])
        #expect(repaired > sent * Int(loss * 100) / 125, "\(pair.circumstances)")
        #expect(stats["packetsRetransmitted"] ?? 0 >= repaired)
        let bytes = try pair.stage.stats(ofTransport: "source")["rtxBytesReceived"] ?? 0
        #expect(rtx ? bytes > 40 * repaired : bytes == 0)
    }
}

@Test(arguments: losses, [true, false])
func `what a receiver's network loses is sent again when it asks`(loss: Double, rtx: Bool) throws {
    let pair = try LossyStage(down: bad(21, loss: loss), downBack: bad(22, loss: loss), receiverRTX: rtx)
    try pair.run(frames: 500)
    let numbers = pair.receiver.numbers
    let first = try #require(numbers.first)
    let missing = pair.source.track.number - first - numbers.count
    #expect(missing <= (loss < 0.2 ? 0 : 2), "\(missing) are missing, \(pair.circumstances)")
    #expect(pair.receiver.differing == 0, "\(pair.circumstances)")
    #expect(pair.receiver.shifts.count == 1, "\(pair.circumstances)")
    #expect((pair.receiver.rtx != nil) == rtx)

    let stats = try pair.stage.stats(ofConsumer: "c")
    let again = try #require(stats["packetsRetransmitted"])
    let asked = try #require(stats["nackPacketCount"])
    // Requests that were doubled on their way are answered once.
    #expect(again <= pair.receiver.requested, "\(pair.circumstances)")
    #expect(asked >= again)
    #expect(stats["packetsRepaired"] ?? 0 <= again)
    #expect(stats["packetCount"] == pair.source.track.number)
    if loss >= 0.05 {
        #expect(again > 1500 * Int(loss * 100) / 125, "\(pair.circumstances)")
        let transport = try pair.stage.stats(ofTransport: "receiver")
        #expect(transport["rtxBytesSent"] ?? 0 > 40 * again)
    }
}

@Test(arguments: [UInt64(1), 2, 3])
func `both networks are bad, and all arrives once`(seed: UInt64) throws {
    let pair = try LossyStage(
        up: bad(seed, loss: 0.05), upBack: bad(seed + 10, loss: 0.05), down: bad(seed + 20, loss: 0.05),
        downBack: bad(seed + 30, loss: 0.05))
    try pair.run(frames: 400)
    let numbers = pair.receiver.numbers
    #expect(Set(numbers).count == numbers.count, "\(pair.circumstances)")
    let missing = try pair.source.track.number - #require(numbers.first) - numbers.count
    #expect(missing == 0, "\(pair.circumstances)")
    #expect(pair.receiver.shifts.count == 1, "\(pair.circumstances)")
}

@Test func `a link that is too narrow for a key frame gets it all the same`() throws {
    // 4 Mbit/s with room for 20 packets: key frames of 60 packets are cut off.
    let narrow = Link(seed: 5, delay: .milliseconds(10), rate: 4_000_000, queue: 24_000)
    let pair = try LossyStage(up: narrow)
    for round in 0..<5 {
        try pair.run(frames: 1, packets: 60, size: 1100, keyFrameInterval: 1)
        try pair.run(frames: 20, packets: 1, size: 500, keyFrameInterval: 1000)
        #expect(pair.links.up.lostCount > 20 * round)
    }
    let missing = pair.source.track.number - pair.receiver.numbers.count
    #expect(missing == 0, "\(pair.circumstances)")
}

@Test(arguments: [true, false])
func `retransmission goes on across the wraps of both sides' numbers`(rtx: Bool) throws {
    let pair = try LossyStage(
        up: Link(seed: 31, loss: 0.01), down: Link(seed: 32, loss: 0.01), sourceRTX: rtx, receiverRTX: rtx)
    pair.source.track.sequence = 65_400
    // 70,000 packets: both sides' numbers wrap, wherever they began.
    try pair.run(frames: 2500, packets: 28, size: 8, interval: 12)
    let missing = pair.source.track.number - pair.receiver.numbers.count
    #expect(missing == 0, "\(pair.circumstances)")
    #expect(pair.receiver.shifts.count == 1, "\(pair.circumstances)")
    #expect(pair.receiver.differing == 0, "\(pair.circumstances)")
}
