import Base
import MediaCore
import MediaPlane
import ORTC
import SRTP
import Testing

/// GStreamer protects on the one side and unprotects on the other; what comes out is compared with what went in.
@Suite struct SRTPToolTests {
    @Test(arguments: SRTPCryptoSuite.allCases)
    func `GStreamer's SRTP comes in, and GStreamer understands ours`(suite: SRTPCryptoSuite) async throws {
        let stage = try await Stage()
        let (before, after) = (try TestSocket(), try TestSocket())
        let key = try SRTPMasterKey(suite, (0..<suite.masterLength).map { UInt8(3 * $0) })
        let theirs = SRTPParameters(cryptoSuite: suite.rawValue, keyBase64: key.base64)

        let inlet = try await stage.core.createPlainTransport(
            on: stage.router.id,
            PlainTransportOptions(comedia: true, enableSRTP: true, srtpCryptoSuite: suite.rawValue))
        _ = try await stage.core.connect(inlet.id, PlainTransportRemote(srtpParameters: theirs))
        let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
        let port = try freePort()
        // Another suite than theirs: ours follows, and the key with it.
        let outlet = try await stage.core.createPlainTransport(
            on: stage.router.id,
            PlainTransportOptions(
                rtcpMux: false, enableSRTP: true,
                srtpCryptoSuite: suite == .aeadAES256GCM ? "AEAD_AES_128_GCM" : "AEAD_AES_256_GCM"))
        let connected = try await stage.core.connect(
            outlet.id,
            PlainTransportRemote(ip: "127.0.0.1", port: port, rtcpPort: try freePort(), srtpParameters: theirs))
        let ours = try #require(connected.srtpParameters)
        #expect(ours.cryptoSuite == suite.rawValue)
        #expect(ours != outlet.srtpParameters)
        let consumer = try await stage.consume(producer.id, on: outlet.id)
        let ssrc = try #require(consumer.rtpParameters.encodings.first?.ssrc)

        let receiver = try Tool(
            "gst-launch-1.0",
            ["-q", "udpsrc", "address=127.0.0.1", "port=\(port)", "caps=\(try caps(suite, ours, ssrc: ssrc))"]
                + ["!", "srtpdec", "!"] + sink(after.address.port))
        defer { receiver.stop() }
        let (cipher, auth) = gstreamerNames(suite)
        let sender = try Tool(
            "gst-launch-1.0",
            ["-q", "audiotestsrc", "is-live=true", "wave=white-noise", "!", "opusenc", "!", "rtpopuspay", "pt=111"]
                + ["ssrc=1111", "!", "tee", "name=t", "!", "queue", "!"] + sink(before.address.port)
                + ["t.", "!", "queue", "!", "srtpenc", "key=\(hex(key.bytes))", "rtp-cipher=\(cipher)"]
                + ["rtp-auth=\(auth)", "rtcp-cipher=\(cipher)", "rtcp-auth=\(auth)", "!"]
                + sink(inlet.tuple.localPort))
        defer { sender.stop() }

        var sent: [UInt32: [UInt8]] = [:]
        var last: UInt16?
        for _ in 0..<60 {
            let packet = try #require(after.receiveRTP())
            while sent[packet.timestamp] == nil {
                let original = try #require(before.receiveRTP())
                sent[original.timestamp] = Array(original.payload)
            }
            #expect(packet.ssrc == ssrc)
            #expect(Array(packet.payload) == sent[packet.timestamp])
            if let last { #expect(packet.sequence == last &+ 1) }
            last = packet.sequence
        }
        await stage.core.shutDown()
    }

    /// A port that was free a moment ago.
    private func freePort() throws -> UInt16 { try TestSocket().address.port }

    private func sink(_ port: UInt16) -> [String] {
        ["udpsink", "host=127.0.0.1", "port=\(port)", "sync=false", "async=false"]
    }

    private func gstreamerNames(_ suite: SRTPCryptoSuite) -> (cipher: String, auth: String) {
        switch suite {
        case .aeadAES256GCM: ("aes-256-gcm", "null")
        case .aeadAES128GCM: ("aes-128-gcm", "null")
        case .aesCM128HMACSHA1Tag80: ("aes-128-icm", "hmac-sha1-80")
        case .aesCM128HMACSHA1Tag32: ("aes-128-icm", "hmac-sha1-32")
        }
    }

    private func caps(_ suite: SRTPCryptoSuite, _ parameters: SRTPParameters, ssrc: UInt32) throws -> String {
        let key = try SRTPMasterKey(suite, base64: parameters.keyBase64)
        let (cipher, auth) = gstreamerNames(suite)
        return [
            "application/x-srtp", "media=audio", "payload=100", "clock-rate=48000", "encoding-name=OPUS",
            "ssrc=(uint)\(ssrc)", "roc=(uint)0", "srtp-key=(buffer)\(hex(key.bytes))", "srtp-cipher=(string)\(cipher)",
            "srtp-auth=(string)\(auth)", "srtcp-cipher=(string)\(cipher)",
            "srtcp-auth=(string)\(auth == "null" ? auth : "hmac-sha1-80")",
        ].joined(separator: ",")
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
