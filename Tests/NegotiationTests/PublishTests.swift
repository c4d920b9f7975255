import Negotiation
import ORTC
import SDP
import TestSupport
import Testing

@Suite struct PublishTests {
    @Test(arguments: Offers.publishing)
    func `what is offered can be produced, and is answered so`(name: String) throws {
        let router = try Offers.router()
        let offer = try Offers.read(name)
        let published = try PublishOffer(offer, router: router)
        #expect(published.rejections.isEmpty)
        #expect(published.tracks.count == offer.media.count)
        for track in published.tracks {
            let produced = try negotiateProducer(
                kind: track.kind, rtpParameters: track.rtpParameters, routerCapabilities: router, firstMappedSSRC: 1000)
            let capabilities = router
            #expect(canConsume(produced.consumableRTPParameters, capabilities))
        }
        let answer = published.answer(Offers.local, sessionID: 1)
        #expect(answer.media.map(\.mid) == offer.media.map(\.mid))
        #expect(answer.media.allSatisfy { $0.direction == .recvonly && $0.port == 9 })
        for (answered, offered) in zip(answer.media, offer.media) {
            // Nothing that wasn't offered, under the same numbers.
            for codec in answered.codecs {
                let same = try #require(offered.codecs.first { $0.payloadType == codec.payloadType })
                #expect(same.name == codec.name && codec.feedback.allSatisfy(same.feedback.contains))
            }
            for ext in answered.headerExtensions {
                #expect(offered.headerExtensions.contains { $0.id == ext.id && $0.uri == ext.uri })
            }
        }
        try Offers.compare(answer.text, with: name)
    }

    @Test func `one stream is known by its SSRC, with its retransmissions`() throws {
        let published = try PublishOffer(Offers.read("chromium-sendrecv-audio-video"), router: Offers.router())
        let video = try #require(published.tracks.last?.rtpParameters)
        #expect(video.mid == "1")
        #expect(video.codecs.map(\.mimeType) == ["video/VP8", "video/rtx"])
        #expect(video.codecs.map(\.payloadType) == [96, 97])
        #expect(video.codecs[1].parameters == ["apt": 96])
        #expect(
            video.codecs[0].rtcpFeedback.contains(RTCPFeedback("transport-cc"))
                && !video.codecs[0].rtcpFeedback.contains(RTCPFeedback("goog-remb")))
        #expect(video.encodings == [RTPEncodingParameters(ssrc: 995_374_171, rtxSSRC: 3_313_600_747)])
        #expect(video.rtcp == RTCPParameters(cname: "ndaElqxGcENF2lFr", reducedSize: true))
        #expect(
            video.headerExtensions.contains(RTPHeaderExtensionParameters(uri: "urn:3gpp:video-orientation", id: 13)))
        let audio = published.tracks[0].rtpParameters
        #expect(audio.codecs.map(\.mimeType) == ["audio/opus"])
        #expect(audio.codecs[0].parameters == ["minptime": 10, "useinbandfec": 1])
        #expect(audio.codecs[0].channels == 2)
        #expect(published.tracks[0].msid?.stream == published.tracks[1].msid?.stream)
    }

    @Test(arguments: ["chromium-simulcast", "firefox-simulcast"])
    func `simulcast is known by rids`(name: String) throws {
        let router = try Offers.router()
        let published = try PublishOffer(Offers.read(name), router: router)
        let video = try #require(published.tracks.last)
        #expect(video.rtpParameters.encodings.map(\.rid) == ["r0", "r1", "r2"])
        #expect(video.rtpParameters.encodings.allSatisfy { $0.ssrc == nil && $0.scalabilityMode == "L1T3" })
        let produced = try negotiateProducer(
            kind: .video, rtpParameters: video.rtpParameters, routerCapabilities: router, firstMappedSSRC: 1)
        #expect(produced.type == .simulcast)
        let section = published.answer(Offers.local, sessionID: 1).media[1]
        #expect(section.simulcast?.receive.map { $0.map(\.rid) } == [["r0"], ["r1"], ["r2"]])
        #expect(section.rids.map(\.direction) == [.recv, .recv, .recv])
    }

    @Test(arguments: [
        ("a=rid:x send max-width=1280\r\na=rid:y send max-width=640\r\na=simulcast:send x;y", ["y", "x"]),
        ("a=rid:f send\r\na=rid:h send\r\na=rid:q send\r\na=simulcast:send f;h;q", ["q", "h", "f"]),
        ("a=rid:h send\r\na=rid:m send\r\na=rid:l send\r\na=simulcast:send h;~m;l", ["l", "m", "h"]),
        ("a=rid:1 send\r\na=rid:0 send\r\na=simulcast:send 1,9;0", ["1", "0"]),
    ])
    func `encodings stand in the order in which they get better`(lines: String, order: [String]) throws {
        let text = try Offers.text("chromium-simulcast").components(before: "a=rid:r0") + lines + "\r\n"
        let published = try PublishOffer(WebRTCDescription(parsing: text), router: Offers.router())
        #expect(published.tracks.last?.rtpParameters.encodings.map(\.rid) == order)
    }

    @Test func `layers in one stream are what the client is known to send`() throws {
        let router = try Offers.router()
        let offer = try Offers.read("chromium-screen-vp9-svc")
        for (mode, type) in [("L3T3_KEY", ProducerType.svc), (nil, .simple)] {
            let published = try PublishOffer(offer, router: router, options: .init(scalabilityMode: mode))
            let produced = try negotiateProducer(
                kind: .video, rtpParameters: published.tracks[0].rtpParameters, routerCapabilities: router,
                firstMappedSSRC: 1)
            #expect(produced.type == type)
        }
    }

    @Test func `a codec that can't be simulcast gives one stream`() throws {
        let published = try PublishOffer(Offers.read("chromium-vp9-simulcast"), router: Offers.router())
        #expect(published.tracks[0].rtpParameters.encodings == [RTPEncodingParameters()])
        #expect(published.tracks[0].rtpParameters.mid == "0")
        let section = published.answer(Offers.local, sessionID: 1).media[0]
        #expect(section.simulcast == nil && section.rids.isEmpty)
    }

    @Test func `H264 of a profile that the room has is taken, with the room's level`() throws {
        let published = try PublishOffer(Offers.read("chromium-h264"), router: Offers.router())
        let codec = published.tracks[0].rtpParameters.codecs[0]
        #expect(codec.parameters["profile-level-id"] == "42e01f")
        #expect(codec.parameters["packetization-mode"] == 1)
        #expect(codec.payloadType == 108)
    }

    @Test func `AV1 keeps its dependency descriptor, others don't`() throws {
        let uri = RTPHeaderExtensionURI.dependencyDescriptor.rawValue
        func has(_ name: String) throws -> Bool? {
            try PublishOffer(Offers.read(name), router: Offers.router()).tracks.last?.rtpParameters.headerExtensions
                .contains { $0.uri == uri }
        }
        #expect(try has("chromium-av1") == true)
        #expect(try has("chromium-screen-vp9-svc") == false)
    }

    @Test func `the client is DTLS client unless it insists on being the server`() throws {
        let text = try Offers.text("chromium-sendonly-audio-video")
        for (setup, isClient, answered) in [
            ("actpass", true, SetupRole.passive), ("active", true, .passive), ("passive", false, .active),
        ] {
            let changed = text.replacing("a=setup:actpass", with: "a=setup:\(setup)")
            let published = try PublishOffer(WebRTCDescription(parsing: changed), router: Offers.router())
            #expect(published.transport.isDTLSClient == isClient)
            let answer = published.answer(Offers.local, sessionID: 1)
            #expect(answer.media.allSatisfy { $0.transport.setup == answered })
        }
    }

    @Test func `a section without a common codec is rejected, the other one taken`() throws {
        let router = try RouterCapabilities.make(mediaCodecs: [
            RTPCodecCapability(kind: .audio, mimeType: "audio/opus", clockRate: 48_000, channels: 2)
        ])
        let offer = try Offers.read("chromium-sendonly-audio-video")
        let published = try PublishOffer(offer, router: router)
        #expect(published.rejections.map(\.code) == [.noCommonCodec])
        let answer = published.answer(Offers.local, sessionID: 1)
        #expect(answer.media.map(\.port) == [9, 0])
        #expect(answer.bundle == ["0"])
        #expect(answer.media.map(\.candidates.count) == [2, 0])
        try Offers.compare(answer.text, with: "chromium-sendonly-audio-video-without-video")
    }

    @Test func `the section that carries the bundle stays without media rather than going`() throws {
        let router = try RouterCapabilities.make(mediaCodecs: [
            RTPCodecCapability(kind: .video, mimeType: "video/VP8", clockRate: 90_000)
        ])
        let offer = try Offers.read("chromium-sendonly-audio-video")
        let answer = try PublishOffer(offer, router: router).answer(Offers.local, sessionID: 1)
        #expect(answer.media.map(\.direction) == [.inactive, .recvonly])
        #expect(answer.media.map(\.port) == [9, 9])
        #expect(answer.bundle == ["0", "1"])
        #expect(answer.media.map(\.candidates.count) == [2, 0])
        try Offers.compare(answer.text, with: "chromium-sendonly-audio-video-without-audio")
    }

    @Test func `a simulcast section has the CNAME of its endpoint`() throws {
        let published = try PublishOffer(Offers.read("chromium-simulcast"), router: Offers.router())
        #expect(published.tracks.map(\.rtpParameters.rtcp.cname) == ["MLFKAflaNILc0cn8", "MLFKAflaNILc0cn8"])
    }
}

extension String {
    fileprivate func components(before mark: String) -> String {
        range(of: mark).map { String(self[..<$0.lowerBound]) } ?? self
    }
}
