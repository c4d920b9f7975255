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
    /// What is taken to be available before the remote side has told anything, bits per second. Nil: 600,000.
    public var initialAvailableOutgoingBitrate: Int64?
    /// For data channels, in bare datagrams; nil: there are none.
    public var sctp: SCTPOptions?

    public init(
        rtcpMux: Bool = true, comedia: Bool = false, cname: String? = nil, enableSRTP: Bool = false,
        srtpCryptoSuite: String? = nil, initialAvailableOutgoingBitrate: Int64? = nil, sctp: SCTPOptions? = nil
    ) {
        self.sctp = sctp
        self.initialAvailableOutgoingBitrate = initialAvailableOutgoingBitrate
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
    /// Absent without SCTP.
    public var sctpParameters: SCTPParameters?

    public init(
        id: TransportID, tuple: TransportTuple, rtcpTuple: TransportTuple?, srtpParameters: SRTPParameters? = nil,
        sctpParameters: SCTPParameters? = nil
    ) {
        self.sctpParameters = sctpParameters
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

public struct PipeTransportOptions: Sendable, Hashable {
    /// Consumers on it answer NACKs, in streams of their own (RFC 4588).
    public var enableRTX: Bool
    /// With AEAD_AES_256_GCM, and nothing else.
    public var enableSRTP: Bool
    /// Nil: without SCTP; `.pipe` has mediasoup's sizes. Not covered by SRTP.
    public var sctp: SCTPOptions?

    public init(enableRTX: Bool = false, enableSRTP: Bool = false, sctp: SCTPOptions? = nil) {
        self.sctp = sctp
        self.enableRTX = enableRTX
        self.enableSRTP = enableSRTP
    }
}

public struct PipeTransportDescription: Sendable {
    public var id: TransportID
    public var tuple: TransportTuple
    /// What we protect with; absent without SRTP.
    public var srtpParameters: SRTPParameters?
    /// Absent without SCTP. Told when the transport is made.
    public var sctpParameters: SCTPParameters?

    public init(
        id: TransportID, tuple: TransportTuple, srtpParameters: SRTPParameters? = nil,
        sctpParameters: SCTPParameters? = nil
    ) {
        self.sctpParameters = sctpParameters
        self.id = id
        self.tuple = tuple
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
    /// Media come and go over a TCP connection (RFC 4571).
    public var isTCP: Bool

    public init(
        localAddress: String, localPort: UInt16, remoteIP: String? = nil, remotePort: UInt16? = nil, isTCP: Bool = false
    ) {
        self.isTCP = isTCP
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
    /// After a key frame request the next one waits at least for this long: encoders that make large key frames.
    public var keyFrameRequestDelay: Duration
    /// Nil: a random one.
    public var id: ProducerID?

    public init(
        kind: MediaKind, rtpParameters: RTPParameters, paused: Bool = false, keyFrameRequestDelay: Duration = .zero,
        id: ProducerID? = nil
    ) {
        self.keyFrameRequestDelay = keyFrameRequestDelay
        self.id = id
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
    /// Nil: counted up per transport from "0".
    public var mid: String?
    /// Nil: the highest. Consumers of type simple have none to choose from.
    public var preferredLayers: WantedLayers?
    /// How many layers it takes in its turn when there is not enough bandwidth for all, 1…255. Nil: 1.
    public var priority: Int?
    /// Packets of Opus' discontinuous transmission are left out.
    public var ignoresDTX: Bool
    /// The receiver's own payload types and extension ids, when it made the offer; nil: the router's.
    public var numbering: ReceiverNumbering?

    public init(
        producer: ProducerID, rtpCapabilities: RTPCapabilities, paused: Bool = false, enableRTX: Bool? = nil,
        mid: String? = nil, preferredLayers: WantedLayers? = nil, priority: Int? = nil, ignoresDTX: Bool = false,
        numbering: ReceiverNumbering? = nil
    ) {
        self.numbering = numbering
        self.mid = mid
        self.preferredLayers = preferredLayers
        self.priority = priority
        self.ignoresDTX = ignoresDTX
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
    /// What became of the wish, within what there is; nil: it has no layers, or the core does not tell.
    public var preferredLayers: ForwardedLayers?

    public init(
        id: ConsumerID, producer: ProducerID, kind: MediaKind, type: String, rtpParameters: RTPParameters,
        paused: Bool, producerPaused: Bool, preferredLayers: ForwardedLayers? = nil
    ) {
        self.preferredLayers = preferredLayers
        self.id = id
        self.producer = producer
        self.kind = kind
        self.type = type
        self.rtpParameters = rtpParameters
        self.paused = paused
        self.producerPaused = producerPaused
    }
}
