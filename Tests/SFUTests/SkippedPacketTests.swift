import Base
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

/// Opus that falls silent now and then, and sends again what it is asked for.
private struct Speaker {
    var random: SeededGenerator
    private var sent: [Int: [UInt8]] = [:]
    private var number = 0
    /// Numbers of packets with sound.
    private(set) var sounds: [Int] = []
    private(set) var requested = 0

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// - Parameter isSound: Nil: one in three has none.
    mutating func next(isSound: Bool? = nil) throws -> [UInt8] {
        defer { number += 1 }
        let isSound = isSound ?? (Int.random(in: 0..<3, using: &random) > 0)
        var payload: [UInt8] = [0x78]
        if isSound {
            payload += [0] + (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } + [1, 2, 3]
            sounds.append(number)
        }
        let packet = try Packets.rtp(
            payloadType: 100, sequence: 65_000 + number, timestamp: UInt32(number * 960), ssrc: 1111, payload: payload)
        sent[(65_000 + number) & 0xFFFF] = packet
        return packet
    }

    mutating func receive(_ datagram: Sent) -> [[UInt8]] {
        var answers: [[UInt8]] = []
        for case .nack(let nack) in datagram.packets {
            for place in 0..<nack.count {
                let numbers = nack.item(place, in: datagram.bytes.span.bytes).numbers
                requested += numbers.count
                answers += numbers.compactMap { sent[$0] }
            }
        }
        return answers
    }
}

@Suite struct SkippedPacketTests {
    private static func opus() -> RTPParameters {
        var parameters = Parameters.opus()
        parameters.codecs[0].rtcpFeedback = [RTCPFeedback("nack")]
        return parameters
    }

    /// Source → engine → receiver over seeded links, both ends asking for what they miss.
    @Test(arguments: [UInt64(1), 2, 3, 4], [0.0, 0.02, 0.1])
    func `with ignoreDtx each sound arrives through losses, and no gap is left`(seed: UInt64, loss: Double) throws {
        let stage = try Stage()
        let incoming = try stage.transport("source", rtcpMux: true)
        try stage.produce("audio", on: incoming, Self.opus(), kind: .audio)
        let outgoing = try stage.transport("receiver", comedia: false, rtcpMux: true)
        try stage.connect(outgoing)
        let consumer = try stage.engine.consume(
            ConsumerSetup(
                transport: outgoing.id, id: ConsumerID(rawValue: "c"), producer: ProducerID(rawValue: "audio"),
                rtpCapabilities: Parameters.everything, enableRTX: true, ignoresDTX: true), now: stage.now,
            into: &stage.outbox)
        var speaker = Speaker(seed: seed)
        var receiver = try ScriptedReceiver(consumer)
        var up = Link(seed: seed, loss: loss, reordering: loss / 2)
        var down = Link(seed: seed + 100, loss: loss)
        var (upBack, downBack) = (Link(seed: 8), Link(seed: 9))

        func step() throws {
            stage.pass(.milliseconds(1))
            for datagram in up.arrivals(until: stage.now) { stage.receive(datagram, on: incoming.rtp) }
            for datagram in downBack.arrivals(until: stage.now) {
                stage.receive(datagram, on: outgoing.rtp, from: Stage.address("198.51.100.7", 5000))
            }
            stage.flush()
            for datagram in stage.sent {
                if datagram.destination.port == 7000 { upBack.send(datagram.bytes, at: stage.now) }
                if datagram.destination.port == 5000 { down.send(datagram.bytes, at: stage.now) }
            }
            stage.sent = []
            for datagram in upBack.arrivals(until: stage.now) {
                for answer in speaker.receive(Sent(datagram)) { up.send(answer, at: stage.now) }
            }
            for datagram in down.arrivals(until: stage.now) { try receiver.receive(Sent(datagram), now: stage.now) }
            if let request = receiver.request(now: stage.now) { downBack.send(request, at: stage.now) }
        }

        // So do the first ones: what comes before the beginning is nobody's.
        (up.loss, down.loss, up.reordering) = (0, 0, 0)
        up.send(try speaker.next(isSound: true), at: stage.now)
        for _ in 0..<20 { try step() }
        (up.loss, down.loss, up.reordering) = (loss, loss, loss / 2)
        for _ in 0..<1500 {
            up.send(try speaker.next(), at: stage.now)
            for _ in 0..<20 { try step() }
        }
        // The last one arrives for certain: without it nobody could know that one before is missing.
        (up.loss, down.loss, up.reordering) = (0, 0, 0)
        up.send(try speaker.next(isSound: true), at: stage.now)
        for _ in 0..<2000 { try step() }

        let circumstances: Comment = "seed \(seed), loss \(loss)"
        let kept = receiver.packets.sorted { $0.key < $1.key }
        let sounds = kept.filter { $0.value.count > 1 }
        let numbers = sounds.map { _, payload in (0..<4).reduce(0) { $0 | Int(payload[2 + $1]) << (8 * $1) } }
        #expect(numbers == speaker.sounds, circumstances)
        #expect(zip(kept, kept.dropFirst()).allSatisfy { $0.key + 1 == $1.key }, circumstances)
        #expect(receiver.differing == 0, circumstances)
        // Silence is left out, but for packets that had to be asked for: their numbers were given away by then.
        let silences = kept.count - sounds.count
        #expect(loss == 0 ? silences == 0 : silences <= speaker.requested, circumstances)
        if loss > 0 { #expect(speaker.requested > 10 && receiver.requested > 10, circumstances) }
    }

    @Test func `a repaired packet has its own number behind a skipped one`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        var parameters = Parameters.vp8()
        parameters.codecs += Parameters.h264().codecs
        try stage.produce("video", on: source, parameters)
        var onlyVP8 = Parameters.everything
        onlyVP8.codecs.removeAll { $0.mimeType == "video/H264" }
        try stage.receiver("c", of: "video", at: 5000, onlyVP8)
        func feed(_ sequence: Int, isVP8: Bool = true) throws {
            var payload = isVP8 ? Packets.vp8Payload(isKeyFrame: sequence == 100) : [1, 2, 3]
            payload[payload.count - 1] = UInt8(truncatingIfNeeded: sequence - 100)
            stage.feed(
                try Packets.rtp(payloadType: isVP8 ? 96 : 112, sequence: sequence, payload: payload), on: source.rtp)
        }
        try feed(100)
        try feed(104)
        try feed(105, isVP8: false)
        try feed(106)
        try feed(107, isVP8: false)
        try feed(108, isVP8: false)
        try feed(109)
        // Late ones, from before one skipped packet and from before all.
        try feed(102)
        try feed(101, isVP8: false)
        try feed(103)
        try feed(110)
        // From before the start.
        try feed(99)
        let media = stage.media(to: 5000)
        let first = try #require(media.first?.sequence)
        #expect(
            media.map { [Int($0.payload.last ?? 0), ($0.sequence - first) & 0xFFFF] } == [
                [0, 0], [4, 4], [6, 5], [9, 6], [2, 2], [3, 3], [10, 7],
            ])
    }

    @Test func `what is older than a thousand numbers behind a skipped packet has lost its number`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("audio", on: source, Self.opus(), kind: .audio)
        let out = try stage.transport("out", comedia: false)
        try stage.connect(out)
        _ = try stage.engine.consume(
            ConsumerSetup(
                transport: out.id, id: ConsumerID(rawValue: "c"), producer: ProducerID(rawValue: "audio"),
                rtpCapabilities: Parameters.everything, ignoresDTX: true), now: stage.now, into: &stage.outbox)
        func feed(_ number: Int, isSound: Bool = true) throws {
            stage.feed(
                try Packets.rtp(
                    payloadType: 100, sequence: number, timestamp: UInt32(number * 960), ssrc: 1111,
                    payload: [0x78] + (isSound ? [UInt8(number & 0xFF), 1] : [])), on: source.rtp)
        }
        for number in 0..<1100 where number != 5 && number != 90 { try feed(number, isSound: number % 50 != 3) }
        // 1053 is the last that was skipped.
        stage.sent = []
        try feed(5)
        try feed(90)
        #expect(stage.media(to: 5000).map(\.payload) == [[0x78, 90, 1]])
    }
}
