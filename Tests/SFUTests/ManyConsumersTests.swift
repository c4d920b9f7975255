import Base
import ORTC
import SFU
import SRTP
import TestSupport
import Testing

@Suite struct ManyConsumersTests {
    /// In linear time: no list of thousands is searched for each of them. The time is printed, not judged.
    @Test func `a producer closes with 10,000 consumers`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("audio", on: source, Parameters.opus(), kind: .audio)
        try stage.produce("other", on: source, Parameters.opus(ssrc: 3333, payloadType: 101), kind: .audio)
        let ports = try (0..<20).map { try stage.transport("to-\($0)", comedia: false, rtcpMux: true) }
        for (place, port) in ports.enumerated() {
            try stage.connect(port, to: UInt16(5000 + place))
            try stage.consume("other-\(place)", on: port, of: "other")
        }
        for number in 0..<10_000 { try stage.consume("c\(number)", on: ports[number % 20], of: "audio") }
        _ = stage.takeEvents()
        let clock = ContinuousClock()
        let time = clock.measure {
            stage.engine.close(ProducerID(rawValue: "audio"), now: stage.now, into: &stage.outbox)
        }
        stage.flush()
        print("closing a producer with 10,000 consumers: \(time)")
        // In order of their coming.
        let closed = stage.takeEvents().compactMap { event in
            if case .consumerClosed(let id, .producerClosed) = event { id.rawValue } else { nil }
        }
        #expect(closed == (0..<10_000).map { "c\($0)" })
        let parts = stage.engine.parts
        #expect(parts.senders == 20 && parts.streams == 1)
        // Those of others are still there.
        stage.feed(
            try Packets.rtp(payloadType: 101, sequence: 1, timestamp: 1, ssrc: 3333, payload: [0x78, 1]), on: source.rtp
        )
        for place in 0..<20 { #expect(stage.media(to: UInt16(5000 + place)).count == 1) }
        let last = try #require(ports.last)
        stage.engine.close(last.id, now: stage.now, into: &stage.outbox)
        stage.collect()
        let others = stage.takeEvents().compactMap { event in
            if case .consumerClosed(let id, .transportClosed) = event { id.rawValue } else { nil }
        }
        #expect(others == ["other-19"])
    }

    @Test func `a router closes with thousands of consumers`() throws {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("audio", on: source, Parameters.opus(), kind: .audio)
        let ports = try (0..<20).map { try stage.transport("to-\($0)", comedia: false, rtcpMux: true) }
        for number in 0..<2_000 { try stage.consume("c\(number)", on: ports[number % 20], of: "audio") }
        _ = stage.takeEvents()
        stage.engine.close(Stage.room, now: stage.now, into: &stage.outbox)
        stage.collect()
        let closed = stage.takeEvents().count { if case .consumerClosed = $0 { true } else { false } }
        #expect(closed == 2_000)
        let parts = stage.engine.parts
        #expect(parts == EngineParts())
    }

    @Test(arguments: SRTPBackend.allCases, [SRTPCryptoSuite.aeadAES256GCM, .aesCM128HMACSHA1Tag80])
    func `SRTP forgets the streams of 1,000 consumers that come and go`(
        backend: SRTPBackend, suite: SRTPCryptoSuite
    ) throws {
        var configuration = SFUConfiguration()
        configuration.srtpBackend = backend
        let stage = try Stage(configuration)
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("video", on: source, Parameters.vp8WithNACK(rtx: true))
        let (port, _) = try stage.protected("out", suite, at: 5000)
        var track = VideoTrack()
        for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
        stage.feed(
            Packets.senderReport(ssrc: 2222, ntp: NTPTime(unixNanoseconds: stage.unixNow), timestamp: 1),
            on: source.rtp)
        var most = 0
        for number in 0..<1000 {
            try stage.consume("c\(number)", on: port, of: "video")
            for packet in try track.frame() { stage.feed(packet, on: source.rtp) }
            stage.pass(.milliseconds(2))
            most = max(most, stage.engine.parts.protectedStreams)
            if number >= 5 {
                stage.engine.close(ConsumerID(rawValue: "c\(number - 5)"), now: stage.now, into: &stage.outbox)
            }
        }
        #expect(stage.media(to: 5000).count > 1000)
        // Six at a time, and the transport's own receiver reports.
        #expect((6...8).contains(most))
        for number in 995..<1000 {
            stage.engine.close(ConsumerID(rawValue: "c\(number)"), now: stage.now, into: &stage.outbox)
        }
        #expect(stage.engine.parts.protectedStreams <= 1)
    }
}
