import Base
import RTCP
import RTP
import SFU
import TestSupport
import Testing

/// A stage with audio and video going to receivers, everything connected.
private func busyStage() throws -> (stage: Stage, source: Stage.Port, receiver: Stage.Port, consumer: UInt32) {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8(mid: "v"))
    try stage.produce("audio", on: source, Parameters.opus(mid: "a"), kind: .audio)
    let receiver = try stage.transport("receiver", comedia: false, rtcpMux: true)
    try stage.connect(receiver)
    let consumer = try stage.consume("c", on: receiver, of: "video")
    try stage.consume("d", on: receiver, of: "audio")
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
    let ssrc = try #require(consumer.rtpParameters.encodings.first?.ssrc)
    return (stage, source, receiver, ssrc)
}

@Test func `an RTP packet cut at any length is dropped or forwarded, never a trap`() throws {
    let (stage, source, _, _) = try busyStage()
    let before = stage.media(to: 5000).count
    let packet = try Packets.rtp(
        sequence: 5000, ssrc: 2222, extensions: [.init(id: 3, data: [1, 2, 3])], padding: 4,
        payload: Packets.vp8Payload(isKeyFrame: false))
    for length in 0..<packet.count { stage.feed(Array(packet.prefix(length)), on: source.rtp) }
    // Cut off, the last byte counts no valid padding but where a byte of the payload happens to fit.
    #expect(stage.drops(source).total > 20)
    stage.feed(try Packets.rtp(sequence: 101, ssrc: 2222, payload: [0, 1]), on: source.rtp)
    #expect(stage.media(to: 5000).count > before)
}

@Test func `an RTCP compound cut at any length is dropped`() throws {
    let (stage, source, receiver, ssrc) = try busyStage()
    let compound =
        Packets.senderReport(ssrc: 2222, ntp: NTPTime(rawValue: 1 << 40), timestamp: 7)
        + Packets.receiverReport(ReportBlock(ssrc: ssrc, fractionLost: 255, packetsLost: 1))
        + Packets.pictureLoss(ssrc: ssrc)
        + Packets.write { rtcp, bytes in rtcp.cname("x", of: 1, into: &bytes) }
    for length in 0..<compound.count where length % 4 != 0 {
        stage.feed(Array(compound.prefix(length)), on: source.rtp)
        stage.feed(Array(compound.prefix(length)), on: receiver.rtp, from: Stage.address("198.51.100.7", 5000))
    }
    let stats = try stage.engine.stats(of: ConsumerID(rawValue: "c"), now: stage.now).arrayValue
    #expect(stats?.first?["fractionLost"] == 0)
    #expect(stats?.first?["pliCount"] == 0)
    stage.feed(compound, on: receiver.rtp, from: Stage.address("198.51.100.7", 5000))
    let after = try stage.engine.stats(of: ConsumerID(rawValue: "c"), now: stage.now).arrayValue
    #expect(after?.first?["fractionLost"] == 255)
    #expect(after?.first?["pliCount"] == 1)
}

@Test func `a bad packet within a compound spoils only itself`() throws {
    let (stage, _, receiver, ssrc) = try busyStage()
    // A receiver report that announces 31 blocks and has none.
    let bad: [UInt8] = [0x80 | 31, 201, 0, 1, 0, 0, 0, 1]
    stage.feed(
        bad + Packets.pictureLoss(ssrc: ssrc), on: receiver.rtp, from: Stage.address("198.51.100.7", 5000))
    #expect(stage.drops(receiver).malformed == 1)
    let stats = try stage.engine.stats(of: ConsumerID(rawValue: "c"), now: stage.now).arrayValue
    #expect(stats?.first?["pliCount"] == 1)
}

@Test func `each kind of bad packet has its counter`() throws {
    let (stage, source, _, _) = try busyStage()
    let sent = stage.sent.count
    var expected = DropCounters()
    func feed(_ bytes: [UInt8], _ change: (inout DropCounters) -> Void) {
        stage.feed(bytes, on: source.rtp)
        change(&expected)
    }
    feed([1, 2, 3]) { $0.unknownKind += 1 }
    feed(Array(repeating: 0x80, count: 11)) { $0.unknownKind += 1 }
    // An extension of 65,535 words, a padding count of 0, a padding count above the payload.
    feed([0x90, 96] + Array(repeating: 0, count: 10) + [0xBE, 0xDE, 0xFF, 0xFF]) { $0.malformed += 1 }
    feed([0xA0, 96] + Array(repeating: 0, count: 12)) { $0.malformed += 1 }
    feed([0xA0, 96] + Array(repeating: 0, count: 10) + [9]) { $0.malformed += 1 }
    feed([0x80, 200, 0, 6]) { $0.malformed += 1 }
    feed(try Packets.rtp(sequence: 101, ssrc: 5, payload: [1])) { $0.noProducer += 1 }
    feed(try Packets.rtp(payloadType: 99, sequence: 101, ssrc: 2222, payload: [1])) { $0.payloadType += 1 }
    feed(try Packets.rtp(sequence: 101, ssrc: 2222, payload: [])) { $0.empty += 1 }
    feed(try Packets.rtp(sequence: 101, ssrc: 2222, payload: [1])) { $0.duplicate += 1 }
    feed(try Packets.rtp(sequence: 20_000, ssrc: 2222, payload: [1])) { $0.sequence += 1 }
    feed(try Packets.rtp(sequence: 102, ssrc: 2222, payload: Array(repeating: 0, count: 1489))) { $0.oversized += 1 }
    #expect(stage.drops(source) == expected)
    #expect(stage.sent.count == sent)
    // Exactly 1,500 bytes are fine.
    stage.feed(
        try Packets.rtp(sequence: 102, ssrc: 2222, payload: Array(repeating: 0, count: 1488)), on: source.rtp)
    #expect(stage.sent.count == sent + 1)
}

@Test(arguments: [1, 2, 3, 4] as [UInt64])
func `random datagrams never trap, and what follows them is forwarded`(seed: UInt64) throws {
    let (stage, source, receiver, ssrc) = try busyStage()
    var random = SeededGenerator(seed: seed)
    let remote = Stage.address("198.51.100.7", 5000)
    let samples: [[UInt8]] = [
        try Packets.rtp(
            sequence: 101, ssrc: 2222, extensions: [.init(id: 1, data: [1]), .init(id: 2, data: [1, 2])],
            payload: Packets.vp8Payload(isKeyFrame: true)),
        try Packets.rtp(payloadType: 100, sequence: 1, ssrc: 1111, payload: [1, 2, 3]),
        Packets.senderReport(ssrc: 2222, ntp: NTPTime(rawValue: 1 << 60), timestamp: 7),
        Packets.receiverReport(ReportBlock(ssrc: ssrc, lastSenderReport: 77)),
        Packets.pictureLoss(ssrc: ssrc),
        Packets.write { rtcp, bytes in
            rtcp.fullIntraRequest(senderSSRC: 1, mediaSSRC: ssrc, sequence: 1, into: &bytes)
            rtcp.nack(senderSSRC: 1, mediaSSRC: ssrc, sequenceNumber: 5, into: &bytes)
        },
    ]
    for _ in 0..<5000 {
        // Half of them are mutations of good ones: they come further.
        var datagram: [UInt8]
        if Bool.random(using: &random), let sample = samples.randomElement(using: &random) {
            datagram = sample
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                datagram[Int.random(in: 0..<datagram.count, using: &random)] = UInt8.random(
                    in: .min ... .max, using: &random)
            }
            if Int.random(in: 0..<4, using: &random) == 0 {
                datagram = Array(datagram.prefix(Int.random(in: 0...datagram.count, using: &random)))
            }
        } else {
            datagram = (0..<Int.random(in: 0..<200, using: &random)).map { _ in
                .random(in: .min ... .max, using: &random)
            }
        }
        if Bool.random(using: &random) {
            stage.receive(datagram, on: source.rtp)
        } else {
            stage.receive(datagram, on: receiver.rtp, from: remote)
        }
        if Int.random(in: 0..<10, using: &random) == 0 {
            stage.pass(.milliseconds(Int64.random(in: 1...50, using: &random)))
        }
        stage.flush()
    }
    _ = try stage.engine.stats(of: ConsumerID(rawValue: "c"), now: stage.now)
    // Two packets in a row are a restart wherever the numbers stand, and the second is a key frame.
    var track = VideoTrack()
    let sent = stage.media(to: 5000).count
    for start in [20_000, 40_000, 60_000] {
        track.sequence = start
        for isKeyFrame in [false, true, false] {
            for packet in try track.frame(isKeyFrame: isKeyFrame) { stage.feed(packet, on: source.rtp) }
        }
    }
    stage.pass(.milliseconds(100))
    #expect(stage.media(to: 5000).count >= sent + 2)
}

@Test func `datagrams on a socket that belongs to nobody are counted`() throws {
    let (stage, source, _, _) = try busyStage()
    stage.engine.close(source.id, now: stage.now, into: &stage.outbox)
    stage.receive([0x80, 96] + Array(repeating: 0, count: 20), on: source.rtp)
    let strays = stage.engine.strayDatagrams
    #expect(strays == 1)
}
