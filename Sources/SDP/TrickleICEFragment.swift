/// `application/trickle-ice-sdpfrag` (RFC 8840 §9): candidates that come after the offer, and ICE restarts.
///
///     a=ice-ufrag:EsAw
///     a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
///     m=audio 9 RTP/AVP 0
///     a=mid:0
///     a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host
///     a=end-of-candidates
public struct TrickleICEFragment: Sendable, Hashable {
    public var transport: TransportAttributes
    public var isICELite: Bool
    public var groups: [MediaGroup]
    /// Before any section: of all of them.
    public var candidates: [CandidateAttribute]
    public var endsCandidates: Bool
    /// Only what concerns ICE of each is written: mid, credentials and candidates.
    public var media: [MediaSection]

    public init(
        transport: TransportAttributes = TransportAttributes(), isICELite: Bool = false, groups: [MediaGroup] = [],
        candidates: [CandidateAttribute] = [], endsCandidates: Bool = false, media: [MediaSection] = []
    ) {
        self.transport = transport
        self.isICELite = isICELite
        self.groups = groups
        self.candidates = candidates
        self.endsCandidates = endsCandidates
        self.media = media
    }

    /// The credentials that the candidates belong to, wherever they stand: others than before mean a restart of ICE.
    public var credentials: ICECredentials? {
        transport.credentials ?? media.lazy.compactMap(\.transport.credentials).first
    }

    /// - Throws: as `WebRTCDescription(parsing:)`. A whole description is none: it would begin with `v=`.
    public init(parsing text: String) throws(SDPParseError) {
        var lines = try SDPLines(text)
        var session = SessionReader()
        var sections: [SectionReader] = []
        while let line = try lines.next() {
            switch line.type {
            case "m":
                guard sections.count < SDPLimits.sections else {
                    throw line.error(.tooMany("media sections", limit: SDPLimits.sections))
                }
                sections.append(try SectionReader(line))
            case "a":
                if sections.isEmpty {
                    try session.read(line)
                } else {
                    try sections[sections.count - 1].read(line)
                }
            default: throw line.error(.expected("an m= or a= line, as fragments have"))
            }
        }
        let read = session.description
        self.init(
            transport: read.transport, isICELite: read.isICELite, groups: read.groups, candidates: session.candidates,
            endsCandidates: session.endsCandidates, media: sections.map { $0.section(in: session) })
    }

    /// With CR LF line ends.
    public var text: String {
        var lines = SDPWriter()
        for group in groups {
            lines.add("a=group:\(([group.semantics.rawValue] + group.mids).joined(separator: " "))")
        }
        if isICELite { lines.add("a=ice-lite") }
        lines.add(transport)
        lines.addCandidates(candidates, end: endsCandidates)
        for section in media {
            lines.addHead(of: section)
            if let mid = section.mid { lines.add("a=mid:\(mid)") }
            lines.add(section.transport)
            lines.addCandidates(section.candidates, end: section.endsCandidates)
        }
        return lines.text
    }
}
