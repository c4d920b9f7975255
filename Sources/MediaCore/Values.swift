import Base
import ORTC

public struct RouterDescription: Sendable {
    public var id: RouterID
    public var rtpCapabilities: RTPCapabilities

    public init(id: RouterID, rtpCapabilities: RTPCapabilities) {
        self.id = id
        self.rtpCapabilities = rtpCapabilities
    }
}

public struct PlainTransportOptions: Sendable, Hashable {
    /// RTP and RTCP on one port. mediasoup's default; the broadcaster API's is false.
    public var rtcpMux: Bool
    /// The remote side is where the first packet comes from. mediasoup's default; the broadcaster API's is true.
    public var comedia: Bool
    /// One name for all transports of one sender, so that receivers can synchronise its tracks (RFC 3550 §6.5.1).
    /// Nil: the first producer's own, or a random one.
    public var cname: String?
    /// SRTP is wished for; a core without it refuses.
    public var enableSRTP: Bool
    /// Of our own key; the remote side's may replace it. Nil: mediasoup's, AES_CM_128_HMAC_SHA1_80.
    public var srtpCryptoSuite: String?

    public init(
        rtcpMux: Bool = true, comedia: Bool = false, cname: String? = nil, enableSRTP: Bool = false,
        srtpCryptoSuite: String? = nil
    ) {
        self.rtcpMux = rtcpMux
        self.comedia = comedia
        self.cname = cname
        self.enableSRTP = enableSRTP
        self.srtpCryptoSuite = srtpCryptoSuite
    }
}

public struct PlainTransportDescription: Sendable {
    public var id: TransportID
    public var tuple: TransportTuple
    /// Absent when RTCP shares the RTP port.
    public var rtcpTuple: TransportTuple?
    /// What we protect with; absent without SRTP. `connect` may change it.
    public var srtpParameters: SRTPParameters?

    public init(
        id: TransportID, tuple: TransportTuple, rtcpTuple: TransportTuple?, srtpParameters: SRTPParameters? = nil
    ) {
        self.id = id
        self.tuple = tuple
        self.rtcpTuple = rtcpTuple
        self.srtpParameters = srtpParameters
    }
}

/// What `connect` is given; all absent is right for comedia without SRTP only.
public struct PlainTransportRemote: Sendable, Hashable {
    /// A literal address; host names are refused.
    public var ip: String?
    public var port: UInt16?
    public var rtcpPort: UInt16?
    /// What the remote side protects with: needed with SRTP, refused without.
    public var srtpParameters: SRTPParameters?

    public init(
        ip: String? = nil, port: UInt16? = nil, rtcpPort: UInt16? = nil, srtpParameters: SRTPParameters? = nil
    ) {
        self.ip = ip
        self.port = port
        self.rtcpPort = rtcpPort
        self.srtpParameters = srtpParameters
    }
}

/// One side's address and the other's. Member names in JSON are mediasoup's.
public struct TransportTuple: Sendable, Hashable {
    /// The announced address where one is configured.
    public var localAddress: String
    public var localPort: UInt16
    /// Nil before the remote side is known.
    public var remoteIP: String?
    public var remotePort: UInt16?

    public init(localAddress: String, localPort: UInt16, remoteIP: String? = nil, remotePort: UInt16? = nil) {
        self.localAddress = localAddress
        self.localPort = localPort
        self.remoteIP = remoteIP
        self.remotePort = remotePort
    }
}

public struct ProduceOptions: Sendable {
    public var kind: MediaKind
    public var rtpParameters: RTPParameters
    public var paused: Bool

    public init(kind: MediaKind, rtpParameters: RTPParameters, paused: Bool = false) {
        self.kind = kind
        self.rtpParameters = rtpParameters
        self.paused = paused
    }
}

public struct ProducerDescription: Sendable {
    public var id: ProducerID
    public var kind: MediaKind
    /// "simple", "simulcast" or "svc".
    public var type: String
    public var rtpParameters: RTPParameters
    public var paused: Bool

    public init(id: ProducerID, kind: MediaKind, type: String, rtpParameters: RTPParameters, paused: Bool) {
        self.id = id
        self.kind = kind
        self.type = type
        self.rtpParameters = rtpParameters
        self.paused = paused
    }
}

public struct ConsumeOptions: Sendable {
    public var producer: ProducerID
    public var rtpCapabilities: RTPCapabilities
    public var paused: Bool
    /// Nil: true for video, false for audio.
    public var enableRTX: Bool?

    public init(
        producer: ProducerID, rtpCapabilities: RTPCapabilities, paused: Bool = false, enableRTX: Bool? = nil
    ) {
        self.producer = producer
        self.rtpCapabilities = rtpCapabilities
        self.paused = paused
        self.enableRTX = enableRTX
    }
}

public struct ConsumerDescription: Sendable {
    public var id: ConsumerID
    public var producer: ProducerID
    public var kind: MediaKind
    /// "simple", "simulcast", "svc" or "pipe".
    public var type: String
    public var rtpParameters: RTPParameters
    public var paused: Bool
    public var producerPaused: Bool

    public init(
        id: ConsumerID, producer: ProducerID, kind: MediaKind, type: String, rtpParameters: RTPParameters,
        paused: Bool, producerPaused: Bool
    ) {
        self.id = id
        self.producer = producer
        self.kind = kind
        self.type = type
        self.rtpParameters = rtpParameters
        self.paused = paused
        self.producerPaused = producerPaused
    }
}
