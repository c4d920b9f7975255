import Base
import ORTC
import SRTP

/// A transport between two routers, over UDP: RTCP on the RTP port, the remote side told by `connect`.
public struct PipeTransportSetup: Sendable {
    public var router: RouterID
    public var id: TransportID
    public var local: LocalEndpoint
    /// Consumers on it answer NACKs, in streams of their own (RFC 4588).
    public var enableRTX: Bool
    /// With AEAD_AES_256_GCM, and nothing else.
    public var enableSRTP: Bool
    /// Nil: without SCTP. It is bare, as on plain transports, whether there is SRTP or not.
    public var sctp: SCTPTransportSetup?

    public init(
        router: RouterID, id: TransportID, local: LocalEndpoint, enableRTX: Bool = false, enableSRTP: Bool = false,
        sctp: SCTPTransportSetup? = nil
    ) {
        self.sctp = sctp
        self.router = router
        self.id = id
        self.local = local
        self.enableRTX = enableRTX
        self.enableSRTP = enableSRTP
    }
}

extension MediaEngine {
    /// On an error the driver keeps the socket of the setup and closes it itself.
    /// - Returns: `rtcp` is nil.
    public mutating func createPipeTransport(
        _ setup: PipeTransportSetup, now: Instant
    ) throws(SFUError) -> PlainTransportTuples {
        let router = try checkNewTransport(
            setup.id, on: setup.router, [setup.local.socket], method: "router.createPipeTransport")
        let suite = setup.enableSRTP ? SRTPCryptoSuite.aeadAES256GCM : nil
        let index = transports.insert(Transport(setup, router: router, security: makeSecurity(suite)))
        try addBareSCTP(setup.sctp, toNew: index)
        register(index)
        return transports[index].link.tuples
    }

    /// Fixes the remote side of a pipe. Once only; a failed attempt does not count.
    public mutating func connectPipe(
        _ id: TransportID, ip: String?, port: UInt16?, srtpParameters: SRTPParameters? = nil, now: Instant,
        into out: inout Outbox
    ) throws(SFUError) -> PlainTransportTuples {
        guard let index = transportByID[id], transports[index].kind != .plain else {
            throw .noSuchObject(id.rawValue, "pipeTransport.connect")
        }
        return try connect(
            id, ip: ip, port: port, rtcpPort: nil, srtpParameters: srtpParameters, now: now, into: &out)
    }
}
