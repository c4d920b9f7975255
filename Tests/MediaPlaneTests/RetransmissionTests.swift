import Base
import MediaCore
import MediaPlane
import ORTC
import TestSupport
import Testing

/// A call between two of GStreamer's rtpbins over networks that lose 5 %, with the core between them.
@Suite struct RetransmissionTests {
    private static let frames = 1500

    @Test(.enabled(if: GStreamerCall.isInstalled)) func `of 5 percent loss on either side hardly a frame is missed`()
        async throws
    {
        let stage = try await Stage()
        let (up, down) = (try LossyRelay(loss: 0.05, seed: 1), try LossyRelay(loss: 0.05, seed: 2))
        let feedback = try LossyRelay(loss: 0.05, seed: 3)
        let inlet = try await stage.inlet()
        up.aim(.far, at: inlet.tuple.localPort)
        let producer = try await stage.core.produce(
            on: inlet.id, ProduceOptions(kind: .video, rtpParameters: Self.parameters))

        let outlet = try await stage.core.createPlainTransport(
            on: stage.router.id, PlainTransportOptions(rtcpMux: false))
        _ = try await stage.core.connect(
            outlet.id,
            PlainTransportRemote(ip: stage.core.configuration.listenIP, port: down.near, rtcpPort: feedback.near))
        let consumer = try await stage.consume(producer.id, on: outlet.id)
        let media = try #require(consumer.rtpParameters.codecs.first { !$0.isRTX }?.payloadType)
        let rtx = try #require(consumer.rtpParameters.codecs.first { $0.isRTX }?.payloadType)

        let receiver = try GStreamerCall.start(["receive", "\(feedback.far)", "\(media)", "\(rtx)", "\(Self.frames)"])
        down.aim(.far, at: try receiver.port())
        feedback.aim(.far, at: try receiver.port())
        let sender = try GStreamerCall.start(["send", "\(up.near)"])
        defer { sender.stop() }

        // 15 s of frames, told behind the last.
        let told = try receiver.line().split(separator: " ").compactMap { Int($0) }
        try #require(told.count == 2, "\(receiver.errors)")
        let stats = [try await stage.core.stats(producer.id), try await stage.core.stats(consumer.id)].map(\.text)
        let missing = told[1] - told[0]
        let counts = "missing \(missing) of \(told[1]); up \(up.counts), down \(down.counts), back \(feedback.counts)"
        #expect(
            missing * 1000 <= told[1], "\(counts); \(stats); \(sender.errors) \(receiver.errors)")
        // Without retransmission one frame in twenty would have a hole on either side.
        #expect(up.counts.lost > Self.frames / 30 && down.counts.lost > Self.frames / 30, "\(counts)")
        await stage.core.shutDown()
    }

    private static var parameters: RTPParameters {
        let vp8 = RTPCodecParameters(
            mimeType: "video/VP8", payloadType: 96, clockRate: 90_000,
            rtcpFeedback: [RTCPFeedback("nack"), RTCPFeedback("nack", "pli")])
        let rtx = RTPCodecParameters(
            mimeType: "video/rtx", payloadType: 97, clockRate: 90_000, parameters: ["apt": 96])
        var encoding = RTPEncodingParameters(ssrc: 2222)
        encoding.rtxSSRC = 2223
        return RTPParameters(codecs: [vp8, rtx], encodings: [encoding])
    }
}

/// The ends of the call: Tests/Peers/rtx_peer.py.
private enum GStreamerCall {
    static var isInstalled: Bool {
        let check = "import gi; gi.require_version('GstRtp', '1.0')"
        return (try? ExternalTool.run(["/usr/bin/python3", "-c", check]).status) == 0
    }

    static func start(_ arguments: [String]) throws -> PeerProcess {
        let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        return try PeerProcess(["/usr/bin/python3", "/\(tests)/Peers/rtx_peer.py"] + arguments)
    }
}
