/// An `m=` line and its attributes. Codecs are put together at the end: writers that sort their lines tell a codec's
/// parameters before its name.
struct SectionReader {
    let line: SDPLine
    private var read: MediaSection
    private var ice = TransportReader()
    private var direction: MediaSection.Direction?
    private var codecs: [UInt8: MediaCodec] = [:]
    private var parameters: [UInt8: [FormatParameter]] = [:]
    private var feedback: [UInt8: [FeedbackAttribute]] = [:]
    /// `rtcp-fb:*`.
    private var feedbackOfAll: [FeedbackAttribute] = []
    private var sourcePlaces: [UInt32: Int] = [:]

    init(_ line: SDPLine) throws(SDPParseError) {
        self.line = line
        var words = SDPWords(line.value)
        guard let kind = words.next(), let ports = words.next(),
            let port: UInt16 = sdpNumber(sdpPieces(ports, separator: "/").first ?? ""), let name = words.next()
        else { throw line.error(.expected("<media> <port> <proto> <formats>")) }
        let formats = SDPWords.all(words.remainder)
        guard formats.count <= SDPLimits.formats else {
            throw line.error(.tooMany("formats", limit: SDPLimits.formats))
        }
        read = MediaSection(MediaSection.Kind(kind), port: port, protocolName: name, formats: formats)
    }

    mutating func read(_ line: SDPLine) throws(SDPParseError) {
        guard line.type == "a" else { return }
        if try ice.read(line) { return }
        let (name, value) = line.attribute
        switch name {
        case "mid":
            let words = SDPWords.all(value)
            guard words.count == 1 else { throw line.error(.expected("one word")) }
            read.mid = words[0]
        case "sendrecv", "sendonly", "recvonly", "inactive":
            direction = MediaSection.Direction(rawValue: String(name))
        case "rtpmap": try readCodec(line, value)
        case "fmtp":
            let (payloadType, rest) = try Self.payloadType(line, value)
            parameters[payloadType] = sdpPieces(rest, separator: ";").map(FormatParameter.init(parsing:))
        case "rtcp-fb": try readFeedback(line, value)
        case "extmap": try read.headerExtensions.append(ExtensionMapping(line), at: line, "header extensions")
        case "extmap-allow-mixed": read.allowsMixedExtensions = true
        case "rtcp-mux", "rtcp-mux-only": read.multiplexesRTCP = true
        case "rtcp-rsize": read.reducesRTCP = true
        case "bundle-only": read.isBundleOnly = true
        case "candidate": try read.candidates.append(CandidateAttribute(line), at: line, "candidates")
        case "end-of-candidates": read.endsCandidates = true
        default: try readStreams(line, name, value)
        }
    }

    // MARK: - Codecs

    private static func payloadType(
        _ line: SDPLine, _ value: Substring
    ) throws(SDPParseError) -> (UInt8, rest: String) {
        var words = SDPWords(value)
        guard let payloadType: UInt8 = words.number(), payloadType < 128 else {
            throw line.error(.expected("a payload type from 0 to 127"))
        }
        return (payloadType, words.remainder)
    }

    private mutating func readCodec(_ line: SDPLine, _ value: Substring) throws(SDPParseError) {
        let (payloadType, rest) = try Self.payloadType(line, value)
        let parts = sdpPieces(rest, separator: "/")
        guard parts.count >= 2, let clockRate: UInt32 = sdpNumber(parts[1]), clockRate > 0 else {
            throw line.error(.expected("<payload type> <name>/<clock rate>"))
        }
        guard codecs[payloadType] == nil else { throw line.error(.twice("payload type \(payloadType)")) }
        codecs[payloadType] = MediaCodec(
            payloadType: payloadType, name: parts[0], clockRate: Int(clockRate),
            channels: parts.count > 2 ? sdpNumber(parts[2]).flatMap { (count: UInt8) in Int(count) } : nil)
    }

    private mutating func readFeedback(_ line: SDPLine, _ value: Substring) throws(SDPParseError) {
        var words = SDPWords(value)
        let target = words.next() ?? ""
        guard let type = words.next() else {
            throw line.error(.expected("a payload type or *, and a kind of feedback"))
        }
        let attribute = FeedbackAttribute(type, words.remainder)
        if target == "*" {
            try feedbackOfAll.append(attribute, at: line, "kinds of feedback")
        } else {
            let (payloadType, _) = try Self.payloadType(line, value)
            try feedback[payloadType, default: []].append(attribute, at: line, "kinds of feedback")
        }
    }

    // MARK: - Streams and data channels

    private mutating func readStreams(
        _ line: SDPLine, _ name: Substring, _ value: Substring
    ) throws(SDPParseError) {
        switch name {
        case "ssrc": try readSource(line, value)
        case "ssrc-group":
            var words = SDPWords(value)
            guard let semantics = words.next() else { throw line.error(.expected("a word and SSRCs")) }
            var ssrcs: [UInt32] = []
            while let word = words.next() {
                guard let ssrc: UInt32 = sdpNumber(word) else { throw line.error(.expected("a word and SSRCs")) }
                ssrcs.append(ssrc)
            }
            try read.sourceGroups.append(SourceGroup(semantics, ssrcs), at: line, "SSRC groups")
        case "rid":
            var words = SDPWords(value)
            guard let id = words.next(), let direction = words.next().flatMap(RIDDescription.Direction.init(rawValue:))
            else { throw line.error(.expected("<rid> send or <rid> recv")) }
            let rest = sdpPieces(words.remainder, separator: ";").map(FormatParameter.init(parsing:))
            try read.rids.append(RIDDescription(id, direction, restrictions: rest), at: line, "rids")
        case "simulcast": read.simulcast = try SimulcastDescription(line, value)
        case "msid":
            var words = SDPWords(value)
            guard let stream = words.next() else { throw line.error(.expected("<stream> <track>")) }
            try read.msids.append(MediaStreamID(stream: stream, track: words.next()), at: line, "streams")
        case "sctp-port":
            guard let port: UInt16 = sdpNumber(value) else { throw line.error(.expected("a port")) }
            read.sctpPort = port
        case "max-message-size":
            guard let size: UInt32 = sdpNumber(value) else { throw line.error(.expected("a number of bytes")) }
            read.maxMessageSize = Int(size)
        default: break
        }
    }

    private mutating func readSource(_ line: SDPLine, _ value: Substring) throws(SDPParseError) {
        var words = SDPWords(value)
        guard let ssrc: UInt32 = words.number() else { throw line.error(.expected("<SSRC> <attribute>")) }
        let place = sourcePlaces[ssrc] ?? read.sources.count
        if place == read.sources.count {
            try read.sources.append(MediaSource(ssrc: ssrc), at: line, "SSRCs")
            sourcePlaces[ssrc] = place
        }
        let attribute = words.remainder
        if attribute.hasPrefix("cname:") { read.sources[place].cname = String(attribute.dropFirst(6)) }
    }

    // MARK: - The whole

    func section(in session: SessionReader) -> MediaSection {
        var section = read
        section.transport = ice.attributes
        section.direction = direction ?? (section.kind.isRTP ? session.direction : nil) ?? .sendrecv
        section.allowsMixedExtensions = section.allowsMixedExtensions || session.description.allowsMixedExtensions
        guard section.kind.isRTP else { return section }
        for inherited in session.headerExtensions
        where !section.headerExtensions.contains(where: { $0.id == inherited.id }) {
            section.headerExtensions.append(inherited)
        }
        var told: Set<UInt8> = []
        for format in section.formats {
            guard let payloadType: UInt8 = sdpNumber(format), told.insert(payloadType).inserted,
                var codec = codecs[payloadType] ?? MediaCodec(fixed: payloadType)
            else { continue }
            codec.parameters = parameters[payloadType] ?? []
            codec.feedback = feedbackOfAll + (feedback[payloadType] ?? [])
            section.codecs.append(codec)
        }
        return section
    }
}

extension MediaSection.Kind {
    init(_ text: String) {
        switch text {
        case "audio": self = .audio
        case "video": self = .video
        case "application": self = .application
        default: self = .other(text)
        }
    }

    var isRTP: Bool { self == .audio || self == .video }
}

extension MediaCodec {
    /// Those payload types that mean something without a rtpmap line (RFC 3551 §6) and are still seen.
    fileprivate init?(fixed payloadType: UInt8) {
        switch payloadType {
        case 0: self.init(payloadType: 0, name: "PCMU", clockRate: 8000)
        case 8: self.init(payloadType: 8, name: "PCMA", clockRate: 8000)
        case 9: self.init(payloadType: 9, name: "G722", clockRate: 8000)
        case 13: self.init(payloadType: 13, name: "CN", clockRate: 8000)
        default: return nil
        }
    }
}

extension SimulcastDescription {
    fileprivate init(_ line: SDPLine, _ value: Substring) throws(SDPParseError) {
        self.init()
        var words = SDPWords(value)
        while let direction = words.next() {
            guard var list = words.next() else { throw line.error(.expected("send or recv, and rids")) }
            // Drafts of the RFC.
            if list.hasPrefix("rid=") { list.removeFirst(4) }
            let streams = sdpPieces(list, separator: ";").map { alternatives in
                sdpPieces(alternatives, separator: ",").map { rid in
                    rid.hasPrefix("~") ? Stream(String(rid.dropFirst()), isPaused: true) : Stream(rid)
                }
            }
            guard streams.count <= SDPLimits.formats else {
                throw line.error(.tooMany("streams", limit: SDPLimits.formats))
            }
            switch direction {
            case "send": send = streams.filter { !$0.isEmpty }
            case "recv": receive = streams.filter { !$0.isEmpty }
            default: throw line.error(.expected("send or recv, and rids"))
            }
        }
    }
}
