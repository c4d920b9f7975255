import Base
import Negotiation
import ORTC
import SDP

/// A description, understood as an offer of a publisher and of a player and answered; else a fragment of trickle ICE.
func fuzzSDP(_ bytes: RawSpan) {
    let text = String(decoding: array(bytes), as: UTF8.self)
    if let fragment = try? TrickleICEFragment(parsing: text) {
        _ = try? TrickleICEFragment(parsing: fragment.text)
        _ = localTransport.restart(answering: fragment).text
    }
    guard let offer = try? WebRTCDescription(parsing: text) else { return }
    _ = try? WebRTCDescription(parsing: offer.text)
    if let published = try? PublishOffer(offer, router: standardRouter) {
        precondition(!published.tracks.isEmpty, "what is accepted has a track")
        check(published.answer(localTransport, sessionID: 1), of: offer)
        for track in published.tracks {
            let produced = try? negotiateProducer(
                kind: track.kind, rtpParameters: track.rtpParameters, routerCapabilities: standardRouter,
                firstMappedSSRC: .max)
            if let produced { precondition(produced.rtpParameters.mid == track.rtpParameters.mid) }
        }
    }
    if let playing = try? PlayOffer(offer, router: standardRouter) { play(playing, offer) }
}

/// Every section gets VP8 or Opus if it can.
private func play(_ playing: PlayOffer, _ offer: WebRTCDescription) {
    var tracks: [String: PlayOffer.Track] = [:]
    for section in playing.sections {
        let source = section.kind == .audio ? sources.audio : sources.video
        let consumer = try? negotiateConsumer(
            consumable: source, capabilities: section.capabilities, enableRTX: true, ssrc: 1, mid: section.mid)
        guard let consumer else { continue }
        let told = section.numbering.renumbered(consumer)
        precondition(!told.codecs.isEmpty, "what is consumed has a number of the receiver's")
        tracks[section.mid] = PlayOffer.Track(rtpParameters: told, msid: MediaStreamID(stream: "s", track: "t"))
    }
    check(playing.answer(localTransport, tracks: tracks, sessionID: 1), of: offer)
}

private func check(_ answer: WebRTCDescription, of offer: WebRTCDescription) {
    precondition(answer.media.count == offer.media.count, "an answer has the sections of its offer")
    let text = answer.text
    // Many short sections get long answers.
    guard text.utf8.count <= 65_536 else { return }
    precondition((try? WebRTCDescription(parsing: text)) != nil, "what we answer can be read")
}

private let localTransport = LocalTransport(
    credentials: ICECredentials(usernameFragment: "abcdefgh", password: "abcdefghijklmnopqrstuvwx"),
    candidates: [CandidateAttribute(foundation: "1", priority: 1, address: "127.0.0.1", port: 9)],
    fingerprints: [FingerprintAttribute(algorithm: "sha-256", value: "00:FF")])

private let standardRouter: RTPCapabilities = {
    guard let router = try? RouterCapabilities.make(mediaCodecs: RouterCodecs.standard) else {
        preconditionFailure("the standard codecs make a router")
    }
    return router
}()

/// What is played: one producer of each kind.
private let sources: (audio: RTPParameters, video: RTPParameters) = {
    func consumable(_ kind: MediaKind, _ codec: RTPCodecParameters) -> RTPParameters {
        let made = try? negotiateProducer(
            kind: kind, rtpParameters: RTPParameters(codecs: [codec], encodings: [RTPEncodingParameters(ssrc: 1)]),
            routerCapabilities: standardRouter, firstMappedSSRC: 1)
        guard let made else { preconditionFailure("the standard router takes \(codec.mimeType)") }
        return made.consumableRTPParameters
    }
    return (
        consumable(
            .audio, RTPCodecParameters(mimeType: "audio/opus", payloadType: 96, clockRate: 48_000, channels: 2)),
        consumable(.video, RTPCodecParameters(mimeType: "video/VP8", payloadType: 97, clockRate: 90_000))
    )
}()
