import Base
import ORTC

/// A socket of the driver's, with the address that remote sides are told.
public struct LocalEndpoint: Sendable, Hashable {
    public var socket: SocketID
    /// As announced: an IP address or a host name.
    public var address: String
    public var port: UInt16

    public init(socket: SocketID, address: String, port: UInt16) {
        self.socket = socket
        self.address = address
        self.port = port
    }
}

public struct PlainTransportSetup: Sendable {
    public var router: RouterID
    public var id: TransportID
    public var rtp: LocalEndpoint
    /// Nil: RTCP shares the RTP port (`rtcpMux`).
    public var rtcp: LocalEndpoint?
    /// The remote side is where the first packet comes from.
    public var comedia: Bool
    /// One name for all transports of one sender, so that receivers can synchronise its tracks (RFC 3550 §6.5.1).
    /// Nil: the first producer's own, or a random one.
    public var cname: String?
    /// The suite of our own key, "AEAD_AES_256_GCM" and so on; nil: without SRTP. The remote side's may replace it.
    public var srtpCryptoSuite: String?
    /// What is taken to be available before the remote side has told anything, bits per second; nil: 600,000.
    public var initialAvailableOutgoingBitrate: Int64?
    /// Nil: without SCTP.
    public var sctp: SCTPTransportSetup?

    /// mediasoup's suite when SRTP is enabled without naming one.
    public static let standardSRTPCryptoSuite = "AES_CM_128_HMAC_SHA1_80"

    public init(
        router: RouterID, id: TransportID, rtp: LocalEndpoint, rtcp: LocalEndpoint? = nil, comedia: Bool = false,
        cname: String? = nil, srtpCryptoSuite: String? = nil, initialAvailableOutgoingBitrate: Int64? = nil,
        sctp: SCTPTransportSetup? = nil
    ) {
        self.sctp = sctp
        self.initialAvailableOutgoingBitrate = initialAvailableOutgoingBitrate
        self.router = router
        self.id = id
        self.rtp = rtp
        self.rtcp = rtcp
        self.comedia = comedia
        self.cname = cname
        self.srtpCryptoSuite = srtpCryptoSuite
    }
}

public struct DirectTransportSetup: Sendable {
    public var router: RouterID
    public var id: TransportID
    /// The driver's name for the way to its own code: what the engine sends there, and what comes from there.
    public var socket: SocketID
    public var cname: String?
    /// Of a message of a data channel, in bytes.
    public var maximumMessageSize: Int

    public init(
        router: RouterID, id: TransportID, socket: SocketID, cname: String? = nil, maximumMessageSize: Int = 262_144
    ) {
        self.maximumMessageSize = maximumMessageSize
        self.router = router
        self.id = id
        self.socket = socket
        self.cname = cname
    }
}

public struct PlainTransportTuples: Sendable, Hashable {
    public var rtp: EndpointTuple
    /// Nil when RTCP shares the RTP port.
    public var rtcp: EndpointTuple?
}

public struct ProducerSetup: Sendable {
    public var transport: TransportID
    public var id: ProducerID
    public var kind: MediaKind
    public var rtpParameters: RTPParameters
    public var paused: Bool
    /// After a key frame request the next one waits at least for this long: encoders that make large key frames.
    public var keyFrameRequestDelay: Duration

    public init(
        transport: TransportID, id: ProducerID, kind: MediaKind, rtpParameters: RTPParameters, paused: Bool = false,
        keyFrameRequestDelay: Duration = .zero
    ) {
        self.keyFrameRequestDelay = keyFrameRequestDelay
        self.transport = transport
        self.id = id
        self.kind = kind
        self.rtpParameters = rtpParameters
        self.paused = paused
    }
}

public struct ProducerState: Sendable {
    public var id: ProducerID
    public var kind: MediaKind
    /// "simple", "simulcast" or "svc".
    public var type: String
    /// Normalised, with the transport's CNAME.
    public var rtpParameters: RTPParameters
    public var paused: Bool
}

public struct ConsumerSetup: Sendable {
    public var transport: TransportID
    public var id: ConsumerID
    public var producer: ProducerID
    public var rtpCapabilities: RTPCapabilities
    public var paused: Bool
    /// Nil: counted up per transport from "0".
    public var mid: String?
    /// Nil: true for video, false for audio.
    public var enableRTX: Bool?
    /// Nil: the highest. Simple consumers have no layers to prefer.
    public var preferredLayers: PreferredLayers?
    /// Packets of Opus' discontinuous transmission are left out.
    public var ignoresDTX: Bool
    /// The receiver's own payload types and extension ids; nil: the router's. A pipe has the router's in any case.
    public var numbering: ReceiverNumbering?

    public init(
        transport: TransportID, id: ConsumerID, producer: ProducerID, rtpCapabilities: RTPCapabilities,
        paused: Bool = false, mid: String? = nil, enableRTX: Bool? = nil, preferredLayers: PreferredLayers? = nil,
        ignoresDTX: Bool = false, numbering: ReceiverNumbering? = nil
    ) {
        self.numbering = numbering
        self.preferredLayers = preferredLayers
        self.transport = transport
        self.id = id
        self.producer = producer
        self.rtpCapabilities = rtpCapabilities
        self.paused = paused
        self.mid = mid
        self.enableRTX = enableRTX
        self.ignoresDTX = ignoresDTX
    }
}

public struct ConsumerState: Sendable {
    public var id: ConsumerID
    public var producer: ProducerID
    public var kind: MediaKind
    public var type: String
    public var rtpParameters: RTPParameters
    public var paused: Bool
    public var producerPaused: Bool
    public var score: ReceiverScore
    /// Of types simulcast and svc.
    public var preferredLayers: ConsumerLayers?
}
