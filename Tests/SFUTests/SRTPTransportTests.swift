import Base
import ORTC
import RTCP
import SFU
import SRTP
import TestSupport
import Testing

private struct Way: Sendable, CustomTestStringConvertible {
    var suite: SRTPCryptoSuite
    /// The engine's; the remote sides are on libsrtp.
    var backend: SRTPBackend
    var testDescription: String { "\(suite.rawValue), \(backend.rawValue)" }

    static let all = SRTPCryptoSuite.allCases.flatMap { suite in
        SRTPBackend.allCases.map { Way(suite: suite, backend: $0) }
    }

    var configuration: SFUConfiguration {
        var configuration = SFUConfiguration()
        configuration.srtpBackend = backend
        return configuration
    }
}

private let stranger = Stage.address("203.0.113.66", 7000)
private let suite = SRTPCryptoSuite.aeadAES128GCM

private func audio(_ sequence: Int, payload: [UInt8] = [1, 2, 3]) throws -> [UInt8] {
    try Packets.rtp(payloadType: 100, sequence: sequence, timestamp: UInt32(sequence), ssrc: 1111, payload: payload)
}

@Suite struct SRTPTransportTests {
    /// Steps of 997 pass a wrap every 66 packets, both of the source's numbers and of the receivers'.
    @Test(arguments: Way.all)
    private func `media pass from one protected transport to three others, across wraps`(_ way: Way) throws {
        let stage = try Stage(way.configuration)
        let (source, sender) = try stage.protected("in", way.suite)
        try stage.produce("audio", on: source, Parameters.opus(), kind: .audio)
        var peers: [SRTPPeer] = []
        for place in 0..<3 {
            let at = UInt16(5000 + 2 * place)
            let (port, peer) = try stage.protected("out\(place)", way.suite, at: at, seed: UInt8(10 + place))
            try stage.consume("c\(place)", on: port, of: "audio")
            peers.append(peer)
        }
        let count = 250
        for place in 0..<count {
            let index = 1000 + 997 * place
            let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: place), count: 1 + place % 200)
            stage.feed(try sender.protect(try audio(index, payload: payload), rollover: index >> 16), on: source.rtp)
            stage.pass(.milliseconds(2))
        }
        #expect(stage.drops(source).total == 0)
        for (place, peer) in peers.enumerated() {
            let media = stage.media(to: UInt16(5000 + 2 * place))
            try #require(media.count == count)
            var last: Int?
            for (place, packet) in media.enumerated() {
                let plain = try peer.unprotect(packet)
                let expected = [UInt8](repeating: UInt8(truncatingIfNeeded: place), count: 1 + place % 200)
                #expect(plain.payload == expected)
                #expect(packet.bytes.count == plain.bytes.count + way.suite.rtpOverhead)
                if let last { #expect((plain.sequence - last) & 0xFFFF == 997) }
                last = plain.sequence
            }
        }
    }

    @Test(arguments: Way.all)
    private func `reports and requests are protected both ways`(_ way: Way) throws {
        let stage = try Stage(way.configuration)
        let (source, sender) = try stage.protected("in", way.suite, rtcpMux: false)
        let (sink, receiver) = try stage.protected("out", way.suite, at: 5000, rtcpMux: false, seed: 9)
        try stage.produce("video", on: source, Parameters.vp8())
        let consumer = try stage.consume("c", on: sink, of: "video")
        let ssrc = try #require(consumer.rtpParameters.encodings.first?.ssrc)
        let rtcpSource = Stage.address("203.0.113.5", 7001)
        let report = Packets.senderReport(ssrc: 2222, ntp: NTPTime(rawValue: 1 << 40), timestamp: 5)
        stage.feed(try sender.protectRTCP(report), on: try #require(source.rtcp), from: rtcpSource)
        let frame = try Packets.rtp(sequence: 5, payload: Packets.vp8Payload(isKeyFrame: true))
        stage.feed(try sender.protect(frame), on: source.rtp)
        stage.pass(.seconds(2))
        // Sender reports to the receiver.
        let told = try stage.feedback(to: 5001).map { try receiver.unprotect($0) }
        #expect(told.flatMap(\.senderInfos).contains { $0.ssrc == ssrc })
        // Its request reaches the source.
        let (from, socket) = (Stage.address("198.51.100.7", 5001), try #require(sink.rtcp))
        stage.feed(try receiver.protectRTCP(Packets.pictureLoss(ssrc: ssrc)), on: socket, from: from)
        let heard = try stage.feedback(to: 7001).map { try sender.unprotect($0) }
        #expect(heard.contains { $0.isPictureLoss })
        #expect(stage.drops(source).total == 0)
        #expect(stage.drops(sink).total == 0)
    }

    @Test func `a transport without the remote side's key drops and counts`() throws {
        let stage = try Stage()
        let port = try stage.transport("in", rtcpMux: true, srtp: suite.rawValue)
        let peer = try SRTPPeer(suite)
        stage.feed(try peer.protect(try audio(1)), on: port.rtp)
        stage.feed(try audio(1), on: port.rtp)
        stage.feed(try peer.protectRTCP(Packets.pictureLoss(ssrc: 1)), on: port.rtp)
        #expect(stage.drops(port).noKey == 3)
        #expect(stage.drops(port).total == 3)
        #expect(stage.takeEvents().isEmpty)
    }

    @Test func `comedia latches what was authenticated, and nothing else`() throws {
        let stage = try Stage()
        let (port, peer) = try stage.protected("in", suite)
        try stage.produce("audio", on: port, Parameters.opus(), kind: .audio)
        let other = try SRTPPeer(suite, seed: 99)
        stage.feed(try audio(1), on: port.rtp, from: stranger)
        stage.feed(try other.protect(try audio(1)), on: port.rtp, from: stranger)
        stage.feed(try other.protectRTCP(Packets.pictureLoss(ssrc: 1)), on: port.rtp, from: stranger)
        #expect(stage.takeEvents().isEmpty)
        // Fifteen bytes are less than any packet with its tag.
        #expect(stage.drops(port).malformed == 1)
        #expect(stage.drops(port).authentication == 2)
        stage.feed(try peer.protect(try audio(1)), on: port.rtp)
        let tuple = EndpointTuple(localAddress: "192.0.2.1", localPort: 40_001, remote: Stage.source)
        #expect(stage.takeEvents().contains(.transportConnected(port.id, tuple)))
    }

    @Test func `a copy from elsewhere does not use up the true packet's number`() throws {
        let stage = try Stage()
        let (port, peer) = try stage.protected("in", suite)
        try stage.produce("audio", on: port, Parameters.opus(), kind: .audio)
        try stage.receiver("c", of: "audio", at: 5000)
        stage.feed(try peer.protect(try audio(1)), on: port.rtp)
        let second = try peer.protect(try audio(2))
        stage.feed(second, on: port.rtp, from: stranger)
        #expect(stage.drops(port).foreignSource == 1)
        stage.feed(second, on: port.rtp)
        #expect(stage.media(to: 5000).count == 2)
        stage.feed(second, on: port.rtp)
        #expect(stage.drops(port).replayed == 1)
        #expect(stage.media(to: 5000).count == 2)
    }

    @Test func `another suite replaces ours, and our key with it`() throws {
        let stage = try Stage()
        let port = try stage.transport("in", rtcpMux: true, srtp: "AES_CM_128_HMAC_SHA1_80")
        let before = try #require(stage.srtpParameters(of: port))
        let peer = try SRTPPeer(.aeadAES256GCM)
        // Refused: nothing changes, and the next attempt counts.
        let short = SRTPParameters(cryptoSuite: "AEAD_AES_256_GCM", keyBase64: "AAAA")
        #expect(throws: SFUError.self) {
            try stage.engine.connect(
                port.id, ip: nil, port: nil, rtcpPort: nil, srtpParameters: short, now: stage.now,
                into: &stage.outbox)
        }
        #expect(stage.srtpParameters(of: port) == before)
        _ = try stage.engine.connect(
            port.id, ip: nil, port: nil, rtcpPort: nil, srtpParameters: peer.parameters, now: stage.now,
            into: &stage.outbox)
        let after = try #require(stage.srtpParameters(of: port))
        #expect(after.cryptoSuite == "AEAD_AES_256_GCM")
        #expect(after.keyBase64 != before.keyBase64)
        #expect("\(after)" == "AEAD_AES_256_GCM •••")
    }

    @Test func `an attempt whose address is wrong leaves the keys as they were`() throws {
        let stage = try Stage()
        let port = try stage.transport("out", comedia: false, rtcpMux: true, srtp: "AES_CM_128_HMAC_SHA1_80")
        let before = stage.srtpParameters(of: port)
        let peer = try SRTPPeer(suite)
        #expect(throws: SFUError.self) {
            try stage.engine.connect(
                port.id, ip: "localhost", port: 5000, rtcpPort: nil, srtpParameters: peer.parameters, now: stage.now,
                into: &stage.outbox)
        }
        #expect(stage.srtpParameters(of: port) == before)
    }

    @Test func `parameters for a transport without SRTP, and a suite that nobody knows, are refused`() throws {
        let stage = try Stage()
        let port = try stage.transport("plain", comedia: false, rtcpMux: true)
        #expect(stage.srtpParameters(of: port) == nil)
        let given = try SRTPPeer(suite).parameters
        let refusal = #expect(throws: SFUError.self) {
            try stage.engine.connect(
                port.id, ip: "127.0.0.1", port: 5000, rtcpPort: nil, srtpParameters: given, now: stage.now,
                into: &stage.outbox)
        }
        #expect(refusal?.name == "TypeError")
        #expect(
            refusal?.message == "invalid srtpParameters (SRTP not enabled) [method:plainTransport.connect]")
        let unknown = #expect(throws: SFUError.self) { try stage.transport("x", srtp: "FOO") }
        #expect(unknown?.description == "TypeError: invalid SrtpCryptoSuite: FOO")
        // And left nothing behind.
        try stage.transport("x", srtp: suite.rawValue)
    }

    @Test func `a producer that was closed leaves its SSRC to another, whose numbers begin anew`() throws {
        let stage = try Stage()
        let (port, peer) = try stage.protected("in", suite)
        try stage.produce("first", on: port, Parameters.opus(), kind: .audio)
        for index in [65_000, 65_600, 66_000] {
            stage.feed(try peer.protect(try audio(index), rollover: index >> 16), on: port.rtp)
        }
        stage.engine.close(ProducerID(rawValue: "first"), now: stage.now, into: &stage.outbox)
        try stage.produce("second", on: port, Parameters.opus(), kind: .audio)
        try stage.receiver("c", of: "second", at: 5000)
        // Another run of the same encoder.
        let again = try SRTPPeer(suite)
        stage.feed(try again.protect(try audio(300)), on: port.rtp)
        #expect(stage.media(to: 5000).count == 1)
        #expect(stage.drops(port).total == 0)
    }

    @Test func `bytes are counted as they travel, RTP as it is`() throws {
        let stage = try Stage()
        let (port, peer) = try stage.protected("in", suite)
        try stage.produce("audio", on: port, Parameters.opus(), kind: .audio)
        let (sink, _) = try stage.protected("out", suite, at: 5000, seed: 5)
        try stage.consume("c", on: sink, of: "audio")
        // 15 bytes, and 16 of tag.
        for sequence in 1...10 { stage.feed(try peer.protect(try audio(sequence)), on: port.rtp) }
        let stats = try stage.engine.stats(of: port.id, now: stage.now).arrayValue?.first
        #expect(stats?["bytesReceived"] == 310)
        #expect(stats?["rtpBytesReceived"] == 150)
        let out = try stage.engine.stats(of: sink.id, now: stage.now).arrayValue?.first
        let media = stage.media(to: 5000).reduce(0) { $0 + $1.bytes.count }
        let reports = stage.feedback(to: 5000).reduce(0) { $0 + $1.bytes.count }
        #expect(out?["bytesSent"]?.integerValue.map { Int($0) } == media + reports)
        #expect(out?["rtpBytesSent"]?.integerValue.map { Int($0) } == media - 10 * 16)
    }

    @Test(arguments: SRTPCryptoSuite.allCases)
    func `damaged packets change nothing and stop nothing`(suite: SRTPCryptoSuite) throws {
        let stage = try Stage()
        let (port, peer) = try stage.protected("in", suite)
        try stage.produce("audio", on: port, Parameters.opus(), kind: .audio)
        try stage.receiver("c", of: "audio", at: 5000)
        var random = SeededGenerator(seed: 31)
        var damaged: UInt64 = 0
        for sequence in 1...200 {
            let packet = try peer.protect(try audio(sequence))
            var other = packet
            if Bool.random(using: &random) {
                other.removeLast(Int.random(in: 1...packet.count, using: &random))
            } else {
                other[Int.random(in: 0..<packet.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            }
            stage.feed(other, on: port.rtp)
            damaged += 1
            stage.feed(packet, on: port.rtp)
        }
        #expect(stage.media(to: 5000).count == 200, "seed 31")
        #expect(stage.drops(port).total == damaged, "seed 31")
    }
}
