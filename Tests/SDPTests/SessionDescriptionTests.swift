import Base
import SDP
import TestSupport
import Testing

@Suite struct SessionDescriptionTests {
    static func address(_ ip: String, _ port: UInt16) throws -> SocketAddress {
        try #require(SocketAddress(ip, port: port))
    }

    @Test func `the description of three streams has exactly these lines`() throws {
        let description = SessionDescription(
            name: "room demo", sessionID: 42, sessionVersion: 7,
            media: [
                MediaDescription(
                    kind: .video, destination: try Self.address("127.0.0.1", 5004), rtcp: .multiplexed,
                    payloadType: 101,
                    encodingName: "VP8", clockRate: 90_000, ssrc: 1234, cname: "ladle"),
                MediaDescription(
                    kind: .audio, destination: try Self.address("127.0.0.1", 5006), rtcp: .port(5007), payloadType: 100,
                    encodingName: "opus", clockRate: 48_000, channels: 2,
                    parameters: [.init("minptime", "10"), .init("useinbandfec", "1")], ssrc: .max, cname: "ladle"),
                MediaDescription(
                    kind: .video, destination: try Self.address("::1", 5008), rtcp: .multiplexed, payloadType: 107,
                    encodingName: "H264", clockRate: 90_000,
                    parameters: [.init("packetization-mode", "1"), .init("profile-level-id", "42e01f")]),
            ])
        let golden = String(decoding: try Vectors.bytes("sdp/three-streams.sdp"), as: UTF8.self)
        #expect(description.text == golden)
    }

    @Test func `no text can add a line`() throws {
        let evil = "x\r\nm=audio 1 RTP/AVP 0\na=b\u{2028}c\u{85}d\0"
        let description = SessionDescription(
            name: evil,
            media: [
                MediaDescription(
                    kind: .audio, destination: try Self.address("127.0.0.1", 1), rtcp: .multiplexed, payloadType: 0,
                    encodingName: evil, clockRate: 8_000, parameters: [.init(evil, evil), .init("\r\n", "1")], ssrc: 1,
                    cname: evil)
            ])
        let text = description.text
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.map { String($0.prefix(2)) } == ["v=", "o=", "s=", "t=", "m=", "c=", "a=", "a=", "a=", "a=", ""])
        // Nothing but the line ends themselves is a control character.
        let controls = text.unicodeScalars.filter {
            $0.value < 0x20 || (0x7F...0x9F).contains($0.value) || $0.value == 0x2028
        }
        #expect(controls.count == 20)
        #expect(lines[2] == "s=xm=audio 1 RTP/AVP 0a=bcd")
        #expect(lines[6] == "a=rtpmap:0 xmaudio1RTPAVP0abcd/8000")
    }

    @Test func `an encoding name keeps only what a token may have`() throws {
        let media = MediaDescription(
            kind: .video, destination: try Self.address("127.0.0.1", 1), rtcp: .multiplexed, payloadType: 96,
            encodingName: "V P/8\r\n", clockRate: 90_000, channels: 2, parameters: [.init("a;b", "1;c=2")])
        let text = SessionDescription(name: "", media: [media]).text
        #expect(text.contains("a=rtpmap:96 VP8/90000\r\n"))
        #expect(text.contains("a=fmtp:96 ab=1c=2\r\n"))
        #expect(text.contains("s=-\r\n"))
        #expect(!text.contains("a=ssrc"))
    }
}
