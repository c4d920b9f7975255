import Foundation
import Negotiation
import ORTC
import SDP
import TestSupport
import Testing

@Suite struct PlayTests {
    /// What is in the room: by what offer it was published.
    static func consumable(
        _ name: String, _ kind: MediaKind, _ router: RTPCapabilities
    ) throws -> RTPParameters {
        let published = try PublishOffer(Offers.read(name), router: router)
        let track = try #require(published.tracks.first { $0.kind == kind })
        return try negotiateProducer(
            kind: kind, rtpParameters: track.rtpParameters, routerCapabilities: router, firstMappedSSRC: 1
        ).consumableRTPParameters
    }

    static func consumer(
        of consumable: RTPParameters, for section: PlayOffer.Section, ssrc: UInt32
    ) throws -> RTPParameters {
        try negotiateConsumer(
            consumable: consumable, capabilities: section.capabilities,
            enableRTX: enablesRTXByDefault(section.kind), ssrc: ssrc, mid: section.mid)
    }

    @Test(
        arguments: Offers.playing, ["chromium-simulcast", "chromium-h264", "chromium-av1", "gstreamer-sendonly-h264"])
    func `what is in the room is answered in the client's numbers`(name: String, source: String) throws {
        let router = try Offers.router()
        let offer = try Offers.read(name)
        let playing = try PlayOffer(offer, router: router)
        var tracks: [String: PlayOffer.Track] = [:]
        var ssrc: UInt32 = 10_000
        for section in playing.sections where tracks.count < 2 {
            let from = section.kind == .audio ? "chromium-simulcast" : source
            let consumable = try Self.consumable(from, section.kind, router)
            guard canConsume(consumable, section.capabilities) else { continue }
            let consumer = try Self.consumer(of: consumable, for: section, ssrc: ssrc)
            ssrc += 10
            tracks[section.mid] = PlayOffer.Track(
                rtpParameters: section.numbering.renumbered(consumer),
                msid: MediaStreamID(stream: "room", track: "track-\(section.mid)"))
        }
        try #require(!tracks.isEmpty)
        let answer = playing.answer(Offers.local, tracks: tracks, sessionID: 2)
        for (answered, offered) in zip(answer.media, offer.media) {
            guard let mid = answered.mid, tracks[mid] != nil else {
                #expect(answered.direction != .sendonly)
                continue
            }
            #expect(answered.direction == .sendonly && answered.sources.count >= 1)
            #expect(!answered.codecs.isEmpty)
            for codec in answered.codecs {
                let same = try #require(
                    offered.codecs.first { $0.payloadType == codec.payloadType }, "payload type \(codec.payloadType)")
                #expect(same.name == codec.name && same["profile-level-id"] == codec["profile-level-id"])
                #expect(codec.feedback.allSatisfy(same.feedback.contains))
            }
            for ext in answered.headerExtensions {
                #expect(offered.headerExtensions.contains { $0.id == ext.id && $0.uri == ext.uri })
            }
        }
        if source == "chromium-simulcast" || name == "chromium-recvonly-audio-video" {
            try Offers.compare(
                answer.text, with: source == "chromium-simulcast" ? "\(name)-vp8" : "\(name)-from-\(source)")
        }
    }

    @Test func `a consumer is renumbered whole`() throws {
        let router = try Offers.router()
        let playing = try PlayOffer(Offers.read("chromium-recvonly-audio-video"), router: router)
        let section = playing.sections[1]
        let consumer = try Self.consumer(
            of: Self.consumable("chromium-simulcast", .video, router), for: section, ssrc: 7)
        #expect(consumer.codecs.map(\.payloadType) == [101, 102])
        let told = section.numbering.renumbered(consumer)
        #expect(told.codecs.map(\.payloadType) == [96, 97])
        #expect(told.codecs[1].parameters["apt"] == 96)
        #expect(told.id(of: .mid) == 4)
        #expect(told.id(of: .transportWideCC) == 3)
        #expect(told.id(of: .absSendTime) == 2)
        #expect(told.id(of: .videoOrientation) == 13)
        #expect(told.encodings == [RTPEncodingParameters(ssrc: 7, rtxSSRC: 8, scalabilityMode: "L3T3")])
    }

    @Test func `without an RTX of its own a codec has no retransmissions`() throws {
        // Firefox' VP8 loses its RTX; VP9 keeps one, and ORTC matches RTX codecs by name alone.
        let text = try Offers.text("firefox-recvonly-audio-video").replacing("a=fmtp:124 apt=120\r\n", with: "")
        let router = try Offers.router()
        let section = try PlayOffer(WebRTCDescription(parsing: text), router: router).sections[1]
        let consumer = try Self.consumer(
            of: Self.consumable("chromium-simulcast", .video, router), for: section, ssrc: 7)
        let told = section.numbering.renumbered(consumer)
        #expect(told.codecs.map(\.payloadType) == [120])
        #expect(told.encodings.map(\.rtxSSRC) == [nil])
    }

    @Test func `what is not there is inactive, data channels are rejected`() throws {
        let router = try Offers.router()
        let playing = try PlayOffer(Offers.read("chromium-recvonly-and-data"), router: router)
        let section = playing.sections[0]
        let consumer = try Self.consumer(
            of: Self.consumable("chromium-simulcast", .audio, router), for: section, ssrc: 7)
        let track = PlayOffer.Track(
            rtpParameters: section.numbering.renumbered(consumer), msid: MediaStreamID(stream: "-", track: "a"))
        let answer = playing.answer(Offers.local, tracks: [section.mid: track], sessionID: 3)
        #expect(answer.media.map(\.direction) == [.sendonly, .inactive, .sendrecv])
        #expect(answer.media.map(\.port) == [9, 9, 0])
        #expect(answer.bundle == ["0", "1"])
        try Offers.compare(answer.text, with: "chromium-recvonly-and-data-audio-alone")
    }

    @Test func `capabilities are the router's, as far as the client has them`() throws {
        let router = try Offers.router()
        let sections = try PlayOffer(Offers.read("firefox-recvonly-audio-video"), router: router).sections
        #expect(sections.map(\.mid) == ["0", "1"])
        let video = sections[1].capabilities
        // No H264 in Debian's Firefox; its VP9 is profile 0.
        #expect(
            video.codecs.map(\.mimeType) == [
                "video/VP8", "video/rtx", "video/VP9", "video/rtx", "video/AV1", "video/rtx",
            ])
        #expect(video.codecs.map(\.preferredPayloadType) == [101, 102, 109, 110, 111, 112])
        #expect(sections[1].numbering.payloadTypes[109] == 121)
        #expect(video.headerExtensions.allSatisfy(router.headerExtensions.contains))
        #expect(try RTPCapabilities(json: video.json) == video)
    }
}
