import Base
import ORTC
import RTP
import SFU

/// A script: steps of one byte each that says what is done, and what it is done with behind it.
///
///     0  datagram         transport, length (2), bytes: as they are, also from a stranger and damaged
///     1  RTP              track, flags, steps of number and timestamp, extension, payload: as its source sends it
///     2  RTCP             transport, kind, and what the kind takes: about SSRCs that are there
///     3  time             in ms, and thousands of them
///     4  command          on a producer, consumer or transport
func fuzzEngine(_ bytes: RawSpan) {
    guard let stage = try? EngineStage() else { preconditionFailure("the stage can be set") }
    var script = EngineScript(bytes: array(bytes.extracting(0..<min(bytes.byteCount, 16_384))))
    while !script.isAtEnd {
        switch script.byte() % 5 {
        case 0: script.datagram(stage)
        case 1: script.rtp(stage)
        case 2: script.rtcp(stage)
        case 3: script.time(stage)
        default: script.command(stage)
        }
    }
    stage.pass(.seconds(3))
    stage.close()
}

private struct EngineScript {
    let bytes: [UInt8]
    var place = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { place >= bytes.count }

    /// 0 behind the end.
    mutating func byte() -> Int {
        guard place < bytes.count else { return 0 }
        defer { place += 1 }
        return Int(bytes[place])
    }

    mutating func word() -> Int { byte() << 8 | byte() }

    mutating func take(_ count: Int) -> [UInt8] {
        let end = min(bytes.count, place + count)
        defer { place = end }
        return Array(bytes[place..<end])
    }

    // MARK: - Datagrams

    mutating func datagram(_ stage: EngineStage) {
        let choice = byte()
        let datagram = take(word() % 2048)
        stage.receive(datagram, on: choice % 6, fromElsewhere: choice & 0x80 != 0)
    }

    mutating func rtp(_ stage: EngineStage) {
        let number = byte() % stage.tracks.count
        var track = stage.tracks[number]
        let flags = byte()
        let isRTX = flags & 16 != 0
        let step = Int8(truncatingIfNeeded: byte())
        track.sequence &+= UInt16(truncatingIfNeeded: flags & 32 != 0 ? Int(step) * 128 : Int(step))
        track.timestamp &+= UInt32(byte()) &* 375
        if !isRTX { stage.tracks[number] = track }
        var extensions: [RTPHeaderWriter.Extension] = []
        if flags & 2 != 0 {
            extensions.append(.init(id: 1, data: Array(track.mid.utf8)))
            if let rid = track.rid { extensions.append(.init(id: isRTX ? 3 : 2, data: Array(rid.utf8))) }
        }
        if flags & 4 != 0 {
            extensions.append(.init(id: 4, data: take(3)))
            extensions.append(.init(id: 5, data: take(2)))
        }
        if flags & 8 != 0 { extensions.append(.init(id: track.contentID, data: take(byte()))) }
        var payload = take(word() % 1500)
        let isPadded = flags & 64 != 0
        if isRTX { payload = [UInt8(track.sequence >> 8), UInt8(truncatingIfNeeded: track.sequence)] + payload }
        let writer = RTPHeaderWriter(
            payloadType: isRTX ? track.rtx?.payloadType ?? 0 : track.payloadType, marker: flags & 1 != 0,
            sequenceNumber: track.sequence, timestamp: track.timestamp,
            ssrc: isRTX ? track.rtx?.ssrc ?? 0 : track.ssrc, contributingSources: isPadded ? [1, 2] : [],
            extensions: extensions, paddingLength: isPadded ? 3 : 0)
        guard let packet = try? writer.packet(payload: payload),
            var datagram = stage.protect(packet, on: track.transport, isRTCP: false)
        else { return }
        if flags & 128 != 0 { damage(&datagram) }
        stage.receive(datagram, on: track.transport)
    }

    private mutating func damage(_ datagram: inout [UInt8]) {
        let place = word() % datagram.count
        datagram[place] = UInt8(byte())
    }

    // MARK: - RTCP

    mutating func rtcp(_ stage: EngineStage) {
        let transport = byte() % 6
        let kind = byte()
        let ssrc = stage.ssrcs[byte() % stage.ssrcs.count]
        let last = Int(stage.lastNumbers[ssrc] ?? 0)
        var packet: [UInt8]
        switch kind % 10 {
        case 0:
            // A window of what was sent last, asked for once more.
            let items = (0..<1 + byte() % 4).flatMap { _ in half(last - byte()) + half(word()) }
            packet = Self.packet(1, 205, word32(1) + word32(ssrc) + items)
        case 1:
            let first = Int(stage.lastTransportNumber) - byte()
            packet = Self.packet(
                15, 205, word32(1) + word32(ssrc) + half(first) + half(byte()) + take(4) + take(byte() % 64))
        case 2: packet = Self.packet(1, 206, word32(1) + word32(ssrc))
        case 3: packet = Self.packet(4, 206, word32(1) + word32(0) + word32(ssrc) + [UInt8(byte()), 0, 0, 0])
        case 4:
            packet = Self.packet(15, 206, word32(1) + word32(0) + [0x52, 0x45, 0x4D, 0x42, 1] + take(3) + word32(ssrc))
        case 5: packet = Self.packet(1, 201, word32(1) + word32(ssrc) + take(20))
        case 6: packet = Self.packet(0, 200, word32(ssrc) + take(20))
        case 7:
            packet = Self.packet(
                0, 207, word32(ssrc) + [4, 0, 0, 2] + take(8) + [5, 0, 0, 3] + word32(ssrc) + take(8))
        case 8: packet = Self.packet(UInt8(byte() & 31), UInt8(192 + byte() % 32), word32(ssrc) + take(byte()))
        default: packet = take(word() % 1500)
        }
        if kind & 0x40 != 0 { packet += packet }
        guard var datagram = stage.protect(packet, on: transport, isRTCP: true), !datagram.isEmpty else { return }
        if kind & 0x80 != 0 { damage(&datagram) }
        stage.receive(datagram, on: transport)
    }

    private func half(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }

    private func word32(_ value: UInt32) -> [UInt8] { half(Int(value >> 16)) + half(Int(value & 0xFFFF)) }

    /// With as many zeros behind the body as make whole words.
    private static func packet(_ count: UInt8, _ type: UInt8, _ body: [UInt8]) -> [UInt8] {
        let body = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
        let words = body.count / 4
        return [0x80 | count, type, UInt8(truncatingIfNeeded: words >> 8), UInt8(truncatingIfNeeded: words)] + body
    }

    // MARK: - Time and commands

    mutating func time(_ stage: EngineStage) {
        let step = byte()
        stage.pass(.milliseconds(step < 240 ? step : (step - 239) * 500))
    }

    /// What is refused is refused.
    mutating func command(_ stage: EngineStage) {
        let kind = byte()
        let producer = stage.producers[byte() % stage.producers.count]
        let consumer = stage.consumers[byte() % stage.consumers.count]
        let value = byte()
        let transport = stage.remotes[value % 6].id
        let now = stage.now
        switch kind % 16 {
        case 0: try? stage.engine.pause(producer, now: now, into: &stage.outbox)
        case 1: try? stage.engine.resume(producer, now: now, into: &stage.outbox)
        case 2: try? stage.engine.pause(consumer, now: now, into: &stage.outbox)
        case 3: try? stage.engine.resume(consumer, now: now, into: &stage.outbox)
        case 4, 5:
            let layers = PreferredLayers(
                spatialLayer: UInt8(value & 7), temporalLayer: value & 64 != 0 ? UInt8(value >> 3 & 7) : nil)
            _ = try? stage.engine.setPreferredLayers(layers, of: consumer, now: now, into: &stage.outbox)
        case 6: try? stage.engine.setPriority(consumer, value, now: now, into: &stage.outbox)
        case 7: try? stage.engine.setMaxOutgoingBitrate(transport, Int64(word()) << 6, now: now, into: &stage.outbox)
        case 8: try? stage.engine.setMaxIncomingBitrate(transport, Int64(word()) << 6, now: now)
        case 9: try? stage.engine.requestKeyFrame(consumer, now: now, into: &stage.outbox)
        case 10:
            _ = try? (stage.engine.stats(of: producer, now: now), stage.engine.stats(of: consumer, now: now))
            _ = try? (stage.engine.stats(of: transport, now: now), stage.engine.dump(of: transport))
            _ = try? (
                stage.engine.dump(of: producer), stage.engine.dump(of: consumer), stage.engine.dump(of: stage.room)
            )
        case 11:
            if stage.consumers.count < 64 { try? stage.consume(kind >> 4 % 5, on: 2 + value % 4, value & 8 != 0) }
        case 12: stage.engine.close(consumer, now: now, into: &stage.outbox)
        case 13: if value > 200 { stage.engine.close(producer, now: now, into: &stage.outbox) }
        case 14: if value > 230 { stage.engine.close(transport, now: now, into: &stage.outbox) }
        default:
            let types = TraceEventTypes(rawValue: UInt8(value))
            try? stage.engine.enableTraceEvent(types, of: producer)
            try? stage.engine.enableTraceEvent(types, of: consumer)
        }
        stage.flush()
    }
}
