import Base
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

/// Frames that are split as libwebrtc does: about equally, the last packets one byte longer.
@Suite struct JoinedFramesTests {
    private let stage: Stage
    private let source: Stage.Port

    init() throws { (stage, source) = try Self.stage() }

    private static func stage(joins: Bool = true) throws -> (Stage, Stage.Port) {
        var configuration = SFUConfiguration()
        configuration.joinsFrames = joins
        let stage = try Stage(configuration)
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: source, Parameters.vp8WithNACK(rtx: true))
        return (stage, source)
    }

    /// Packets of one frame, by the lengths of their payloads.
    private static func frame(
        _ sizes: [Int], from sequence: Int = 100, timestamp: UInt32 = 3000, padded: Set<Int> = []
    ) throws -> [[UInt8]] {
        try sizes.enumerated().map { place, size in
            let payload = Packets.vp8Payload(isKeyFrame: sequence == 100, startsFrame: place == 0, size: size)
            return try Packets.rtp(
                marker: place == sizes.count - 1, sequence: sequence + place, timestamp: timestamp,
                padding: padded.contains(place) ? 3 : 0, payload: payload)
        }
    }

    /// What leaves in one turn: lengths and numbers of datagrams of each run.
    private func runs(_ packets: [[UInt8]], on stage: Stage? = nil, _ source: Stage.Port? = nil) -> [[Int]] {
        let (stage, source) = (stage ?? self.stage, source ?? self.source)
        for packet in packets { stage.receive(packet, on: source.rtp) }
        while stage.engine.flush(now: stage.now, into: &stage.outbox) {}
        let runs = stage.outbox.runs.filter { $0.destination.port == 5000 && $0.owner != nil }
        defer { stage.collect() }
        return runs.map { [Int($0.segmentSize), Int($0.count)] }
    }

    @Test func `a frame whose last packets are a byte longer leaves in one run, with one byte of padding`() throws {
        try stage.receiver("c", of: "video", at: 5000)
        let frame = try Self.frame([100, 100, 100, 101, 101])
        #expect(runs(frame) == [[113, 5]])
        let sent = stage.media(to: 5000)
        #expect(
            sent.map(\.payload) == frame.map { Sent(socket: source.rtp, destination: Stage.source, bytes: $0).payload })
        #expect(sent.map { $0.header?.paddingLength } == [1, 1, 1, 0, 0])
        #expect(sent.map { $0.bytes[0] & 0x20 != 0 } == [true, true, true, false, false])
        // A shorter one may end the run.
        #expect(runs(try Self.frame([100, 101, 60], from: 200, timestamp: 6000)) == [[113, 3]])
    }

    @Test func `left as they are: padded packets, other frames, other differences`() throws {
        try stage.receiver("c", of: "video", at: 5000)
        #expect(runs(try Self.frame([90, 90, 101])) == [[102, 2], [113, 1]])
        #expect(runs(try Self.frame([101, 98, 99], from: 110, timestamp: 6000, padded: [1])) == [[113, 3]])
        let two = try Self.frame([100], from: 120, timestamp: 9000) + Self.frame([101], from: 121, timestamp: 12_000)
        #expect(runs(two) == [[112, 1], [113, 1]])
        #expect(stage.media(to: 5000).allSatisfy { $0.header?.paddingLength != 1 })
    }

    @Test func `what has been sent stays as it is when the rest of its frame comes`() throws {
        try stage.receiver("c", of: "video", at: 5000)
        let frame = try Self.frame([100, 100, 101, 101])
        #expect(runs(Array(frame[..<2])) == [[112, 2]])
        #expect(runs(Array(frame[2...])) == [[113, 2]])
        // Also for one who comes later and gets it from the cache.
        try stage.receiver("d", of: "video", at: 6000)
        stage.pass(.milliseconds(20))
        #expect(stage.media(to: 6000).map(\.bytes.count) == [112, 112, 113, 113])
    }

    @Test func `switched off, a frame leaves as it came`() throws {
        let (stage, source) = try Self.stage(joins: false)
        try stage.receiver("c", of: "video", at: 5000)
        #expect(runs(try Self.frame([100, 100, 101]), on: stage, source) == [[112, 2], [113, 1]])
    }

    @Test(arguments: [true, false])
    func `sent again, it is the same packet, and without padding in a stream of its own`(rtx: Bool) throws {
        let receiver = try stage.transport("receiver", comedia: false, rtcpMux: true)
        _ = try stage.connect(receiver)
        let capabilities = rtx ? Parameters.everything : Parameters.everythingWithoutRTX
        let consumer = try stage.consume("c", on: receiver, of: "video", capabilities)
        _ = runs(try Self.frame([100, 100, 101]))
        let originals = stage.media(to: 5000)
        try #require(originals.count == 3, "\(originals)")
        #expect(originals[0].header?.paddingLength == 1)
        stage.sent = []
        let ssrc = try #require(consumer.rtpParameters.encodings[0].ssrc)
        let item = NACKItem(packetID: UInt16(originals[0].sequence), lossBitmap: 0b11)
        let nack = Packets.write { rtcp, bytes in rtcp.nack(item, senderSSRC: 1, mediaSSRC: ssrc, into: &bytes) }
        stage.feed(nack, on: receiver.rtp, from: Stage.address("198.51.100.7", 5000))
        let again = stage.media(to: 5000)
        #expect(again.count == 3)
        if rtx {
            #expect(again.map { $0.header?.paddingLength } == [0, 0, 0])
            #expect(again.map { Array($0.payload.dropFirst(2)) } == originals.map(\.payload))
        } else {
            #expect(again.map(\.bytes) == originals.map(\.bytes))
        }
    }
}
