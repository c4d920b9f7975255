import Glibc
import LibAV
import PipelineControl

/// Why a network source can't be opened or brings nothing more, for people: what is wrong, and what to do next.
///
/// libav's codes say too little alone ("input/output error"), so its complaints are read too.
struct SourceTrouble {
    let address: SourceAddress
    /// libav's latest complaints, cleaned.
    let complaints: [String]

    init(_ address: SourceAddress, complaints: [String]) {
        self.address = address
        self.complaints = complaints
    }

    /// - Parameters:
    ///   - error: of opening or reading.
    ///   - isOverdue: it took longer than it was allowed to.
    ///   - patience: what was allowed.
    func opening(_ error: LibAVError, isOverdue: Bool, patience: Duration) -> PipelineFailure {
        let cause = isOverdue ? "does not answer: nothing came within \(Self.seconds(patience))" : cause(of: error)
        return PipelineFailure(code: .cannotOpen, message: "\(address) \(cause)".asOneLine)
    }

    /// One clause about what ended a source that was open.
    func reading(_ error: LibAVError, isOverdue: Bool, patience: Duration) -> String {
        if isOverdue { return "\(address): no media for \(Self.seconds(patience))" }
        // In the middle, a connection that breaks says nothing of what can't be opened.
        if error.systemError == EIO, complaints.isEmpty { return "\(address): the connection broke" }
        return "\(address): \(cause(of: error))".asOneLine
    }

    private func cause(of error: LibAVError) -> String {
        if let clause = clauseOfAnswer(error) { return clause }
        if let line = complaint("Failed to resolve hostname") {
            let host = line.split(separator: " ").drop { $0 != "hostname" }.dropFirst().first?.dropLast() ?? "the host"
            return "can't be reached: the host \(host) was not found; check its name"
        }
        if complaint("not on whitelist") != nil { return refused() }
        if complaint("allowed_segment_extensions") != nil { return "lists something that a playlist may not name" }
        if complaint("RTMP handshake") != nil { return "does not speak RTMP there" }
        if let line = complaint("[tls @") ?? complaint("[https @") ?? complaint("certificate") {
            return "can't be reached safely: TLS failed (\(words(of: line))); is its certificate valid here?"
        }
        if address.scheme == .srt, let clause = srt(error) { return clause }
        return system(error) ?? "can't be opened: \(error.cause)"
    }

    private func clauseOfAnswer(_ error: LibAVError) -> String? {
        switch error.answer {
        case .unauthorized:
            return address.user != nil
                ? "refused the user name or password"
                : "wants a user name and password: \(address.scheme.rawValue)://user:password@…, or --credentials-file"
        case .forbidden: return "refused: this user may not see it (403)"
        case .notFound: return "is not there: the server knows no such path (404)"
        case .badRequest: return "was refused: the server does not understand the request (400)"
        // Nothing was set up, since nothing there is picture or sound; the server then knows no session (RTSP).
        case .otherRefusal where status.contains("454"):
            return "has no track that can be played: no picture and no sound"
        case .otherRefusal: return "was refused by the server\(status)"
        case .serverError: return "failed in the server\(status); its own log says why"
        case nil: return nil
        }
    }

    /// ": 503 Service Unavailable", as the server said.
    private var status: String {
        for line in complaints.reversed() {
            if let found = line.firstRange(of: /[45][0-9][0-9] [A-Za-z ]+/) { return ": \(line[found])" }
            if let found = line.firstRange(of: /HTTP error [45][0-9][0-9]/) { return ": \(line[found])" }
        }
        return ""
    }

    private func refused() -> String {
        if let line = complaint("Protocol '") {
            let name = line.split(separator: "'").dropFirst().first ?? "another protocol"
            if address.scheme == .http, ["tls", "https"].contains(name) {
                return "leads to an https address, which an http one may not: use https://"
            }
            return "asks for the protocol \(name), which is not allowed for \(address.scheme.rawValue) sources"
        }
        return "is of a format that is not played from \(address.scheme.rawValue) sources"
    }

    private func srt(_ error: LibAVError) -> String? {
        guard let line = complaints.last(where: { $0.contains("[srt @") }) else { return nil }
        let text = line.lowercased()
        if text.contains("secret") || text.contains("password") || text.contains("passphrase") {
            return "refused the passphrase, or wants one: srt://…?passphrase=… (10 to 64 characters)"
        }
        if text.contains("timed out") || text.contains("timeout") || text.contains("rejected") {
            return "can't be reached: no srt listener answers there"
        }
        return "can't be reached: \(words(of: line))"
    }

    private func system(_ error: LibAVError) -> String? {
        switch error.systemError {
        case ECONNREFUSED: "can't be reached: connection refused; nothing listens there"
        case ETIMEDOUT: "can't be reached: timed out"
        case EHOSTUNREACH, ENETUNREACH: "can't be reached: no route to the host"
        case ECONNRESET, EPIPE: "closed the connection"
        case EADDRINUSE: "can't be listened on: another program uses this port"
        case EADDRNOTAVAIL: "can't be listened on: no interface of this machine has this address"
        case EACCES: "can't be listened on: ports below 1024 need a privilege"
        case EIO: complaints.last.map { "can't be read: \(words(of: $0))" } ?? "can't be read: the connection broke"
        default:
            error.isEnd
                ? "brought nothing: the connection was closed at once"
                : error.isNoMedia ? "is no media that can be played" : nil
        }
    }

    private func complaint(_ part: String) -> String? { complaints.last { $0.contains(part) } }

    /// Without libav's "[tcp @ 0x55d0c0a4] ".
    private func words(of line: String) -> String {
        guard line.hasPrefix("["), let end = line.firstIndex(of: "]") else { return line }
        return line[line.index(after: end)...].drop { $0 == " " }.prefix(200).description
    }

    static func seconds(_ time: Duration) -> String {
        let seconds = time.seconds
        return seconds == seconds.rounded() ? "\(Int(seconds)) s" : "\((seconds * 10).rounded() / 10) s"
    }
}

extension String {
    fileprivate var asOneLine: String { String(map { $0.isNewline ? " " : $0 }) }
}
