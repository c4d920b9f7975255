import SDP

/// Puts an answer together: one section for each of the offer, in its order (RFC 3264 §6).
struct AnswerBuilder {
    private(set) var description: WebRTCDescription
    private let offer: WebRTCDescription
    private let transport: TransportAttributes
    private let local: LocalTransport

    init(_ offer: WebRTCDescription, _ remote: RemoteTransport, _ local: LocalTransport, sessionID: UInt64) {
        self.offer = offer
        self.local = local
        transport = TransportAttributes(
            credentials: local.credentials, fingerprints: local.fingerprints, setup: remote.answeredSetup)
        description = WebRTCDescription(
            sessionID: sessionID, isICELite: true, allowsMixedExtensions: offer.allowsMixedExtensions,
            msidSemantic: "WMS *")
        if !offer.bundle.isEmpty { description.groups = [MediaGroup(.bundle, mids: [])] }
    }

    /// RFC 8843 §7.3 wants transport attributes in one section of the bundle. We repeat them in all: older clients look
    /// there, and none minds. Candidates stand in the first alone.
    mutating func accept(
        _ place: Int, direction: MediaSection.Direction, _ fill: (inout MediaSection) -> Void
    ) {
        let offered = offer.media[place]
        var section = MediaSection(
            offered.kind, protocolName: offered.protocolName, formats: [], mid: offered.mid, direction: direction)
        section.transport = transport
        section.multiplexesRTCP = true
        section.reducesRTCP = offered.reducesRTCP
        section.allowsMixedExtensions = offered.allowsMixedExtensions
        fill(&section)
        section.formats = section.codecs.map { "\($0.payloadType)" }
        if !description.media.contains(where: { !$0.isRejected }) {
            section.candidates = local.candidates
            section.endsCandidates = true
        }
        description.media.append(section)
        if let mid = offered.mid, !description.groups.isEmpty, offer.bundle.contains(mid) {
            description.groups[0].mids.append(mid)
        }
    }

    /// Nothing of a section is used. The one whose transport carries the bundle stays all the same, without media:
    /// Chromium (bundle policy max-bundle) loses the transport of all others with it.
    mutating func reject(_ place: Int) {
        let offered = offer.media[place]
        let carriesBundle = offered.mid != nil && offered.mid == offer.bundle.first && !offered.isRejected
        if carriesBundle, offered.isMedia, let codec = offered.codecs.first(where: { !$0.isRTX }) {
            accept(place, direction: .inactive) { $0.codecs = [codec.withoutFeedback] }
            return
        }
        // At least one format has to stand there; it means nothing.
        let format = offered.formats.first ?? "0"
        var section = MediaSection(
            offered.kind, port: 0, protocolName: offered.protocolName, formats: [format], mid: offered.mid,
            direction: offered.isMedia ? .inactive : .sendrecv)
        section.codecs = offered.codecs.prefix(1).filter { "\($0.payloadType)" == format }.map(\.withoutFeedback)
        section.allowsMixedExtensions = description.allowsMixedExtensions
        description.media.append(section)
    }
}

extension MediaCodec {
    /// As it stands in sections without media.
    var withoutFeedback: MediaCodec {
        var codec = self
        codec.feedback = []
        codec.parameters = OfferedFormat.repeated(of: self)
        return codec
    }
}
