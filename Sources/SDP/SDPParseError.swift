/// Why a description could not be read: which line, what stands there, and what is wrong with it.
public struct SDPParseError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Fault: Sendable, Hashable {
        /// The whole text, in bytes.
        case tooLong(bytes: Int, limit: Int)
        /// Descriptions begin with `v=0`; fragments (RFC 8840) don't.
        case noVersion
        /// A line is a letter, an equals sign and a value.
        case noLine
        case tooMany(String, limit: Int)
        case expected(String)
        case twice(String)
    }

    /// Counted from 1; 0: the text as a whole.
    public let line: Int
    /// The line without control characters, cut after 80.
    public let text: String
    public let fault: Fault

    public init(line: Int, text: some StringProtocol, _ fault: Fault) {
        self.line = line
        let shown = SessionDescription.harmless(String(text.prefix(80)))
        self.text = shown.utf8.count < text.utf8.count ? shown + "…" : shown
        self.fault = fault
    }

    public var description: String {
        line == 0 ? "SDP: \(cause)" : "SDP line \(line) \"\(text)\": \(cause)"
    }

    private var cause: String {
        switch fault {
        case .tooLong(let bytes, let limit): "\(bytes) bytes are more than the \(limit) that are read"
        case .noVersion: "a description begins with v=0"
        case .noLine: "not of the form <letter>=<value>"
        case .tooMany(let what, let limit): "more than \(limit) \(what)"
        case .expected(let what): "expected \(what)"
        case .twice(let what): "\(what) is there twice"
        }
    }
}
