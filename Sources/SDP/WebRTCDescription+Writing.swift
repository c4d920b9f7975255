extension WebRTCDescription {
    /// With CR LF line ends. No text in it can add a line: control characters are left out.
    public var text: String {
        var lines = SDPWriter()
        lines.add("v=0")
        lines.add("o=- \(sessionID) \(sessionVersion) IN IP4 127.0.0.1")
        lines.add("s=\(name.isEmpty ? "-" : name)")
        lines.add("t=0 0")
        for group in groups {
            lines.add("a=group:\(([group.semantics.rawValue] + group.mids).joined(separator: " "))")
        }
        if isICELite { lines.add("a=ice-lite") }
        if allowsMixedExtensions { lines.add("a=extmap-allow-mixed") }
        if let msidSemantic { lines.add("a=msid-semantic: \(msidSemantic)") }
        lines.add(transport)
        for section in media { lines.add(section, mixing: allowsMixedExtensions) }
        return lines.text
    }
}

struct SDPWriter {
    private(set) var text = ""

    mutating func add(_ line: String) {
        text += SessionDescription.harmless(line)
        text += "\r\n"
    }

    mutating func add(_ transport: TransportAttributes) {
        if let credentials = transport.credentials {
            add("a=ice-ufrag:\(credentials.usernameFragment)")
            add("a=ice-pwd:\(credentials.password)")
        }
        if !transport.iceOptions.isEmpty { add("a=ice-options:\(transport.iceOptions.joined(separator: " "))") }
        for one in transport.fingerprints { add("a=fingerprint:\(one.algorithm) \(one.value)") }
        if let setup = transport.setup { add("a=setup:\(setup.rawValue)") }
    }

    mutating func addCandidates(_ candidates: [CandidateAttribute], end: Bool) {
        for candidate in candidates { add("a=candidate:\(candidate.text)") }
        if end { add("a=end-of-candidates") }
    }

    mutating func addHead(of section: MediaSection) {
        let formats = ([""] + section.formats).joined(separator: " ")
        add("m=\(section.kind.text) \(section.port) \(section.protocolName)\(formats)")
    }

    mutating func add(_ section: MediaSection, mixing: Bool) {
        addHead(of: section)
        add("c=IN IP4 0.0.0.0")
        if let mid = section.mid { add("a=mid:\(mid)") }
        if section.isBundleOnly { add("a=bundle-only") }
        if section.kind != .application { add("a=\(section.direction.rawValue)") }
        add(section.transport)
        if section.multiplexesRTCP { add("a=rtcp-mux") }
        if section.reducesRTCP { add("a=rtcp-rsize") }
        if section.allowsMixedExtensions, !mixing { add("a=extmap-allow-mixed") }
        for one in section.headerExtensions {
            add("a=extmap:\(one.id)\(one.direction.map { "/\($0.rawValue)" } ?? "") \(one.uri)")
        }
        for codec in section.codecs { add(codec) }
        addStreams(of: section)
        if let port = section.sctpPort { add("a=sctp-port:\(port)") }
        if let size = section.maxMessageSize { add("a=max-message-size:\(size)") }
        addCandidates(section.candidates, end: section.endsCandidates)
    }

    private mutating func add(_ codec: MediaCodec) {
        let channels = codec.channels.map { "/\($0)" } ?? ""
        add("a=rtpmap:\(codec.payloadType) \(codec.name)/\(codec.clockRate)\(channels)")
        for one in codec.feedback {
            let parameter = one.parameter.isEmpty ? "" : " \(one.parameter)"
            add("a=rtcp-fb:\(codec.payloadType) \(one.type)\(parameter)")
        }
        if !codec.parameters.isEmpty {
            add("a=fmtp:\(codec.payloadType) \(codec.parameters.map(\.text).joined(separator: ";"))")
        }
    }

    private mutating func addStreams(of section: MediaSection) {
        for one in section.msids { add("a=msid:\(one.stream)\(one.track.map { " \($0)" } ?? "")") }
        for group in section.sourceGroups {
            add("a=ssrc-group:\(([group.semantics] + group.ssrcs.map { "\($0)" }).joined(separator: " "))")
        }
        for source in section.sources {
            // An SSRC alone is no attribute (RFC 5576 §4.1): Chromium refuses the whole description.
            if let cname = source.cname, !cname.isEmpty { add("a=ssrc:\(source.ssrc) cname:\(cname)") }
        }
        for rid in section.rids {
            let restrictions = rid.restrictions.map(\.text).joined(separator: ";")
            add("a=rid:\(rid.id) \(rid.direction.rawValue)\(restrictions.isEmpty ? "" : " \(restrictions)")")
        }
        guard let simulcast = section.simulcast else { return }
        let words = [("send", simulcast.send), ("recv", simulcast.receive)].filter { !$0.1.isEmpty }.map {
            "\($0.0) \($0.1.map(Self.alternatives).joined(separator: ";"))"
        }
        if !words.isEmpty { add("a=simulcast:\(words.joined(separator: " "))") }
    }

    private static func alternatives(_ streams: [SimulcastDescription.Stream]) -> String {
        streams.map { ($0.isPaused ? "~" : "") + $0.rid }.joined(separator: ",")
    }
}
