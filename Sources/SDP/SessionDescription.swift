import Base

/// A session description (RFC 8866) by which a player receives plain RTP streams: what `ffplay` and GStreamer open.
///
///     v=0
///     o=- 1 1 IN IP4 127.0.0.1
///     s=demo
///     t=0 0
///     m=video 5004 RTP/AVP 101        one block a stream
///     c=IN IP4 127.0.0.1
///     a=rtpmap:101 VP8/90000
///     a=rtcp-mux
///     a=ssrc:1234 cname:ladle
///
/// Texts may come from strangers (room names, CNAMEs): control characters in them, line ends above all, never get
/// into the result, so that no text can add a line.
public struct SessionDescription: Sendable, Hashable {
    /// Shown by players.
    public var name: String
    /// Tells sessions and their versions apart (o=).
    public var sessionID: UInt64
    public var sessionVersion: UInt64
    public var media: [MediaDescription]

    public init(name: String, sessionID: UInt64 = 1, sessionVersion: UInt64 = 1, media: [MediaDescription]) {
        self.name = name
        self.sessionID = sessionID
        self.sessionVersion = sessionVersion
        self.media = media
    }

    /// The description with CR LF line ends (RFC 8866 §5), in the RFC's order of lines.
    public var text: String {
        let origin = media.first?.destination.connection ?? "IN IP4 127.0.0.1"
        // An empty name is not allowed; a single "-" stands for none (RFC 8866 §5.3).
        let name = Self.harmless(name)
        var lines = [
            "v=0", "o=- \(sessionID) \(sessionVersion) \(origin)", "s=\(name.isEmpty ? "-" : name)", "t=0 0",
        ]
        for one in media { lines += one.lines }
        return lines.map { $0 + "\r\n" }.joined()
    }

    /// Without control characters (C0, DEL, C1) and the line separators of Unicode.
    static func harmless(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029: continue
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// What RFC 8866 §9 allows in a token; anything else is left out.
    static func token(_ text: String) -> String {
        let allowed = text.utf8.filter { byte in
            switch byte {
            case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x30...0x39, 0x41...0x5A, 0x5E...0x7E: true
            default: false
            }
        }
        return String(decoding: allowed, as: UTF8.self)
    }
}

extension SocketAddress {
    /// The network type, address type and address of a c= or o= line.
    fileprivate var connection: String { "IN \(isIPv4 ? "IP4" : "IP6") \(ip)" }
}

/// One RTP stream of a session description.
public struct MediaDescription: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable {
        case audio
        case video
    }

    public enum RTCP: Sendable, Hashable {
        /// On the RTP port (RFC 5761).
        case multiplexed
        /// On its own port (RFC 3605).
        case port(UInt16)
    }

    public struct Parameter: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public var kind: Kind
    /// Where the stream is sent to: the player listens there.
    public var destination: SocketAddress
    public var rtcp: RTCP
    /// 0…127.
    public var payloadType: UInt8
    /// The codec's name without the kind: `VP8`, `opus`.
    public var encodingName: String
    public var clockRate: Int
    /// Written for audio only; 1 is left out.
    public var channels: Int
    /// fmtp, in this order.
    public var parameters: [Parameter]
    public var ssrc: UInt32?
    /// Written with `ssrc` only.
    public var cname: String?

    public init(
        kind: Kind, destination: SocketAddress, rtcp: RTCP, payloadType: UInt8, encodingName: String, clockRate: Int,
        channels: Int = 1, parameters: [Parameter] = [], ssrc: UInt32? = nil, cname: String? = nil
    ) {
        self.kind = kind
        self.destination = destination
        self.rtcp = rtcp
        self.payloadType = payloadType
        self.encodingName = encodingName
        self.clockRate = clockRate
        self.channels = channels
        self.parameters = parameters
        self.ssrc = ssrc
        self.cname = cname
    }

    var lines: [String] {
        let channels = kind == .audio && channels > 1 ? "/\(channels)" : ""
        var lines = [
            "m=\(kind.rawValue) \(destination.port) RTP/AVP \(payloadType)",
            "c=\(destination.connection)",
            "a=rtpmap:\(payloadType) \(SessionDescription.token(encodingName))/\(clockRate)\(channels)",
        ]
        let formats = parameters.compactMap { parameter -> String? in
            let name = SessionDescription.token(parameter.name)
            // A semicolon would begin another parameter.
            let value = SessionDescription.harmless(parameter.value).filter { $0 != ";" }
            return name.isEmpty ? nil : "\(name)=\(value)"
        }
        if !formats.isEmpty { lines.append("a=fmtp:\(payloadType) \(formats.joined(separator: ";"))") }
        switch rtcp {
        case .multiplexed: lines.append("a=rtcp-mux")
        case .port(let port): lines.append("a=rtcp:\(port)")
        }
        if let ssrc, let cname {
            lines.append("a=ssrc:\(ssrc) cname:\(SessionDescription.harmless(cname))")
        }
        return lines
    }
}
