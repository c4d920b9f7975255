import ORTC
import SDP

/// An offer by which a client asks for media (WHEP), understood in the terms of a router.
///
/// Each section gets at most one consumer. It is negotiated in the router's numbers, as every consumer is; `numbering`
/// then tells under which of the client's numbers its packets must leave.
public struct PlayOffer: Sendable {
    public struct Section: Sendable, Hashable {
        /// The section's mid, or its number.
        public let mid: String
        public let kind: MediaKind
        /// Of the client, in the router's payload types and extension ids: for `consume`. Empty: no common codec.
        public let capabilities: RTPCapabilities
        public let numbering: ReceiverNumbering
        let place: Int
    }

    /// What a section gets.
    public struct Track: Sendable, Hashable {
        /// Of the consumer, in the client's numbers: those of one that was made with the section's `numbering`.
        public var rtpParameters: RTPParameters
        /// What the client's MediaStream is called: tracks of one stream are played in time with each other.
        public var msid: MediaStreamID

        public init(rtpParameters: RTPParameters, msid: MediaStreamID) {
            self.rtpParameters = rtpParameters
            self.msid = msid
        }
    }

    public let transport: RemoteTransport
    /// Those that ask for media, in the offer's order; at least one, and one at least has a codec in common.
    public let sections: [Section]
    private let offer: WebRTCDescription

    /// - Parameter router: The capabilities of the router that the consumers shall be on.
    public init(_ offer: WebRTCDescription, router: RTPCapabilities) throws(NegotiationError) {
        let checked = try OfferTransport(offer)
        sections = checked.sections.filter { offer.media[$0].direction.receives }.compactMap {
            Section(offer.media[$0], at: $0, router)
        }
        guard !sections.isEmpty else {
            throw NegotiationError(
                .badDirection, "The offer asks for nothing: who plays offers recvonly or sendrecv sections.")
        }
        guard sections.contains(where: { !$0.capabilities.codecs.isEmpty }) else {
            let offered = offer.media[sections[0].place]
            throw NegotiationError(
                .noCommonCodec,
                "Section \"\(sections[0].mid)\" (\(sections[0].kind.rawValue)) takes \(offered.codecNames()); the room has \(router.codecNames(of: sections[0].kind))."
            )
        }
        self.offer = offer
        transport = checked.remote
    }

    /// The answer: sections with a track send, others that could have had one are inactive, the rest is rejected.
    /// - Parameters:
    ///   - tracks: By the mid of their section.
    ///   - sessionID: For the `o=` line: chosen once at random, below 2⁶³.
    public func answer(
        _ local: LocalTransport, tracks: [String: Track], sessionID: UInt64
    ) -> WebRTCDescription {
        var answer = AnswerBuilder(offer, transport, local, sessionID: sessionID)
        for place in offer.media.indices {
            guard let section = sections.first(where: { $0.place == place }), !section.capabilities.codecs.isEmpty
            else {
                answer.reject(place)
                continue
            }
            guard let track = tracks[section.mid], !track.rtpParameters.codecs.isEmpty else {
                answer.accept(place, direction: .inactive) { $0.codecs = section.silentCodecs(of: offer.media[place]) }
                continue
            }
            answer.accept(place, direction: .sendonly) { $0.describe(track, answering: offer.media[place]) }
        }
        return answer.description
    }
}

extension PlayOffer.Section {
    fileprivate init?(_ section: MediaSection, at place: Int, _ router: RTPCapabilities) {
        guard let kind = section.mediaKind else { return nil }
        var capabilities = RTPCapabilities()
        var numbering = ReceiverNumbering()
        for codec in router.codecs where codec.kind == kind && codec.isMedia {
            guard let routerPayloadType = codec.preferredPayloadType,
                let (offered, parameters) = Self.match(codec, in: section, kind)
            else { continue }
            var capability = codec
            capability.parameters = parameters.parameters
            capability.rtcpFeedback = parameters.rtcpFeedback.filter(codec.rtcpFeedback.contains)
            capabilities.codecs.append(capability)
            numbering.payloadTypes[routerPayloadType] = offered.payloadType
            guard let rtx = router.rtx(repeating: routerPayloadType), let routerRTX = rtx.preferredPayloadType,
                let offeredRTX = section.rtx(repeating: offered.payloadType)
            else { continue }
            capabilities.codecs.append(rtx)
            numbering.payloadTypes[routerRTX] = offeredRTX.payloadType
        }
        for ext in section.usableExtensions where ext.direction?.receives != false {
            // A mid that has no room in the one-byte form isn't sent: SSRCs are told.
            if ext.uri == RTPHeaderExtensionURI.mid.rawValue, (section.mid ?? "").utf8.count > 16 { continue }
            guard
                let known = router.headerExtensions.first(where: {
                    $0.kind == kind && $0.uri == ext.uri && ($0.direction == .sendrecv || $0.direction == .sendonly)
                }), let routerID = UInt8(exactly: known.preferredID), let id = UInt8(exactly: ext.id)
            else { continue }
            capabilities.headerExtensions.append(known)
            numbering.extensionIDs[routerID] = id
        }
        self.init(
            mid: section.mid ?? "\(place)", kind: kind, capabilities: capabilities, numbering: numbering, place: place)
    }

    /// The first offered codec that a router's is.
    private static func match(
        _ codec: RTPCodecCapability, in section: MediaSection, _ kind: MediaKind
    ) -> (MediaCodec, RTPCodecParameters)? {
        for offered in section.codecs {
            if let parameters = offered.parameters(of: kind), codecsMatch(parameters, codec, .strict) {
                return (offered, parameters)
            }
        }
        return nil
    }

    /// An inactive section needs a codec all the same.
    fileprivate func silentCodecs(of section: MediaSection) -> [MediaCodec] {
        let mine = Set(numbering.payloadTypes.values)
        return section.codecs.filter { !$0.isRTX && mine.contains($0.payloadType) }.prefix(1).map(\.withoutFeedback)
    }
}

extension MediaSection {
    fileprivate mutating func describe(_ track: PlayOffer.Track, answering offered: MediaSection) {
        let parameters = track.rtpParameters
        codecs = parameters.codecs.map { codec in
            let format = offered.codecs.first { $0.payloadType == codec.payloadType }
            var answered = MediaCodec(codec, format: format.map(OfferedFormat.repeated(of:)) ?? [])
            if let format { answered.name = format.name }
            if let profile = format?["profile-level-id"] {
                // The level is that of what the client receives, which it said itself.
                answered.parameters.removeAll { $0.name == "profile-level-id" }
                answered.parameters.append(FormatParameter("profile-level-id", profile))
            }
            return answered
        }
        headerExtensions = parameters.headerExtensions.map { ext in
            let offeredDirection = offered.headerExtensions.first { $0.id == ext.id }?.direction
            return ExtensionMapping(id: ext.id, direction: offeredDirection?.reversed, uri: ext.uri)
        }
        msids = [track.msid]
        let cname = parameters.rtcp.cname.flatMap { $0.isEmpty ? nil : $0 } ?? track.msid.stream
        for encoding in parameters.encodings {
            guard let ssrc = encoding.ssrc else { continue }
            sources.append(MediaSource(ssrc: ssrc, cname: cname))
            guard let rtx = encoding.rtxSSRC else { continue }
            sourceGroups.append(SourceGroup("FID", [ssrc, rtx]))
            sources.append(MediaSource(ssrc: rtx, cname: cname))
        }
    }
}
