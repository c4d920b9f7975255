import Negotiation
import ORTC
import SDP
import TestSupport
import Testing

/// Offers that can't be answered, and what is said of them.
@Suite struct RefusalTests {
    @Test(arguments: [
        ("a=rtcp-mux\r\n", "", NegotiationError.Code.noRTCPMux, "a=rtcp-mux"),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE 0", .notBundled, "section 2"),
        ("a=group:BUNDLE 0 1", "a=x", .notBundled, "section 1"),
        ("a=ice-ufrag:", "a=no:", .noICE, "a=ice-ufrag"),
        ("s=-", "s=-\r\na=ice-lite", .noICE, "a=ice-lite"),
        ("a=fingerprint:sha-256", "a=fingerprint:md5", .noFingerprint, "sha-256"),
        ("a=setup:actpass", "a=setup:holdconn", .badSetup, "a=setup"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", .unsupportedProtocol, "RTP/AVP"),
        ("a=sendonly", "a=recvonly", .badDirection, "recvonly"),
        ("VP8/90000", "VP8/80000", .noCommonCodec, "VP8"),
    ])
    func `a publisher is told why`(
        line: String, instead: String, code: NegotiationError.Code, word: String
    ) throws {
        var text = try Offers.text("chromium-simulcast")
        // The room has no Opus, so that the audio section doesn't save the offer.
        let router = try RouterCapabilities.make(mediaCodecs: [
            RTPCodecCapability(kind: .video, mimeType: "video/VP8", clockRate: 90_000)
        ])
        text = text.replacing(line, with: instead)
        let offer = try WebRTCDescription(parsing: text)
        let error = #expect(throws: NegotiationError.self) { _ = try PublishOffer(offer, router: router) }
        #expect(error?.code == code)
        #expect(error?.message.contains(word) == true, "\(error.map(\.message) ?? "")")
    }

    @Test func `a player is told why`() throws {
        let router = try Offers.router()
        func code(_ offer: WebRTCDescription, _ router: RTPCapabilities) -> NegotiationError.Code? {
            do {
                _ = try PlayOffer(offer, router: router)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(try Offers.read("chromium-sendonly-audio-video"), router) == .badDirection)
        #expect(code(try Offers.read("chromium-data-channel"), router) == .noMedia)
        #expect(code(try Offers.read("firefox-data-channel"), router) == .noMedia)
        let iSAC = try RouterCapabilities.make(mediaCodecs: [
            RTPCodecCapability(kind: .audio, mimeType: "audio/ISAC", clockRate: 16_000)
        ])
        #expect(code(try Offers.read("chromium-recvonly-audio-video"), iSAC) == .noCommonCodec)
        #expect(code(try Offers.read("chromium-recvonly-audio-video"), RTPCapabilities()) == .noCommonCodec)
    }

    @Test func `streams without a name are refused`() throws {
        let text = try Offers.text("chromium-sendrecv-audio-video")
            .replacing("a=ssrc", with: "a=x-ssrc").replacing("urn:ietf:params:rtp-hdrext:sdes:mid", with: "urn:none")
        let offer = try WebRTCDescription(parsing: text)
        let error = #expect(throws: NegotiationError.self) { _ = try PublishOffer(offer, router: try Offers.router()) }
        #expect(error?.code == .noStreams)
    }

    @Test func `an ICE restart is answered with new credentials and all candidates`() throws {
        let fragment = try TrickleICEFragment(
            parsing: """
                a=ice-ufrag:ufragnew
                a=ice-pwd:passwordpasswordpassword
                a=group:BUNDLE 0 1
                m=audio 9 UDP/TLS/RTP/SAVPF 111
                a=mid:0
                a=candidate:1 1 udp 5 192.0.2.1 9 typ host
                """)
        let answer = Offers.local.restart(answering: fragment)
        #expect(answer.credentials == Offers.local.credentials)
        #expect(answer.media.map(\.mid) == ["0"])
        #expect(answer.media[0].candidates == Offers.local.candidates)
        #expect(try TrickleICEFragment(parsing: answer.text) == answer)
    }

    /// Whatever an offer says, it is answered or refused, and an answer is a description that can be read.
    @Test func `changed offers never trap`() throws {
        let router = try Offers.router()
        let texts = try Offers.all.map { Array(try Offers.text($0).utf8) }
        let first = UInt64.random(in: 0 ... .max)
        print("seed \(first)")
        var random = SeededGenerator(seed: first)
        for _ in 0..<300 {
            var bytes = texts.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let other = texts.randomElement(using: &random) ?? []
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0x20...0x7A, using: &random)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 30))
                default: bytes.insert(contentsOf: other.suffix(from: min(place, other.count)).prefix(60), at: place)
                }
                if bytes.isEmpty { break }
            }
            guard let offer = try? WebRTCDescription(parsing: bytes) else { continue }
            if let published = try? PublishOffer(offer, router: router) {
                let answer = published.answer(Offers.local, sessionID: 1)
                #expect(answer.media.count == offer.media.count, "seed \(first)")
                #expect(throws: Never.self, "seed \(first)") { _ = try WebRTCDescription(parsing: answer.text) }
                for track in published.tracks {
                    _ = try? negotiateProducer(
                        kind: track.kind, rtpParameters: track.rtpParameters, routerCapabilities: router,
                        firstMappedSSRC: 1)
                }
            }
            if let playing = try? PlayOffer(offer, router: router) {
                let answer = playing.answer(Offers.local, tracks: [:], sessionID: 1)
                #expect(throws: Never.self, "seed \(first)") { _ = try WebRTCDescription(parsing: answer.text) }
            }
        }
    }
}
