import Base
import DTLS
import ICE
import ORTC
import SCTP

/// What happened without having been asked of that very object: a method never causes an event on its own instance.
public enum SFUEvent: Sendable, Hashable {
    /// Its worker closed.
    case routerClosed(RouterID)
    /// A comedia transport learnt where its remote side sends RTP from. The local side is the socket actually used.
    case transportConnected(TransportID, EndpointTuple)
    /// … and RTCP, when it has a port of its own.
    case transportRTCPConnected(TransportID, EndpointTuple)
    /// Of a WebRTC transport: media take this way from now on.
    case iceSelectedTuple(TransportID, EndpointTuple)
    case iceState(TransportID, ICEState)
    case dtlsState(TransportID, DTLSState)
    /// Its router closed.
    case transportClosed(TransportID)
    /// One entry per stream that was seen.
    case producerScore(ProducerID, [StreamScore])
    /// Packets come (true), or ceased to come for `SFUConfiguration.flowTimeout` (false).
    case producerFlowing(ProducerID, Bool)
    /// Its transport closed.
    case producerClosed(ProducerID)
    case consumerScore(ConsumerID, ReceiverScore)
    /// What is being forwarded of a consumer's layers; nil: nothing.
    case consumerLayers(ConsumerID, ConsumerLayers?)
    /// The producer behind it was paused or resumed.
    case consumerProducerPaused(ConsumerID, Bool)
    case consumerClosed(ConsumerID, ConsumerCloseReason)
    /// What was asked to be watched.
    case transportTrace(TransportID, TraceEvent)
    case producerTrace(ProducerID, TraceEvent)
    case consumerTrace(ConsumerID, TraceEvent)
    /// The sender's camera was turned; told with the first packet that says how it is held.
    case producerVideoOrientation(ProducerID, VideoOrientation)
    case observer(RTPObserverID, RTPObserverEvent)
    case sctpState(TransportID, SCTPState)
    /// Its transport closed.
    case dataProducerClosed(DataProducerID)
    case dataConsumerClosed(DataConsumerID, DataConsumerCloseReason)
    /// The data producer behind it was paused or resumed.
    case dataConsumerProducerPaused(DataConsumerID, Bool)
    /// To code of this process.
    case dataConsumerMessage(DataConsumerID, DataMessage)
    /// A message was lost: too many bytes wait for acknowledgement.
    case dataConsumerBufferFull(DataConsumerID)
    /// So few bytes wait now, no more than its threshold.
    case dataConsumerBufferLow(DataConsumerID, Int)
}

/// How a camera is held (3GPP TS 26.114 §7.4.5).
public struct VideoOrientation: Sendable, Hashable {
    /// The one on the back.
    public var camera: Bool
    /// Mirrored left to right.
    public var flip: Bool
    /// Clockwise: 0, 90, 180 or 270 degrees.
    public var rotation: Int

    public init(camera: Bool, flip: Bool, rotation: Int) {
        (self.camera, self.flip, self.rotation) = (camera, flip, rotation)
    }
}

/// What an observer of audio tells.
public enum RTPObserverEvent: Sendable, Hashable {
    /// The loudest of its producers, the loudest first; once per interval.
    case volumes([ProducerVolume])
    /// None of its producers is loud enough any more.
    case silence
    /// Another of its producers speaks.
    case dominantSpeaker(ProducerID)
    /// Its router closed.
    case closed
}

public struct ProducerVolume: Sendable, Hashable {
    public var producer: ProducerID
    /// In dBov: −127 (silence) … 0 (loudest).
    public var volume: Int

    public init(producer: ProducerID, volume: Int) {
        self.producer = producer
        self.volume = volume
    }
}

/// Why a consumer closed without being told to.
public enum ConsumerCloseReason: String, Sendable, Hashable {
    case transportClosed = "transportclose"
    case producerClosed = "producerclose"
}

/// Why a data consumer closed without being told to.
public enum DataConsumerCloseReason: String, Sendable, Hashable {
    case transportClosed = "transportclose"
    case producerClosed = "dataproducerclose"
}

/// One side's address and the other's.
public struct EndpointTuple: Sendable, Hashable {
    /// As announced.
    public var localAddress: String
    public var localPort: UInt16
    /// Nil before the remote side is known.
    public var remote: SocketAddress?
    public var isTCP: Bool

    public init(localAddress: String, localPort: UInt16, remote: SocketAddress? = nil, isTCP: Bool = false) {
        self.isTCP = isTCP
        self.localAddress = localAddress
        self.localPort = localPort
        self.remote = remote
    }
}

/// How well a producer's stream arrives.
public struct StreamScore: Sendable, Hashable {
    public var encodingIndex: Int
    public var ssrc: UInt32
    public var rid: String?
    /// 0…10.
    public var score: UInt8

    public init(encodingIndex: Int, ssrc: UInt32, rid: String? = nil, score: UInt8) {
        self.encodingIndex = encodingIndex
        self.ssrc = ssrc
        self.rid = rid
        self.score = score
    }
}

/// How well a consumer's receiver is served.
public struct ReceiverScore: Sendable, Hashable {
    /// What its receiver gets, 0…10.
    public var score: UInt8
    /// Of the producer stream that is being forwarded; 0 before one was seen.
    public var producerScore: UInt8
    /// Of all encodings in order; 0 for streams not yet seen.
    public var producerScores: [UInt8]

    public init(score: UInt8, producerScore: UInt8, producerScores: [UInt8]) {
        self.score = score
        self.producerScore = producerScore
        self.producerScores = producerScores
    }
}
