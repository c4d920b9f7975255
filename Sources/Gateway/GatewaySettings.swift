import Base
import Glibc

/// Everything that a gateway can be told before it starts.
public struct GatewaySettings: Sendable, Hashable {
    /// Where HTTP is served; a literal address.
    public var listenIP = "127.0.0.1"
    public var listenPort: UInt16 = 4443
    /// Further names by which clients may call this gateway (the Host header).
    public var hosts: [String] = []
    /// Web origins whose pages may use this gateway.
    public var origins: [String] = []
    /// What `Authorization: Bearer` must say; nil: nobody is asked.
    public var token: String?
    /// Serve other machines without a token.
    public var noAuth = false

    /// Where RTP is sent to and from; a literal address.
    public var rtpIP = "127.0.0.1"
    /// What clients are told instead of `rtpIP`, behind a NAT.
    public var announcedAddress: String?
    public var rtpPorts: ClosedRange<UInt16> = 40_000...49_999

    /// Files are opened only below these; absolute.
    public var mediaFolders: [String] = []
    /// Absolute; made when it does not exist.
    public var recordingsFolder = ""
    /// An empty room closes after this; zero: never.
    public var idleRoom: Duration = .seconds(60)
    /// The program that runs pipelines; nil: beside this one.
    public var pipelineProgram: String?
    /// Where their descriptions lie; nil: with the installation or the source tree.
    public var pipelinesFolder: String?

    public init() {}
}

/// Why a gateway can't start. One line that names the setting, the value and what is allowed.
public struct GatewayError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

extension GatewaySettings {
    /// Refuses what can't work before anything is opened.
    public func validate() throws(GatewayError) {
        guard let listen = SocketAddress(listenIP, port: listenPort) else {
            throw GatewayError("listen: '\(listenIP)' is no IPv4 or IPv6 address")
        }
        guard listen.isLoopback || token != nil || noAuth else {
            throw GatewayError(
                "listen: \(listen) can be reached by other machines; give a token with --token-file, or say --no-auth")
        }
        guard SocketAddress(rtpIP, port: 0) != nil else {
            throw GatewayError("rtp address: '\(rtpIP)' is no IPv4 or IPv6 address")
        }
        if let token, token.count < 8 { throw GatewayError("token: shorter than 8 characters") }
        guard rtpPorts.lowerBound >= 1024 else {
            throw GatewayError("rtp ports: \(rtpPorts.lowerBound) is a privileged port; begin at 1024 or above")
        }
        guard idleRoom >= .zero else { throw GatewayError("idle room: \(idleRoom) is negative; 0 means never") }
        guard !mediaFolders.isEmpty else { throw GatewayError("media: no folder is named") }
    }
}

extension SocketAddress {
    /// 127.0.0.0/8 and ::1.
    var isLoopback: Bool { isIPv4 ? ip.hasPrefix("127.") : ip == "::1" }
}
