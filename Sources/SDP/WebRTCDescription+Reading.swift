extension WebRTCDescription {
    /// Reads an offer or an answer, leniently: line ends may be LF, attributes may come in any order, unknown lines and
    /// attributes are passed over. What is known must be well formed.
    /// - Throws: also for what is larger than any browser writes (64 KB, 64 sections, 64 formats in one).
    public init(parsing text: String) throws(SDPParseError) {
        var lines = try SDPLines(text)
        guard let first = try lines.next(), first.type == "v", first.value == "0" else {
            throw SDPParseError(line: 1, text: text.prefix { $0 != "\n" && $0 != "\r\n" }, .noVersion)
        }
        var session = SessionReader()
        var sections: [SectionReader] = []
        while let line = try lines.next() {
            if line.type == "m" {
                guard sections.count < SDPLimits.sections else {
                    throw line.error(.tooMany("media sections", limit: SDPLimits.sections))
                }
                sections.append(try SectionReader(line))
            } else if sections.isEmpty {
                try session.read(line)
            } else {
                try sections[sections.count - 1].read(line)
            }
        }
        self = session.description
        media = sections.map { $0.section(in: session) }
        var mids: Set<String> = []
        for (section, reader) in zip(media, sections) {
            if let mid = section.mid, !mids.insert(mid).inserted {
                throw reader.line.error(.twice("the mid \"\(mid)\""))
            }
        }
    }

    /// The same from a request's body; what isn't UTF-8 is replaced.
    public init(parsing bytes: [UInt8]) throws(SDPParseError) {
        guard bytes.count <= SDPLimits.bytes else {
            throw SDPParseError(line: 0, text: "", .tooLong(bytes: bytes.count, limit: SDPLimits.bytes))
        }
        try self.init(parsing: String(decoding: bytes, as: UTF8.self))
    }
}

/// The lines before the first `m=`.
struct SessionReader {
    var description = WebRTCDescription(sessionID: 0, sessionVersion: 0)
    /// What sections inherit.
    private(set) var direction: MediaSection.Direction?
    private(set) var headerExtensions: [ExtensionMapping] = []
    private var ice = TransportReader()
    /// Of a fragment (RFC 8840 §9), which may have them before its sections.
    private(set) var candidates: [CandidateAttribute] = []
    private(set) var endsCandidates = false

    mutating func read(_ line: SDPLine) throws(SDPParseError) {
        switch line.type {
        case "o":
            // <user> <session> <version> <network type> <address type> <address>; nothing depends on it.
            let words = SDPWords.all(line.value)
            guard words.count >= 6 else { throw line.error(.expected("six words")) }
            description.sessionID = sdpNumber(words[1]) ?? 0
            description.sessionVersion = sdpNumber(words[2]) ?? 0
        case "s": description.name = line.value == "-" ? "" : String(line.value)
        case "a": try readAttribute(line)
        default: break
        }
    }

    private mutating func readAttribute(_ line: SDPLine) throws(SDPParseError) {
        let (name, value) = line.attribute
        if try ice.read(line) {
            description.transport = ice.attributes
            return
        }
        switch name {
        case "ice-lite": description.isICELite = true
        case "extmap-allow-mixed": description.allowsMixedExtensions = true
        case "msid-semantic":
            let words = SDPWords.all(value)
            description.msidSemantic = words.joined(separator: " ")
        case "group":
            let words = SDPWords.all(value)
            guard let semantics = words.first, description.groups.count < SDPLimits.sections else {
                throw line.error(.expected("a word and mids, in at most \(SDPLimits.sections) groups"))
            }
            description.groups.append(
                MediaGroup(MediaGroup.Semantics(rawValue: semantics), mids: Array(words.dropFirst())))
        case "extmap": try headerExtensions.append(ExtensionMapping(line), at: line, "header extensions")
        case "candidate": try candidates.append(CandidateAttribute(line), at: line, "candidates")
        case "end-of-candidates": endsCandidates = true
        case "sendrecv", "sendonly", "recvonly", "inactive":
            direction = MediaSection.Direction(rawValue: String(name))
        default: break
        }
    }
}

/// The attributes of ICE and DTLS, which a session has as well as a section.
struct TransportReader {
    private(set) var attributes = TransportAttributes()
    private var usernameFragment: String?
    private var password: String?

    /// - Returns: False: another attribute.
    mutating func read(_ line: SDPLine) throws(SDPParseError) -> Bool {
        let (name, value) = line.attribute
        switch name {
        case "ice-ufrag": usernameFragment = try Self.iceText(line, value, 4...256)
        case "ice-pwd": password = try Self.iceText(line, value, 22...256)
        case "ice-options": attributes.iceOptions = SDPWords.all(value)
        case "fingerprint":
            try attributes.fingerprints.append(FingerprintAttribute(line, value), at: line, "fingerprints")
        case "setup":
            guard let setup = SetupRole(rawValue: value.lowercased()) else {
                throw line.error(.expected("active, passive, actpass or holdconn"))
            }
            attributes.setup = setup
        default: return false
        }
        if let usernameFragment, let password {
            attributes.credentials = ICECredentials(usernameFragment: usernameFragment, password: password)
        }
        return true
    }

    /// RFC 8839 §5.4: letters, digits, + and /. Some writers use more of what a token may have, so any of that is read.
    private static func iceText(
        _ line: SDPLine, _ value: Substring, _ lengths: ClosedRange<Int>
    ) throws(SDPParseError) -> String {
        guard lengths.contains(value.utf8.count), value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw line.error(.expected("\(lengths.lowerBound) to \(lengths.upperBound) characters without a space"))
        }
        return String(value)
    }
}

extension Array {
    /// Up to the limit for one kind of attribute.
    mutating func append(_ element: Element, at line: SDPLine, _ what: String) throws(SDPParseError) {
        guard count < SDPLimits.attributes else {
            throw line.error(.tooMany(what, limit: SDPLimits.attributes))
        }
        append(element)
    }
}

extension FingerprintAttribute {
    fileprivate init(_ line: SDPLine, _ value: Substring) throws(SDPParseError) {
        let words = SDPWords.all(value)
        let bytes = words.count == 2 ? words[1].utf8.split(separator: 0x3A, omittingEmptySubsequences: false) : []
        let isHex = bytes.allSatisfy { byte in
            byte.count == 2 && UInt8(String(Substring(byte)), radix: 16) != nil && byte.first != 0x2B
        }
        guard (1...64).contains(bytes.count), isHex else {
            throw line.error(.expected("an algorithm and bytes in hex with colons between"))
        }
        self.init(algorithm: words[0].lowercased(), value: words[1].uppercased())
    }
}

extension CandidateAttribute {
    init(_ line: SDPLine) throws(SDPParseError) {
        guard let candidate = CandidateAttribute(parsing: line.attribute.value) else {
            throw line.error(
                .expected("<foundation> <component> <transport> <priority> <address> <port> typ <type> …"))
        }
        self = candidate
    }
}

extension ExtensionMapping {
    init(_ line: SDPLine) throws(SDPParseError) {
        var words = SDPWords(line.attribute.value)
        let head = sdpPieces(words.next() ?? "", separator: "/")
        guard let id: Int = head.first.flatMap({ sdpNumber($0) }), (1...255).contains(id), let uri = words.next() else {
            throw line.error(.expected("an id from 1 to 255 and a URI"))
        }
        var direction: MediaSection.Direction?
        if head.count > 1 {
            direction = MediaSection.Direction(rawValue: head[1])
            guard direction != nil else { throw line.error(.expected("a direction behind the slash")) }
        }
        self.init(id: id, direction: direction, uri: uri)
    }
}
