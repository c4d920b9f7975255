import PipelineControl

/// A user and a password for a source, kept out of command lines: the text of a file, "user:password".
public struct SourceCredentials: Sendable {
    private let user: String
    private let password: String

    /// Why they can't be used; one line without secrets.
    public struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String
    }

    /// - Parameter text: Its first line counts; the password may have colons in it.
    public init(_ text: String) throws(Refusal) {
        let line = text.split(whereSeparator: \.isNewline).first ?? ""
        guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else {
            throw Refusal(description: "the credentials are not written as user:password")
        }
        user = String(line[..<colon])
        password = String(line[line.index(after: colon)...])
    }

    /// The address with both in it, escaped (RFC 3986 §3.2.1).
    public func added(to address: String) throws(Refusal) -> String {
        guard let scheme = (try? SourceAddress(address))?.scheme, let end = address.firstRange(of: "://")?.upperBound
        else { throw Refusal(description: "credentials are for addresses of a network") }
        switch scheme {
        case .srt:
            throw Refusal(description: "srt has no users; its passphrase stands in the address, ?passphrase=…")
        case .udp, .v4l2, .alsa:
            throw Refusal(description: "sources of the scheme \"\(scheme.rawValue)\" take no user and password")
        case .http, .https, .rtsp, .rtsps, .rtmp, .rtmps: break
        }
        guard !address[end...].prefix(while: { !"/?#".contains($0) }).contains("@") else {
            throw Refusal(description: "the address names a user already; the credentials would be second ones")
        }
        return "\(address[..<end])\(Self.escaped(user)):\(Self.escaped(password))@\(address[end...])"
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                return String(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                return hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }.joined()
    }
}
