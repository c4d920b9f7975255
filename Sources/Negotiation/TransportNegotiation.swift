import SDP

/// What the server tells of its side: it is ICE-lite, so its candidates are all there is to know.
public struct LocalTransport: Sendable, Hashable {
    public var credentials: ICECredentials
    public var candidates: [CandidateAttribute]
    /// SHA-256 by default; several may be told.
    public var fingerprints: [FingerprintAttribute]

    public init(
        credentials: ICECredentials, candidates: [CandidateAttribute], fingerprints: [FingerprintAttribute]
    ) {
        self.credentials = credentials
        self.candidates = candidates
        self.fingerprints = fingerprints
    }

    /// The answer to a fragment that restarts ICE (RFC 9725 §4.3.3): new credentials, for the same sections.
    public func restart(answering fragment: TrickleICEFragment) -> TrickleICEFragment {
        var answer = TrickleICEFragment(
            transport: TransportAttributes(credentials: credentials), isICELite: true, groups: fragment.groups)
        // All share one transport: told once.
        if var first = fragment.media.first {
            first.transport = TransportAttributes()
            first.candidates = candidates
            first.endsCandidates = true
            answer.media = [first]
        } else {
            (answer.candidates, answer.endsCandidates) = (candidates, true)
        }
        return answer
    }
}

/// What an offer tells of its side.
public struct RemoteTransport: Sendable, Hashable {
    public let credentials: ICECredentials
    public let fingerprints: [FingerprintAttribute]
    /// The remote side begins the handshake, so the server is the DTLS server: whenever the offer leaves the choice.
    public let isDTLSClient: Bool

    var answeredSetup: SetupRole { isDTLSClient ? .passive : .active }
}

/// What WHIP and WHEP demand of any offer: one DTLS-SRTP transport for all sections, RTCP with RTP, full ICE.
struct OfferTransport {
    let remote: RemoteTransport
    /// The places of the sections that may carry media.
    let sections: [Int]

    init(_ offer: WebRTCDescription) throws(NegotiationError) {
        if offer.isICELite {
            throw NegotiationError(
                .noICE, "The offer says a=ice-lite, as this server does: one of both has to check connectivity.")
        }
        sections = offer.media.indices.filter { offer.media[$0].isMedia && !offer.media[$0].isRejected }
        guard let first = sections.first else {
            throw NegotiationError(.noMedia, "The offer has no audio or video section (m= line) that is in use.")
        }
        try Self.checkBundle(offer, sections)
        for place in sections { try Self.check(offer.media[place]) }
        remote = try Self.remote(offer.transport(of: offer.media[Self.tagged(in: offer) ?? first]))
    }

    /// The section whose transport is that of its bundle (RFC 8843 §7.2).
    private static func tagged(in offer: WebRTCDescription) -> Int? {
        offer.bundle.first.flatMap { mid in offer.media.firstIndex { $0.mid == mid } }
    }

    private static func checkBundle(
        _ offer: WebRTCDescription, _ sections: [Int]
    ) throws(NegotiationError) {
        guard sections.count > 1 else { return }
        let bundle = Set(offer.bundle)
        for place in sections {
            guard let mid = offer.media[place].mid, bundle.contains(mid) else {
                throw NegotiationError(
                    .notBundled,
                    "Media section \(place + 1) isn't in the offer's BUNDLE group: all sections must share one transport."
                )
            }
        }
    }

    private static func check(_ section: MediaSection) throws(NegotiationError) {
        guard section.protocolName.uppercased().contains("TLS/RTP/SAVP") else {
            throw NegotiationError(
                .unsupportedProtocol,
                "The \(section.kind.text) section is offered as \(section.protocolName): only UDP/TLS/RTP/SAVPF (DTLS-SRTP) can be answered."
            )
        }
        guard section.multiplexesRTCP else {
            throw NegotiationError(
                .noRTCPMux, "The \(section.kind.text) section lacks a=rtcp-mux: RTCP must share the port of RTP.")
        }
    }

    private static let hashes: Set<String> = ["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"]

    private static func remote(_ told: TransportAttributes) throws(NegotiationError) -> RemoteTransport {
        guard let credentials = told.credentials else {
            throw NegotiationError(.noICE, "The offer has no a=ice-ufrag and a=ice-pwd.")
        }
        let fingerprints = told.fingerprints.filter { hashes.contains($0.algorithm) }
        guard !fingerprints.isEmpty else {
            throw NegotiationError(
                .noFingerprint,
                "The offer has no a=fingerprint of a known hash (\(hashes.sorted().joined(separator: ", "))).")
        }
        let isDTLSClient: Bool
        switch told.setup {
        case .actpass, .active: isDTLSClient = true
        case .passive: isDTLSClient = false
        case .holdconn, nil:
            throw NegotiationError(.badSetup, "The offer needs a=setup:actpass, active or passive.")
        }
        return RemoteTransport(credentials: credentials, fingerprints: fingerprints, isDTLSClient: isDTLSClient)
    }
}

extension MediaSection {
    var isMedia: Bool { kind == .audio || kind == .video }
}
