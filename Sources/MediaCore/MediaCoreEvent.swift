import Base

/// What happens in a core without having been asked of that very object.
public enum MediaCoreEvent: Sendable, Hashable {
    /// A comedia transport learnt where its remote side sends RTP from.
    case transportConnected(TransportID, TransportTuple)
    /// … and RTCP, when it has a port of its own.
    case transportRTCPConnected(TransportID, TransportTuple)
    /// Of a WebRTC transport: media take this way from now on.
    case iceSelectedTuple(TransportID, TransportTuple)
    case iceState(TransportID, ICEState)
    /// With a sentence for people when it failed.
    case dtlsState(TransportID, DTLSState, reason: String?)
    /// Its router closed.
    case transportClosed(TransportID)
    /// One entry per stream that was seen.
    case producerScore(ProducerID, [ProducerScore])
    /// Packets come, or ceased to come, for some time.
    case producerFlowing(ProducerID, Bool)
    /// Its transport closed.
    case producerClosed(ProducerID)
    case consumerScore(ConsumerID, ConsumerScore)
    /// What is being forwarded of its layers; nil: nothing.
    case consumerLayers(ConsumerID, ForwardedLayers?)
    /// The producer behind it was paused or resumed.
    case consumerProducerPaused(ConsumerID, Bool)
    case consumerClosed(ConsumerID, CloseReason)
    /// What was asked to be watched.
    case transportTrace(TransportID, Trace)
    case producerTrace(ProducerID, Trace)
    case consumerTrace(ConsumerID, Trace)
    /// The sender's camera was turned; told with the first packet that says how it is held.
    case producerVideoOrientation(ProducerID, CameraOrientation)
    /// The loudest of an observer's producers, the loudest first; once per interval.
    case observerVolumes(RTPObserverID, [AudioVolume])
    /// None of its producers is loud enough any more.
    case observerSilence(RTPObserverID)
    /// Another of its producers speaks.
    case observerDominantSpeaker(RTPObserverID, ProducerID)
    /// Its router closed.
    case observerClosed(RTPObserverID)
    /// Of a transport's data channels.
    case sctpState(TransportID, SCTPState)
    /// Its transport closed.
    case dataProducerClosed(DataProducerID)
    case dataConsumerClosed(DataConsumerID, CloseReason)
    /// The data producer behind it was paused or resumed.
    case dataConsumerProducerPaused(DataConsumerID, Bool)
    /// A message was lost: too many bytes wait for acknowledgement.
    case dataConsumerBufferFull(DataConsumerID)
    /// So few bytes wait now, no more than its threshold.
    case dataConsumerBufferLow(DataConsumerID, Int)
    /// The core itself is gone; every object of it is closed.
    case died(String)
}

/// Why a consumer closed without being told to.
public enum CloseReason: String, Sendable, Hashable {
    case transportClosed = "transportclose"
    case producerClosed = "producerclose"
    case dataProducerClosed = "dataproducerclose"
}

public struct ProducerScore: Sendable, Hashable {
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

/// A pair of layers that a consumer gets, counted from 0.
public struct ForwardedLayers: Sendable, Hashable {
    public var spatialLayer: Int
    public var temporalLayer: Int

    public init(spatialLayer: Int, temporalLayer: Int) {
        self.spatialLayer = spatialLayer
        self.temporalLayer = temporalLayer
    }
}

/// The layers that a consumer's receiver would like to have at most, counted from 0.
public struct WantedLayers: Sendable, Hashable {
    public var spatialLayer: Int
    /// Nil: the highest.
    public var temporalLayer: Int?

    public init(spatialLayer: Int, temporalLayer: Int? = nil) {
        self.spatialLayer = spatialLayer
        self.temporalLayer = temporalLayer
    }
}

public struct ConsumerScore: Sendable, Hashable {
    /// What its receiver gets, 0…10.
    public var score: UInt8
    /// Of the producer stream that is being forwarded.
    public var producerScore: UInt8
    public var producerScores: [UInt8]

    public init(score: UInt8, producerScore: UInt8, producerScores: [UInt8]) {
        self.score = score
        self.producerScore = producerScore
        self.producerScores = producerScores
    }
}
