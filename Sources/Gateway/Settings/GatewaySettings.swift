import Base
import Control
import Glibc
import ORTC
import SRTP
import Signaling

/// Everything that a gateway can be told before it starts. Which key of the file, variable or flag sets what stands in
/// `SettingsKey.all`; a value made here has the defaults.
public struct GatewaySettings: Sendable, Hashable {
    /// Where HTTP is served; a literal address.
    public var listenIP = "127.0.0.1"
    public var listenPort: UInt16 = 4443
    /// Further names by which clients may call this gateway (the Host header).
    public var hosts: [String] = []
    /// Web origins whose pages may use this gateway.
    public var origins: [String] = []
    /// Where `token` comes from.
    public var tokenFile: String?
    /// What `Authorization: Bearer` must say; nil: nobody is asked.
    public var token: String?
    /// Serve other machines without a token.
    public var noAuth = false
    /// The certificate for HTTPS, and its key (nil: in the same file); without one it is HTTP. `resolvePaths` makes them
    /// absolute.
    public var tlsCertificate: String?
    public var tlsKey: String?
    /// HTTPS with a certificate that is made here and kept in `stateFolder`.
    public var tlsSelfSigned = false
    /// Where that is kept which outlives a run; absolute. Nil: nowhere.
    public var stateFolder: String?

    /// Where RTP is sent to and from; a literal address.
    public var rtpIP = "127.0.0.1"
    /// What clients are told instead of `rtpIP`, behind a NAT.
    public var announcedAddress: String?
    public var rtpPorts: ClosedRange<UInt16> = 40_000...49_999
    /// How long a port rests before it belongs to another transport.
    public var portQuarantine: Duration = .seconds(5)
    /// Threads that forward media; nil: one per core.
    public var mediaWorkers: Int?
    /// Under load packets are held for up to 1 ms, so that runs of them leave together.
    public var coalescing = true
    /// Of all WebRTC transports of the first worker, UDP and TCP; the n-th worker has the n-th port behind it. 0: the
    /// system chooses. Nil: each transport has a UDP port of its own among `rtpPorts`.
    public var webRTCPort: UInt16? = 44_444
    /// Where WebRTC transports are reached; literal addresses. Empty: at `rtpIP`.
    public var webRTCAddresses: [String] = []
    /// What clients are told instead, one for each address. Empty: the addresses themselves, or what they are told of RTP.
    public var webRTCAnnouncedAddresses: [String] = []
    /// The certificate for DTLS, and its key (nil: in the same file). Without one it is made at the start.
    /// `resolvePaths` makes them absolute.
    public var webRTCCertificate: String?
    public var webRTCKey: String?
    /// STUN and TURN servers that WHIP and WHEP clients are told of.
    public var iceServers: [ICEServer] = []
    /// Who encrypts and decrypts SRTP.
    public var srtpBackend = SRTPBackend.openssl
    /// What routers can carry; the order is that of preference.
    public var codecs = RouterCodecs.standard

    /// Files are opened only below these. `resolvePaths` makes them absolute.
    public var mediaFolders = ["."]
    /// Made when it does not exist. `resolvePaths` makes it absolute.
    public var recordingsFolder = "recordings"
    /// An empty room closes after this; zero: never.
    public var idleRoom: Duration = .seconds(60)
    /// What goes into rooms as soon as the gateway runs, for as long as it runs.
    public var sources: [StandingSource] = []
    /// How many ingests and recordings may run at once.
    public var pipelineLimit = 64

    public var logLevel = LogLevel.info
    public var logFormat = LogFormat.text

    /// The program that runs pipelines; nil: beside this one.
    public var pipelineProgram: String?
    /// Where the descriptions that belong to Ladle lie; nil: with the installation or the source tree.
    public var pipelinesFolder: String?
    /// Further folders of descriptions.
    public var furtherPipelines: [String] = []

    public init() {}

    /// Paths from the root, for a daemon whose messages are read elsewhere.
    /// - Parameter folder: Absolute; what relative paths are relative to.
    public mutating func resolvePaths(in folder: String) {
        func absolute(_ path: String) -> String {
            let path = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
            if path.hasPrefix("/") { return path }
            return path == "." || path.isEmpty ? folder : folder == "/" ? "/\(path)" : "\(folder)/\(path)"
        }
        mediaFolders = mediaFolders.map(absolute)
        furtherPipelines = furtherPipelines.map(absolute)
        recordingsFolder = absolute(recordingsFolder)
        tokenFile = tokenFile.map(absolute)
        tlsCertificate = tlsCertificate.map(absolute)
        tlsKey = tlsKey.map(absolute)
        webRTCCertificate = webRTCCertificate.map(absolute)
        webRTCKey = webRTCKey.map(absolute)
    }
}

/// What is worth a line.
public enum LogLevel: String, Sendable, Hashable, CaseIterable {
    case trace, debug, info, notice, warning, error
}

public enum LogFormat: String, Sendable, Hashable, CaseIterable {
    /// Lines for people.
    case text
    /// One JSON object a line.
    case json
}

/// Why a gateway can't start. One line that names the setting, the value and what is allowed.
public struct GatewayError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

extension GatewaySettings {
    /// The key whose value can't go with the others, and why; nil: they fit.
    var contradiction: (key: String, message: String)? {
        guard let listen = SocketAddress(listenIP, port: listenPort) else {
            return ("listen", "'\(listenIP)' is no IPv4 or IPv6 address")
        }
        guard listen.isLoopback || token != nil || noAuth else {
            return (
                "listen",
                "\(listen) can be reached by other machines; give a token with tokenFile (--token-file), or say noAuth "
                    + "(--no-auth)"
            )
        }
        if let contradiction = tlsContradiction ?? webRTCContradiction { return contradiction }
        // Each is a process, and would be tried for ever.
        let wanted = sources.count + sources.count { $0.record != nil }
        guard wanted <= pipelineLimit else {
            return (
                "sources",
                "with their recordings they are \(wanted), and limits.pipelines lets \(pipelineLimit) run at once"
            )
        }
        return nil
    }

    /// Refuses what can't work before anything is opened.
    public func validate() throws(GatewayError) {
        if let (key, message) = contradiction { throw GatewayError("\(key): \(message)") }
        guard SocketAddress(rtpIP, port: 0) != nil else {
            throw GatewayError("rtp.address: '\(rtpIP)' is no IPv4 or IPv6 address")
        }
        if let token, token.count < Self.shortestToken {
            throw GatewayError("tokenFile: the token is shorter than \(Self.shortestToken) characters")
        }
        guard rtpPorts.lowerBound >= 1024 else {
            throw GatewayError("rtp.ports: \(rtpPorts.lowerBound) is a privileged port; begin at 1024 or above")
        }
        guard idleRoom >= .zero else { throw GatewayError("idleRoom: \(idleRoom) is negative; 0 means never") }
        guard !mediaFolders.isEmpty else { throw GatewayError("media: no folder is named") }
    }

    /// What can be guessed in a day is no token.
    static let shortestToken = 8
}

extension SocketAddress {
    /// 127.0.0.0/8 and ::1.
    var isLoopback: Bool { isIPv4 ? ip.hasPrefix("127.") : ip == "::1" }
}
