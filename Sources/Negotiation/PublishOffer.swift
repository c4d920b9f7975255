import ORTC
import SDP

/// An offer by which a client sends media (WHIP, RFC 9725), understood in the terms of a router.
///
/// Each accepted section becomes one producer with the client's own payload types, extension ids and SSRCs or rids. A
/// section that can't be used is rejected in the answer; if none can, the offer is refused.
public struct PublishOffer: Sendable {
    public struct Options: Sendable, Hashable {
        /// SDP doesn't tell how many layers a stream has. Nil: what `sendEncodings` makes by default, one spatial layer,
        /// and up to three temporal ones in simulcast. `L3T3_KEY` for a client known to send so.
        public var scalabilityMode: String?

        public init(scalabilityMode: String? = nil) { self.scalabilityMode = scalabilityMode }
    }

    /// One producer.
    public struct Track: Sendable, Hashable {
        /// The section's mid, or its number.
        public let mid: String
        public let kind: MediaKind
        /// For `produce`.
        public let rtpParameters: RTPParameters
        /// The MediaStream and track that the client names, if it does.
        public let msid: MediaStreamID?
        /// In the offer.
        let place: Int
        let codec: ChosenCodec
        let extensions: [ExtensionMapping]
        let rids: [String]
    }

    public let transport: RemoteTransport
    /// In the offer's order; at least one.
    public let tracks: [Track]
    /// What is wrong with the sections that were rejected.
    public let rejections: [NegotiationError]
    private let offer: WebRTCDescription

    /// - Parameter router: The capabilities of the router that the producers shall be on.
    public init(
        _ offer: WebRTCDescription, router: RTPCapabilities, options: Options = Options()
    ) throws(NegotiationError) {
        let checked = try OfferTransport(offer)
        var tracks: [Track] = []
        var rejections: [NegotiationError] = []
        for place in checked.sections {
            do throws(NegotiationError) {
                tracks.append(try Track(offer, at: place, router, options))
            } catch {
                rejections.append(error)
            }
        }
        guard !tracks.isEmpty else {
            throw NegotiationError(rejections[0].code, rejections.map(\.message).joined(separator: " "))
        }
        self.offer = offer
        self.transport = checked.remote
        self.tracks = tracks
        self.rejections = rejections
    }

    /// The answer: what is accepted is received, everything else is rejected.
    /// - Parameter sessionID: For the `o=` line: chosen once at random, below 2⁶³.
    public func answer(_ local: LocalTransport, sessionID: UInt64) -> WebRTCDescription {
        var answer = AnswerBuilder(offer, transport, local, sessionID: sessionID)
        for place in offer.media.indices {
            guard let track = tracks.first(where: { $0.place == place }) else {
                answer.reject(place)
                continue
            }
            answer.accept(place, direction: .recvonly) { section in
                section.codecs = track.codec.answered
                section.headerExtensions = track.extensions.map {
                    ExtensionMapping(id: $0.id, direction: $0.direction?.reversed, uri: $0.uri)
                }
                guard track.rids.count > 1 else { return }
                section.rids = track.rids.map { RIDDescription($0, .recv) }
                section.simulcast = SimulcastDescription(receive: track.rids.map { [.init($0)] })
            }
        }
        return answer.description
    }
}

// MARK: - A track

extension PublishOffer.Track {
    fileprivate init(
        _ offer: WebRTCDescription, at place: Int, _ router: RTPCapabilities, _ options: PublishOffer.Options
    ) throws(NegotiationError) {
        let section = offer.media[place]
        let mid = section.mid ?? "\(place)"
        guard let kind = section.mediaKind, section.direction.sends else {
            throw NegotiationError(
                .badDirection,
                "Section \"\(mid)\" is \(section.direction.rawValue): who publishes offers sendonly or sendrecv.")
        }
        var extensions = Self.extensions(of: section, kind, router)
        let offersSimulcast = kind == .video && section.sentRIDs.count > 1 && Self.namesStreams(extensions)
        guard let codec = ChosenCodec(section, kind, router, forSimulcast: offersSimulcast) else {
            throw NegotiationError(
                .noCommonCodec,
                "Section \"\(mid)\" (\(kind.rawValue)) offers \(section.codecNames()); the room takes \(router.codecNames(of: kind))."
            )
        }
        let rids = offersSimulcast && codec.canSimulcast ? section.sentRIDs : []
        if codec.offered.name.lowercased() != "av1" {
            // Who reads layers from the payload needs no second description of them in every packet.
            extensions.removeAll { $0.uri == RTPHeaderExtensionURI.dependencyDescriptor.rawValue }
        }
        let hasMID = section.mid != nil && extensions.contains { $0.uri == RTPHeaderExtensionURI.mid.rawValue }
        let streams = section.streams(hasRTX: codec.rtx != nil)
        guard !rids.isEmpty || !streams.isEmpty || hasMID else {
            throw NegotiationError(
                .noStreams,
                "Section \"\(mid)\" has neither a=ssrc nor the header extension for its mid: its packets can't be told apart."
            )
        }
        self.init(
            mid: mid, kind: kind,
            rtpParameters: RTPParameters(
                mid: section.mid,
                codecs: codec.parameters(congestionControl: extensions),
                headerExtensions: extensions.map { RTPHeaderExtensionParameters(uri: $0.uri, id: $0.id) },
                encodings: Self.encodings(rids: rids, streams: streams, codec, options),
                rtcp: RTCPParameters(cname: offer.cname(of: section), reducedSize: section.reducesRTCP)),
            msid: section.msids.first, place: place, codec: codec.answering(congestionControl: extensions),
            extensions: extensions, rids: rids)
    }

    /// Offered ones that the router receives.
    private static func extensions(
        of section: MediaSection, _ kind: MediaKind, _ router: RTPCapabilities
    ) -> [ExtensionMapping] {
        section.usableExtensions.filter { ext in
            ext.direction?.sends != false
                && router.headerExtensions.contains {
                    $0.kind == kind && $0.uri == ext.uri && ($0.direction == .sendrecv || $0.direction == .recvonly)
                }
        }
    }

    /// Simulcast needs mid and rid in the packets (RFC 8853 §5.5).
    private static func namesStreams(_ extensions: [ExtensionMapping]) -> Bool {
        [RTPHeaderExtensionURI.mid, .rtpStreamID].allSatisfy { uri in
            extensions.contains { $0.uri == uri.rawValue }
        }
    }

    private static func encodings(
        rids: [String], streams: [MediaSection.Stream], _ codec: ChosenCodec, _ options: PublishOffer.Options
    ) -> [RTPEncodingParameters] {
        if !rids.isEmpty {
            // mediasoup-client assumes the same: fewer layers than told do no harm, more would not be forwarded.
            let mode = options.scalabilityMode ?? "L1T3"
            return rids.map { RTPEncodingParameters(rid: $0, scalabilityMode: mode) }
        }
        let mode = codec.canHaveLayers ? options.scalabilityMode : nil
        let isLegacySimulcast = streams.count > 1 && codec.canSimulcast
        let used = isLegacySimulcast ? streams[...] : streams.prefix(1)
        guard !used.isEmpty else { return [RTPEncodingParameters(scalabilityMode: mode)] }
        return used.map {
            RTPEncodingParameters(
                ssrc: $0.ssrc, rtxSSRC: $0.rtxSSRC,
                scalabilityMode: isLegacySimulcast ? options.scalabilityMode ?? "L1T3" : mode)
        }
    }
}

extension WebRTCDescription {
    /// A section without SSRCs (simulcast) has the CNAME of the others: an endpoint has one (RFC 8829 §5.2.1).
    fileprivate func cname(of section: MediaSection) -> String? {
        section.sources.lazy.compactMap(\.cname).first
            ?? media.lazy.flatMap(\.sources).compactMap(\.cname).first
    }
}

extension MediaSection {
    /// In the order in which the encodings get better: by their sizes or bit rates where they are told, by well-known
    /// names, else as they are written.
    var sentRIDs: [String] {
        guard let streams = simulcast?.send else { return [] }
        var ids: [String] = []
        for rid in streams.compactMap({ $0.first?.rid })
        where !ids.contains(rid) && rids.contains(where: { $0.id == rid && $0.direction == .send }) {
            ids.append(rid)
        }
        ids = Array(ids.prefix(8))
        for restriction in ["max-width", "max-height", "max-fs", "max-br"] {
            let values = ids.compactMap { id in
                rids.first { $0.id == id }?.restrictions.first { $0.name == restriction }?.value.flatMap { Int($0) }
            }
            guard values.count == ids.count, Set(values).count > 1 else { continue }
            return zip(ids, values).sorted { $0.1 < $1.1 }.map(\.0)
        }
        for names in [["q", "h", "f"], ["l", "m", "h"], ["low", "mid", "high"], ["low", "medium", "high"]]
        where ids.allSatisfy(names.contains) {
            return names.filter(ids.contains)
        }
        return ids
    }

    struct Stream: Hashable {
        let ssrc: UInt32
        let rtxSSRC: UInt32?
    }

    /// The media streams that SSRCs are told of.
    func streams(hasRTX: Bool) -> [Stream] {
        let pairs = sourceGroups.filter { $0.semantics == "FID" && $0.ssrcs.count >= 2 }
        let repetitions = Set(pairs.map { $0.ssrcs[1] })
        let listed = sourceGroups.first { $0.semantics == "SIM" }?.ssrcs ?? sources.map(\.ssrc)
        var known: Set<UInt32> = [0]
        return listed.filter { !repetitions.contains($0) && known.insert($0).inserted }.prefix(8).map { ssrc in
            let rtx = pairs.first { $0.ssrcs[0] == ssrc }?.ssrcs[1]
            return Stream(ssrc: ssrc, rtxSSRC: hasRTX ? rtx : nil)
        }
    }

    /// Ids of the one-byte form, each once: packets are written in it whenever they can be.
    var usableExtensions: [ExtensionMapping] {
        var ids: Set<Int> = []
        var uris: Set<String> = []
        return headerExtensions.filter {
            (1...14).contains($0.id) && ids.insert($0.id).inserted && uris.insert($0.uri).inserted
        }
    }
}
