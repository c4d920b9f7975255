import Base
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

@Test func `a consumer gets the producer's packets under its own SSRC, payload type and numbering`() throws {
    let stage = try Stage()
    let source = try stage.transport("source")
    try stage.produce("video", on: source, Parameters.vp8())
    let receiver = try stage.transport("receiver", comedia: false)
    try stage.connect(receiver)
    let consumer = try stage.consume("c", on: receiver, of: "video")
    let ssrc = try #require(consumer.rtpParameters.encodings.first?.ssrc)

    var track = VideoTrack()
    for isKeyFrame in [true, false, false] {
        for packet in try track.frame(isKeyFrame: isKeyFrame, packets: 2) { stage.feed(packet, on: source.rtp) }
        stage.pass(.milliseconds(33))
    }
    let media = stage.media(to: 5000)
    #expect(media.map(\.number) == [0, 1, 2, 3, 4, 5])
    #expect(media.allSatisfy { $0.header?.ssrc == ssrc && $0.header?.payloadType == 101 })
    #expect(media.map(\.timestamp) == [90_000, 90_000, 93_000, 93_000, 96_000, 96_000])
    #expect(media.map { $0.header?.marker } == [false, true, false, true, false, true])
    let first = try #require(media.first?.sequence)
    #expect((1000...32_767).contains(first))
    #expect(media.map(\.sequence) == (0..<6).map { first + $0 })
}

@Test func `nothing is forwarded before the first key frame, and the source is asked for one`() throws {
    let stage = try Stage()
    let source = try stage.transport("source")
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    // RTCP of the source tells where to send requests.
    stage.feed(
        Packets.senderReport(ssrc: 9, ntp: NTPTime(rawValue: 0), timestamp: 0), on: try #require(source.rtcp),
        from: Stage.address("203.0.113.5", 7001))
    var track = VideoTrack()
    for packet in try track.frame() { stage.feed(packet, on: source.rtp) }
    #expect(stage.media(to: 5000).isEmpty)
    let requests = stage.feedback(to: 7001).filter(\.isPictureLoss)
    #expect(requests.count == 1)
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
    #expect(stage.media(to: 5000).map(\.number) == [1])
}

@Test func `audio is forwarded at once`() throws {
    let stage = try Stage()
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("audio", on: source, Parameters.opus(), kind: .audio)
    try stage.receiver("c", of: "audio", at: 5000)
    for number in 0..<5 {
        stage.feed(
            try Packets.rtp(
                payloadType: 100, sequence: number, timestamp: UInt32(960 * number), ssrc: 1111, payload: [1, 2, 3]),
            on: source.rtp)
        stage.pass(.milliseconds(20))
    }
    #expect(stage.media(to: 5000).count == 5)
}

@Test(arguments: [0, 32_700, 65_530])
func `a wrap of the incoming sequence number goes unnoticed`(start: Int) throws {
    let stage = try Stage()
    let source = try stage.transport("source")
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    track.sequence = start
    for number in 0..<70_000 {
        for packet in try track.frame(isKeyFrame: number == 0, size: 8) { stage.feed(packet, on: source.rtp) }
    }
    let media = stage.media(to: 5000)
    #expect(media.count == 70_000)
    let first = try #require(media.first?.sequence)
    let wrong = media.indices.first { media[$0].sequence != (first + $0) & 0xFFFF }
    #expect(wrong == nil)
}

@Test func `padding only packets leave no gap`() throws {
    let stage = try Stage()
    let source = try stage.transport("source")
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    for number in 0..<30 {
        if number % 3 == 2 {
            stage.feed(try Packets.rtp(sequence: track.sequence, padding: 200, payload: []), on: source.rtp)
            track.sequence += 1
        } else {
            for packet in try track.frame(isKeyFrame: number == 0) { stage.feed(packet, on: source.rtp) }
        }
    }
    let media = stage.media(to: 5000)
    #expect(media.map(\.number) == Array(0..<20))
    #expect(zip(media, media.dropFirst()).allSatisfy { $1.sequence == $0.sequence + 1 })
    #expect(stage.drops(source).empty == 10)
}

@Test func `what a bad network loses, doubles and reorders comes out once, with the same gaps`() throws {
    let stage = try Stage()
    let source = try stage.transport("source")
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    // The key frame's beginning arrives for certain.
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
    var link = Link(seed: 42, loss: 0.05, duplication: 0.05, reordering: 0.1, delay: .milliseconds(20))
    for _ in 0..<500 {
        for packet in try track.frame(packets: 3) { link.send(packet, at: stage.now) }
        for datagram in link.arrivals(until: stage.now) { stage.receive(datagram, on: source.rtp) }
        stage.flush()
        stage.pass(.milliseconds(10))
    }
    let media = stage.media(to: 5000)
    #expect(media.count > 1300)
    #expect(Set(media.map(\.number)).count == media.count)
    // Output numbering is input numbering plus a constant: losses stay visible to the receiver.
    let shifts = Set(media.map { ($0.sequence - $0.number) & 0xFFFF })
    #expect(shifts.count == 1)
    #expect(stage.drops(source).duplicate > 20)
}

@Test func `each consumer has its own numbering`() throws {
    let stage = try Stage()
    let source = try stage.transport("source")
    try stage.produce("video", on: source, Parameters.vp8())
    for number in 0..<50 { try stage.receiver("c\(number)", of: "video", at: UInt16(5000 + 2 * number)) }
    var track = VideoTrack()
    for number in 0..<20 {
        for packet in try track.frame(isKeyFrame: number == 0, packets: 4, size: 1000) {
            stage.receive(packet, on: source.rtp)
        }
        stage.flush()
        stage.pass(.milliseconds(33))
    }
    for number in 0..<50 {
        let media = stage.media(to: UInt16(5000 + 2 * number))
        #expect(media.map(\.number) == Array(0..<80))
        #expect(zip(media, media.dropFirst()).allSatisfy { $1.sequence == $0.sequence + 1 })
    }
    #expect(Set((0..<50).map { stage.media(to: UInt16(5000 + 2 * $0))[0].sequence }).count > 40)
}

@Test func `a sender that starts over is followed without a gap`() throws {
    let stage = try Stage()
    let source = try stage.transport("source")
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    for number in 0..<10 {
        for packet in try track.frame(isKeyFrame: number == 0) { stage.feed(packet, on: source.rtp) }
    }
    track.sequence = 40_000
    for _ in 0..<10 {
        for packet in try track.frame() { stage.feed(packet, on: source.rtp) }
    }
    let media = stage.media(to: 5000)
    // The first packet after the jump is refused until the second confirms it (RFC 3550 A.1).
    #expect(media.map(\.number) == Array(0..<10) + Array(11..<20))
    #expect(zip(media, media.dropFirst()).allSatisfy { $1.sequence == $0.sequence + 1 })
}

@Test func `header extensions travel under the router's ids, and the MID is the consumer's`() throws {
    let stage = try Stage()
    let source = try stage.transport("source")
    let extensions = [
        RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.mid.rawValue, id: 9),
        RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.ssrcAudioLevel.rawValue, id: 5),
    ]
    try stage.produce("audio", on: source, Parameters.opus(mid: "zz", extensions: extensions), kind: .audio)
    try stage.receiver("bare", of: "audio", at: 5000)
    try stage.receiver("mid", of: "audio", at: 6000, Parameters.everythingWithMID)
    let sentExtensions = [
        RTPHeaderWriter.Extension(id: 9, data: [0x7A, 0x7A]), RTPHeaderWriter.Extension(id: 5, data: [0x87]),
        RTPHeaderWriter.Extension(id: 3, data: [1, 2, 3]),
    ]
    for sequence in 0..<3 {
        // The last one has no extension at all.
        stage.feed(
            try Packets.rtp(
                payloadType: 100, sequence: sequence, ssrc: 1111, extensions: sequence == 2 ? [] : sentExtensions,
                payload: [7, 8, 9]), on: source.rtp)
    }
    func elements(_ datagram: Sent) throws -> [UInt8: [UInt8]] {
        let header = try #require(datagram.header)
        var found: [UInt8: [UInt8]] = [:]
        var cursor = RTPHeaderExtensionCursor(header)
        while let element = cursor.next(in: datagram.bytes.span.bytes) {
            found[element.id] = Array(datagram.bytes[element.offset..<element.offset + element.length])
        }
        return found
    }
    #expect(try stage.media(to: 5000).map(elements) == [[10: [0x87]], [10: [0x87]], [:]])
    #expect(
        try stage.media(to: 6000).map(elements) == [
            [1: [0x30], 10: [0x87]], [1: [0x30], 10: [0x87]], [1: [0x30]],
        ])
    #expect(stage.sent.filter { !$0.isRTCP }.allSatisfy { $0.payload == [7, 8, 9] })
}

@Test func `packets of a codec that a consumer has not leave no gap, late ones only their own`() throws {
    let stage = try Stage()
    let source = try stage.transport("source")
    var parameters = Parameters.vp8()
    parameters.codecs += Parameters.h264().codecs
    try stage.produce("video", on: source, parameters)
    var onlyVP8 = Parameters.everything
    onlyVP8.codecs.removeAll { $0.mimeType == "video/H264" }
    try stage.receiver("c", of: "video", at: 5000, onlyVP8)
    func feed(_ sequence: Int, isVP8: Bool = true) throws {
        let payload = isVP8 ? Packets.vp8Payload(isKeyFrame: sequence == 100) : [1, 2, 3]
        stage.feed(try Packets.rtp(payloadType: isVP8 ? 96 : 112, sequence: sequence, payload: payload), on: source.rtp)
    }
    func sequences() -> [Int] {
        let media = stage.media(to: 5000)
        return media.map { $0.sequence - (media.first?.sequence ?? 0) }
    }
    try feed(100)
    try feed(101, isVP8: false)
    try feed(102)
    #expect(sequences() == [0, 1])
    try feed(104)
    try feed(103, isVP8: false)
    try feed(105)
    #expect(sequences() == [0, 1, 3, 4])
}

@Test func `runs are cut where sizes change, at 64 datagrams and at 65,000 bytes`() throws {
    var outbox = Outbox()
    let stage = try Stage()
    let source = try stage.transport("source")
    try stage.produce("video", on: source, Parameters.vp8())
    try stage.receiver("c", of: "video", at: 5000)
    var track = VideoTrack()
    for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
    stage.pass(.milliseconds(20))

    func runs(_ sizes: [Int]) throws -> [[Int]] {
        for size in sizes {
            for packet in try track.frame(size: size) { stage.receive(packet, on: source.rtp) }
        }
        while stage.engine.flush(now: stage.now, into: &outbox) {}
        defer { outbox.removeDatagrams() }
        stage.pass(.milliseconds(20))
        return outbox.runs.map { [Int($0.segmentSize), Int($0.count), Int($0.length)] }
    }
    // RTP adds 12 bytes.
    #expect(try runs([100, 100, 50]) == [[112, 3, 286]])
    #expect(try runs([100, 50, 50]) == [[112, 2, 174], [62, 1, 62]])
    #expect(try runs([50, 100]) == [[62, 1, 62], [112, 1, 112]])
    #expect(try runs(Array(repeating: 88, count: 70)) == [[100, 64, 6400], [100, 6, 600]])
    #expect(try runs(Array(repeating: 1288, count: 60)) == [[1300, 50, 65_000], [1300, 10, 13_000]])
}

@Test func `a small outbox is filled and emptied as often as it takes`() throws {
    let stage = try Stage(outbox: 4096)
    let source = try stage.transport("source")
    try stage.produce("video", on: source, Parameters.vp8())
    for number in 0..<7 { try stage.receiver("c\(number)", of: "video", at: UInt16(5000 + 2 * number)) }
    var track = VideoTrack()
    for number in 0..<10 {
        for packet in try track.frame(isKeyFrame: number == 0, packets: 5, size: 1000) {
            stage.receive(packet, on: source.rtp)
        }
        stage.flush()
        stage.pass(.milliseconds(33))
    }
    for number in 0..<7 {
        #expect(stage.media(to: UInt16(5000 + 2 * number)).map(\.number) == Array(0..<50))
    }
}
