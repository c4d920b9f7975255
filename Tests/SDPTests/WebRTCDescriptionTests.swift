import Foundation
import SDP
import TestSupport
import Testing

/// Descriptions as WebRTC writes them: captured from browsers, and small ones for each rule.
@Suite struct WebRTCDescriptionTests {
    static func offers() throws -> [(name: String, text: String)] {
        let folder = Vectors.path("sdp/offers")
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { name in
            (name, String(decoding: try Vectors.bytes("sdp/offers/\(name)"), as: UTF8.self))
        }
    }

    @Test func `what browsers write is read, and written again it is the same`() throws {
        let offers = try Self.offers()
        #expect(offers.count == 18)
        for (name, text) in offers {
            let read = try WebRTCDescription(parsing: text)
            #expect(try WebRTCDescription(parsing: read.text) == read, "\(name)")
            let unix = text.replacingOccurrences(of: "\r\n", with: "\n")
            #expect(try WebRTCDescription(parsing: unix) == read, "\(name) with LF")
            // Every candidate, extension and codec of the text is there.
            let lines = text.split(whereSeparator: \.isNewline)
            func count(_ prefix: String) -> Int { lines.count { $0.hasPrefix(prefix) } }
            #expect(read.media.map(\.candidates.count).reduce(0, +) == count("a=candidate:"), "\(name)")
            #expect(read.media.map(\.headerExtensions.count).reduce(0, +) == count("a=extmap:"), "\(name)")
            #expect(read.media.map(\.codecs.count).reduce(0, +) == count("a=rtpmap:"), "\(name)")
            #expect(
                read.media.flatMap(\.codecs).map(\.feedback.count).reduce(0, +) == count("a=rtcp-fb:"), "\(name)")
        }
    }

    @Test func `Chromium's simulcast offer says this`() throws {
        let offer = try read("chromium-simulcast")
        #expect(offer.sessionID == 5_266_447_534_950_555_782)
        #expect(offer.bundle == ["0", "1"])
        #expect(offer.allowsMixedExtensions)
        #expect(offer.media.map(\.kind) == [.audio, .video])
        let video = offer.media[1]
        #expect(video.direction == .sendonly)
        #expect(video.port == 9)
        #expect(video.multiplexesRTCP && video.reducesRTCP)
        #expect(video.transport.setup == .actpass)
        #expect(video.transport.credentials?.usernameFragment == "9Dia")
        #expect(video.transport.iceOptions == ["trickle"])
        #expect(video.rids.map(\.id) == ["r0", "r1", "r2"])
        #expect(video.simulcast?.send.map { $0.map(\.rid) } == [["r0"], ["r1"], ["r2"]])
        #expect(video.sources.isEmpty)
        let h264 = try #require(video.codecs.first { $0.payloadType == 108 })
        #expect(h264.name == "H264")
        #expect(h264["profile-level-id"] == "42e01f")
        #expect(h264.feedback.contains(FeedbackAttribute("nack", "pli")))
        let opus = offer.media[0].codecs[0]
        #expect((opus.clockRate, opus.channels) == (48_000, 2))
        #expect(offer.media[0].sources == [MediaSource(ssrc: 1_661_934_626, cname: "MLFKAflaNILc0cn8")])
    }

    @Test func `Firefox tells parameters before names, and of a session what concerns its sections`() throws {
        let offer = try read("firefox-simulcast")
        let video = offer.media[1]
        #expect(video.isBundleOnly && !video.isRejected && video.port == 0)
        #expect(video.transport.fingerprints.isEmpty)
        #expect(offer.transport(of: video).fingerprints.count == 1)
        #expect(video.codecs.first?["max-fs"] == "12288")
        #expect(video.headerExtensions.first { $0.id == 8 }?.direction == .sendonly)
        #expect(video.sourceGroups.map(\.semantics) == ["FID", "FID", "FID"])
        #expect(offer.media[0].candidates[0].transport == "udp")
        #expect(offer.media[0].candidates[0].address.hasSuffix(".local"))
        #expect(offer.media[0].endsCandidates)
    }

    @Test func `data channels are told`() throws {
        let section = try read("chromium-data-channel").media[0]
        #expect(section.kind == .application)
        #expect(section.formats == ["webrtc-datachannel"])
        #expect((section.sctpPort, section.maxMessageSize) == (5000, 262_144))
    }

    @Test func `sections inherit what stands before them`() throws {
        let offer = try WebRTCDescription(
            parsing: """
                v=0
                o=- 7 2 IN IP4 0.0.0.0
                s=-
                a=sendonly
                a=extmap-allow-mixed
                a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
                a=group:BUNDLE a b
                a=setup:active
                m=audio 9 UDP/TLS/RTP/SAVPF 0
                a=mid:a
                a=ice-ufrag:abcd
                a=ice-pwd:abcdefghijklmnopqrstuvwxyz
                m=audio 9 UDP/TLS/RTP/SAVPF 8
                a=mid:b
                a=recvonly
                """)
        #expect(offer.media.map(\.direction) == [.sendonly, .recvonly])
        #expect(offer.media.allSatisfy { $0.allowsMixedExtensions && $0.headerExtensions.count == 1 })
        #expect(offer.media.map { $0.codecs.map(\.name) } == [["PCMU"], ["PCMA"]])
        let told = offer.transport(of: offer.media[1])
        #expect(told.setup == .active)
        #expect(told.credentials?.usernameFragment == "abcd")
    }

    @Test func `the password isn't printed`() {
        let credentials = ICECredentials(usernameFragment: "abcd", password: "secretsecretsecretsecret")
        #expect(!"\(TransportAttributes(credentials: credentials))".contains("secret"))
        #expect(!String(reflecting: credentials).contains("secret"))
    }

    @Test(arguments: [
        ("m=audio x UDP/TLS/RTP/SAVPF 0", 4, "expected <media> <port> <proto> <formats>"),
        ("m=audio 9 UDP 0\na=rtpmap:128 a/1", 5, "expected a payload type from 0 to 127"),
        ("m=audio 9 UDP 0\na=rtpmap:+8 a/1", 5, "expected a payload type from 0 to 127"),
        ("m=audio 9 UDP 0\na=rtpmap:96 opus", 5, "expected <payload type> <name>/<clock rate>"),
        ("m=audio 9 UDP 96\na=rtpmap:96 a/1\na=rtpmap:96 b/1", 6, "payload type 96 is there twice"),
        ("m=audio 9 UDP 0\na=mid:x\nm=audio 9 UDP 0\na=mid:x", 6, "the mid \"x\" is there twice"),
        ("a=fingerprint:sha-256 0x:00", 4, "expected an algorithm and bytes in hex with colons between"),
        ("a=setup:maybe", 4, "expected active, passive, actpass or holdconn"),
        ("a=ice-ufrag:abc", 4, "expected 4 to 256 characters without a space"),
        ("m=audio 9 UDP 0\na=candidate:1 1 udp", 5, "expected <foundation>"),
        ("m=audio 9 UDP 0\na=extmap:0 urn:x", 5, "expected an id from 1 to 255 and a URI"),
        ("m=audio 9 UDP 0\na=ssrc:4294967296 cname:x", 5, "expected <SSRC> <attribute>"),
        ("m=video 9 UDP 0\na=simulcast:both a", 5, "expected send or recv, and rids"),
        ("hello", 4, "not of the form <letter>=<value>"),
    ])
    func `errors name the line and the cause`(text: String, line: Int, cause: String) {
        let error = #expect(throws: SDPParseError.self) {
            _ = try WebRTCDescription(parsing: "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\n\(text)\n")
        }
        #expect(error?.line == line)
        #expect("\(error.map(\.description) ?? "")".contains(cause), "\(error.map(\.description) ?? "nothing")")
    }

    @Test func `what is too large is refused`() {
        let head = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\n"
        func fault(_ text: String) -> SDPParseError.Fault? {
            do {
                _ = try WebRTCDescription(parsing: head + text)
                return nil
            } catch {
                return error.fault
            }
        }
        let section = "m=audio 9 UDP/TLS/RTP/SAVPF 0\n"
        #expect(fault(String(repeating: section, count: 64)) == nil)
        #expect(fault(String(repeating: section, count: 65)) == .tooMany("media sections", limit: 64))
        let formats = (0..<65).map(String.init).joined(separator: " ")
        #expect(fault("m=audio 9 UDP/TLS/RTP/SAVPF \(formats)\n") == .tooMany("formats", limit: 64))
        #expect(
            fault(section + String(repeating: "a=rtcp-fb:* nack\n", count: 257))
                == .tooMany("kinds of feedback", limit: 256))
        let long = "i=" + String(repeating: "x", count: 65_536)
        #expect(fault(long) == .tooLong(bytes: long.utf8.count + head.utf8.count, limit: 65_536))
        #expect(throws: SDPParseError.self) { _ = try WebRTCDescription(parsing: "") }
        #expect(throws: SDPParseError.self) { _ = try WebRTCDescription(parsing: "v=1\r\n") }
    }

    @Test func `no text of a description can add a line`() throws {
        var section = MediaSection(.audio, protocolName: "UDP/TLS/RTP/SAVPF", formats: ["0"], mid: "0\r\na=sendonly")
        section.sources = [MediaSource(ssrc: 1, cname: "x\r\na=evil:1")]
        section.msids = [MediaStreamID(stream: "s\na=evil:2")]
        let text = WebRTCDescription(sessionID: 1, name: "n\r\nm=video 1 x 0", media: [section]).text
        #expect(!text.split(separator: "\r\n").contains { $0.hasPrefix("a=evil") || $0.hasPrefix("m=video") })
    }

    /// Lines taken out, doubled, changed in one byte, cut: whatever comes of it, it is an error or a description that
    /// can be written and read again.
    @Test func `changed offers never trap`() throws {
        let offers = try Self.offers()
        let first = UInt64.random(in: 0 ... .max)
        print("seed \(first)")
        var random = SeededGenerator(seed: first)
        var readable = 0
        for _ in 0..<400 {
            let text = offers.randomElement(using: &random)?.text ?? ""
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0 ... .max, using: &random)
                case 1: bytes.remove(at: place)
                case 2:
                    bytes.insert([0x20, 0x0A, 0x3A, 0x3D, 0x3B, 0x2F].randomElement(using: &random) ?? 0, at: place)
                default: bytes.append(contentsOf: bytes[place...].prefix(40))
                }
            }
            guard let read = try? WebRTCDescription(parsing: bytes) else { continue }
            readable += 1
            _ = try? WebRTCDescription(parsing: read.text)
        }
        // 100 by one seed: that is no bound for others.
        #expect(readable > 50, "lenient reading, seed \(first)")
    }

    private func read(_ name: String) throws -> WebRTCDescription {
        try WebRTCDescription(parsing: try Vectors.bytes("sdp/offers/\(name).sdp"))
    }
}
