import Base
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

// MARK: - Sending again

@Test
func `a retransmission is the packet with a number and an SSRC of its own, and the old number before the payload`()
    throws
{
    var setting = try RetransmissionSetting(capabilities: Parameters.everythingWithMID)
    try setting.feed(frames: 20, packets: 2)
    let originals = setting.taken()
    let encoding = setting.consumer.rtpParameters.encodings[0]
    let codec = try #require(setting.consumer.rtpParameters.codecs.first { $0.isRTX })
    setting.ask([NACKItem(packetID: UInt16(originals[5].sequence), lossBitmap: 0b101)])
    let again = setting.taken()
    #expect(again.count == 3)
    let numbers = again.map(\.sequence)
    #expect((1000...32_767).contains(numbers[0]) && numbers[1] == numbers[0] + 1 && numbers[2] == numbers[0] + 2)
    for (copy, original) in zip(again, [originals[5], originals[6], originals[8]]) {
        let (new, old) = (try #require(copy.header), try #require(original.header))
        #expect(new.ssrc == encoding.rtxSSRC && new.payloadType == codec.payloadType)
        #expect(new.marker == old.marker && new.timestamp == old.timestamp)
        #expect(copy.payload.prefix(2) == original.bytes[2..<4])
        #expect(Array(copy.payload.dropFirst(2)) == original.payload)
        // The header extension with the MID, too.
        #expect(new.hasExtension)
        #expect(copy.bytes[12..<new.payloadOffset] == original.bytes[12..<old.payloadOffset])
    }
    let stats = try setting.stage.stats(ofConsumer: "c")
    #expect(stats["nackCount"] == 1 && stats["nackPacketCount"] == 3)
    #expect(stats["packetsRetransmitted"] == 3 && stats["packetsRepaired"] == 3)
    #expect(stats["packetCount"] == 40)
    let transport = try setting.stage.stats(ofTransport: "receiver")
    #expect(transport["rtxBytesSent"] == again.reduce(0) { $0 + $1.bytes.count })
    #expect(transport["rtpBytesSent"] == originals.reduce(0) { $0 + $1.bytes.count })
}

@Test func `a receiver without RTX gets the very same bytes`() throws {
    var capabilities = Parameters.everythingWithMID
    capabilities.codecs.removeAll { $0.mimeType == "video/rtx" }
    var setting = try RetransmissionSetting(capabilities: capabilities)
    // Padding counts as bytes, too.
    try setting.feed(frames: 10)
    let payload = Packets.vp8Payload(isKeyFrame: false, size: 50)
    setting.stage.feed(
        try Packets.rtp(sequence: setting.track.sequence, timestamp: 5, padding: 9, payload: payload),
        on: setting.source.rtp)
    let originals = setting.taken()
    let first = originals[0].sequence
    setting.ask([NACKItem(packetID: UInt16(first), lossBitmap: 0x3FF)])
    let again = setting.taken()
    #expect(again.map(\.bytes) == originals.map(\.bytes))
}

@Test func `padding stays behind in a retransmission`() throws {
    var setting = try RetransmissionSetting()
    try setting.feed(frames: 1)
    let payload = Packets.vp8Payload(isKeyFrame: false, size: 50)
    setting.stage.feed(
        try Packets.rtp(sequence: setting.track.sequence, timestamp: 5, padding: 9, payload: payload),
        on: setting.source.rtp)
    let original = try #require(setting.taken().last)
    setting.ask([NACKItem(packetID: UInt16(original.sequence))])
    let again = try #require(setting.taken().first)
    #expect(again.header?.paddingLength == 0)
    #expect(Array(again.payload.dropFirst(2)) == payload)
    #expect(again.bytes.count == original.bytes.count - 9 + 2)
}

@Test func `a packet is not sent again within a round trip, nor when it is older than two seconds`() throws {
    var setting = try RetransmissionSetting()
    try setting.feed(frames: 2)
    let first = UInt16(setting.taken()[0].sequence)
    setting.ask([NACKItem(packetID: first)])
    setting.stage.pass(.milliseconds(100))
    setting.ask([NACKItem(packetID: first)])
    #expect(setting.taken().count == 1)
    setting.stage.pass(.milliseconds(1))
    setting.ask([NACKItem(packetID: first), NACKItem(packetID: first &- 1), NACKItem(packetID: first &+ 500)])
    #expect(setting.taken().count == 1)
    let stats = try setting.stage.stats(ofConsumer: "c")
    #expect(stats["packetsRetransmitted"] == 2 && stats["packetsRepaired"] == 1)
    #expect(stats["nackPacketCount"] == 5)
    // 61 frames of 1/30 s later.
    try setting.feed(frames: 61)
    setting.stage.sent = []
    setting.ask([NACKItem(packetID: first), NACKItem(packetID: first &+ 2)])
    #expect(setting.taken().count == 1)
}

/// A path that has become too narrow loses most of what is sent; all of it once more each round trip would keep it full.
@Test func `where the path is estimated, what is sent again takes half of that, once the receiver was heard`() throws {
    var setting = try RetransmissionSetting(capabilities: BandwidthTests.capabilities(.remb))
    try setting.feed(frames: 100, packets: 1, size: 1000)
    let first = UInt16(setting.taken()[0].sequence)
    func ask() -> Int {
        setting.ask(
            stride(from: 0, to: 100, by: 17).map { NACKItem(packetID: first &+ UInt16($0), lossBitmap: 0xFFFF) })
        return setting.taken().reduce(0) { $0 + $1.bytes.count }
    }
    // As yet the 600 kbit/s are a guess: all that isn't too old.
    var sent = ask()
    #expect(sent > 50_000, "\(sent) bytes")
    setting.stage.pass(.milliseconds(1200))
    let remb = Packets.write { rtcp, bytes in
        let none: [UInt32] = []
        rtcp.receiverEstimatedMaximumBitrate(
            senderSSRC: 1, bitrateBitsPerSecond: 600_000, ssrcs: none.span, into: &bytes)
    }
    setting.stage.feed(remb, on: setting.receiver.rtp, from: Stage.address("198.51.100.7", 5000))
    let available = try #require(BandwidthTests.available(setting.stage, setting.receiver))
    // 37 KB are half of 600 kbit/s, within a second.
    sent = ask()
    #expect(available == 600_000 && 36_500...38_600 ~= sent, "\(sent) bytes at \(available)")
    setting.stage.pass(.milliseconds(200))
    #expect(ask() == 0)
    setting.stage.pass(.milliseconds(1000))
    sent = ask()
    #expect(36_500...38_600 ~= sent, "\(sent) bytes a second later")
}

@Test func `nothing is sent again to a paused receiver, nor from before its pause`() throws {
    var setting = try RetransmissionSetting()
    try setting.feed(frames: 5)
    let first = UInt16(setting.taken()[0].sequence)
    try setting.stage.engine.pause(ConsumerID(rawValue: "c"), now: setting.stage.now, into: &setting.stage.outbox)
    setting.ask([NACKItem(packetID: first, lossBitmap: 0xF)])
    #expect(setting.taken().isEmpty)
    try setting.stage.engine.resume(ConsumerID(rawValue: "c"), now: setting.stage.now, into: &setting.stage.outbox)
    try setting.feed(frames: 1)
    setting.stage.sent = []
    setting.ask([NACKItem(packetID: first, lossBitmap: 0x1F)])
    #expect(setting.taken().count == 1)
}

@Test func `a receiver that did not announce nack is not served`() throws {
    var capabilities = Parameters.everything
    for place in capabilities.codecs.indices {
        capabilities.codecs[place].rtcpFeedback.removeAll { $0 == RTCPFeedback("nack") }
    }
    var setting = try RetransmissionSetting(capabilities: capabilities)
    try setting.feed(frames: 5)
    let first = UInt16(setting.taken()[0].sequence)
    setting.ask([NACKItem(packetID: first, lossBitmap: 0xF)])
    #expect(setting.taken().isEmpty)
    #expect(try setting.stage.stats(ofConsumer: "c")["nackPacketCount"] == 5)
}

@Test func `a flood of requests leaves room for live packets and costs what the outbox holds`() throws {
    var setting = try RetransmissionSetting(outbox: 64_000)
    try setting.feed(frames: 60, packets: 6, size: 1000)
    let first = UInt16(setting.taken()[0].sequence)
    let flood = (0..<20).map { NACKItem(packetID: first &+ UInt16(17 * $0), lossBitmap: 0xFFFF) }
    for _ in 0..<50 { setting.ask(flood) }
    let again = setting.taken()
    // Each packet once, all the same: what had no room was asked for again.
    #expect(Set(again.map { $0.payload.prefix(2) }).count == again.count)
    #expect(again.count > 250 && again.count <= 340)
    try setting.feed(frames: 1)
    #expect(setting.taken().count == 1)
}

// MARK: - Asking

@Test func `a source is asked for what is missing, and what comes out of RTX is forwarded in its place`() throws {
    var setting = try RetransmissionSetting()
    try setting.feed(frames: 20, dropping: [5, 6, 9])
    setting.stage.pass(.milliseconds(30))
    let live = setting.stage.media(to: 5000)
    #expect(live.count == 17)
    #expect(setting.requests() == [[105, 106], [109]])
    setting.stage.feed(try setting.rtx(106, sequence: 500), on: setting.source.rtp)
    let repaired = setting.taken()
    #expect(repaired.map(\.sequence) == [live[0].sequence + 6])
    #expect(repaired[0].payload == Packets.vp8Payload(isKeyFrame: false, size: 60))
    #expect(repaired[0].header?.payloadType == live[0].header?.payloadType)
    #expect(repaired[0].header?.marker == true && repaired[0].timestamp == 7)
    // Only what was asked for, and once.
    setting.stage.feed(try setting.rtx(106, sequence: 501), on: setting.source.rtp)
    setting.stage.feed(try setting.rtx(103, sequence: 502), on: setting.source.rtp)
    setting.stage.feed(try setting.rtx(200, sequence: 503), on: setting.source.rtp)
    // A probe.
    setting.stage.feed(
        try Packets.rtp(payloadType: 97, sequence: 504, ssrc: 2223, padding: 50, payload: []), on: setting.source.rtp)
    #expect(setting.taken().isEmpty)
    let stats = try setting.stage.stats(ofProducer: "video")
    #expect(stats["nackCount"] == 2 && stats["nackPacketCount"] == 3)
    #expect(stats["packetsRetransmitted"] == 4 && stats["packetsRepaired"] == 1)
    #expect(stats["rtxSsrc"] == 2223 && stats["rtxPacketsDiscarded"] == 0)
    #expect(stats["packetsLost"] == 3 && stats["packetCount"] == 18)
    #expect(setting.stage.drops(setting.source).retransmission == 3)
    #expect(setting.stage.drops(setting.source).empty == 1)
}

@Test func `without RTX a packet that was asked for counts as repaired, one that was only late does not`() throws {
    var setting = try RetransmissionSetting(Parameters.vp8WithNACK(rtx: false))
    var held: [[UInt8]] = []
    for number in 0..<20 {
        let packet = try setting.track.frame(isKeyFrame: number == 0)[0]
        if number == 5 || number == 18 {
            held.append(packet)
        } else {
            setting.stage.feed(packet, on: setting.source.rtp)
        }
        setting.stage.pass(.milliseconds(2))
    }
    for packet in held.reversed() { setting.stage.feed(packet, on: setting.source.rtp) }
    #expect(setting.stage.media(to: 5000).count == 20)
    let stats = try setting.stage.stats(ofProducer: "video")
    #expect(stats["packetsRetransmitted"] == 1 && stats["packetsRepaired"] == 1 && stats["packetsLost"] == 0)
}

@Test func `a source without plain nack is asked for nothing`() throws {
    var setting = try RetransmissionSetting(Parameters.vp8())
    try setting.feed(frames: 20, dropping: [5])
    setting.stage.pass(.seconds(1))
    #expect(setting.requests().isEmpty)
}

@Test func `RTX that was not announced by its SSRC is found by payload type`() throws {
    var parameters = Parameters.vp8WithNACK(rtx: true, rtxSSRC: nil)
    parameters.mid = "v"
    parameters.headerExtensions = [RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.mid.rawValue, id: 9)]
    var setting = try RetransmissionSetting(parameters)
    try setting.feed(frames: 20, dropping: [5])
    setting.stage.pass(.milliseconds(30))
    #expect(setting.requests() == [[105]])
    // The MID tells the producer, once; then the SSRC is known.
    let mid = [RTPHeaderWriter.Extension(id: 9, data: [0x76])]
    let payload: [UInt8] = [0, 50] + Packets.vp8Payload(isKeyFrame: false)
    setting.stage.feed(
        try Packets.rtp(payloadType: 97, sequence: 1, ssrc: 4444, extensions: mid, payload: payload),
        on: setting.source.rtp)
    setting.stage.feed(try setting.rtx(105, sequence: 2, ssrc: 4444), on: setting.source.rtp)
    #expect(setting.taken().count == 1)
    #expect(try setting.stage.stats(ofProducer: "video")["rtxSsrc"] == 4444)
    // Another one is not.
    setting.stage.feed(
        try Packets.rtp(payloadType: 97, sequence: 1, ssrc: 5555, extensions: mid, payload: payload),
        on: setting.source.rtp)
    #expect(setting.stage.drops(setting.source).retransmission == 2)
}

@Test func `a retransmission before the stream, or of a producer that is paused, is dropped`() throws {
    var setting = try RetransmissionSetting()
    setting.stage.feed(try setting.rtx(99, sequence: 1), on: setting.source.rtp)
    try setting.feed(frames: 10, dropping: [5])
    setting.stage.pass(.milliseconds(40))
    #expect(setting.requests() == [[105]])
    let video = ProducerID(rawValue: "video")
    try setting.stage.engine.pause(video, now: setting.stage.now, into: &setting.stage.outbox)
    setting.stage.feed(try setting.rtx(105, sequence: 2), on: setting.source.rtp)
    try setting.feed(frames: 5, dropping: [12])
    setting.stage.pass(.seconds(1))
    #expect(setting.requests().isEmpty)
    try setting.stage.engine.resume(video, now: setting.stage.now, into: &setting.stage.outbox)
    try setting.feed(frames: 20, dropping: [20])
    #expect(setting.requests() == [[120]])
}

@Test func `a hole of more than a thousand packets makes the source send a key frame instead`() throws {
    var setting = try RetransmissionSetting()
    try setting.feed(frames: 5)
    setting.track.sequence += 1001
    try setting.feed(frames: 1)
    #expect(setting.stage.feedback(to: 7000).filter(\.isPictureLoss).count == 1)
    setting.stage.pass(.seconds(1))
    #expect(setting.requests().isEmpty)
}
