import Base
import ORTC

// Data channels: what they are asked to be and tell of themselves. Member names in JSON are mediasoup's.

/// SCTP of a transport, from its creation on.
public struct SCTPOptions: Sendable, Hashable {
    /// `numSctpStreams`: OS and MIS.
    public var streams: SCTPStreamCounts
    /// Of a message in either direction, in bytes.
    public var maximumMessageSize: Int
    /// What may wait for acknowledgement, in bytes; 268,435,456 at most.
    public var sendBufferSize: Int

    public init(
        streams: SCTPStreamCounts = SCTPStreamCounts(), maximumMessageSize: Int = 262_144, sendBufferSize: Int = 262_144
    ) {
        self.streams = streams
        self.maximumMessageSize = maximumMessageSize
        self.sendBufferSize = sendBufferSize
    }

    /// mediasoup's standard for pipe transports.
    public static let pipe = SCTPOptions(maximumMessageSize: 268_435_456, sendBufferSize: 268_435_456)
}

/// What the remote side is told of a transport's SCTP.
public struct SCTPParameters: Sendable, Hashable {
    /// Of both sides (RFC 8841: they are free to choose, and all choose 5000).
    public var port: UInt16
    public var streams: SCTPStreamCounts
    public var maximumMessageSize: Int
    public var sendBufferSize: Int
    /// Within DTLS, as browsers speak it; otherwise bare, in datagrams of its own.
    public var isDataChannel: Bool

    public init(_ options: SCTPOptions, isDataChannel: Bool, port: UInt16 = 5000) {
        self.port = port
        streams = options.streams
        maximumMessageSize = options.maximumMessageSize
        sendBufferSize = options.sendBufferSize
        self.isDataChannel = isDataChannel
    }

    /// With the three members behind `maxMessageSize` that mediasoup lets through, and that no client reads.
    public var json: JSONValue {
        [
            "port": JSONValue(port), "OS": JSONValue(streams.outgoing), "MIS": JSONValue(streams.incoming),
            "maxMessageSize": JSONValue(maximumMessageSize), "sendBufferSize": JSONValue(sendBufferSize),
            "sctpBufferedAmount": 0, "isDataChannel": .bool(isDataChannel),
        ]
    }
}

/// mediasoup's words.
public enum SCTPState: String, Sendable, Hashable {
    case new, connecting, connected, failed, closed
}

public struct ProduceDataOptions: Sendable, Hashable {
    /// Needed on transports with SCTP; not looked at on direct ones.
    public var stream: SCTPStreamParameters?
    public var label: String
    /// As the application names it.
    public var subprotocol: String
    public var paused: Bool
    /// Nil: a random one.
    public var id: DataProducerID?

    public init(
        stream: SCTPStreamParameters? = nil, label: String = "", subprotocol: String = "", paused: Bool = false,
        id: DataProducerID? = nil
    ) {
        self.stream = stream
        self.label = label
        self.subprotocol = subprotocol
        self.paused = paused
        self.id = id
    }
}

public struct DataProducerDescription: Sendable, Hashable {
    public var id: DataProducerID
    public var type: DataType
    /// Nil for direct ones.
    public var stream: SCTPStreamParameters?
    public var label: String
    public var subprotocol: String
    public var paused: Bool

    public init(
        id: DataProducerID, type: DataType, stream: SCTPStreamParameters?, label: String, subprotocol: String,
        paused: Bool
    ) {
        self.id = id
        self.type = type
        self.stream = stream
        self.label = label
        self.subprotocol = subprotocol
        self.paused = paused
    }
}

public struct ConsumeDataOptions: Sendable, Hashable {
    public var producer: DataProducerID
    /// Each nil: the producer's. 0 takes away the producer's limit.
    public var ordered: Bool?
    public var maxPacketLifeTime: Int?
    public var maxRetransmits: Int?
    public var paused: Bool
    /// Messages of a direct data producer may be for some of these only.
    public var subchannels: Set<UInt16>

    public init(
        producer: DataProducerID, ordered: Bool? = nil, maxPacketLifeTime: Int? = nil, maxRetransmits: Int? = nil,
        paused: Bool = false, subchannels: Set<UInt16> = []
    ) {
        self.producer = producer
        self.ordered = ordered
        self.maxPacketLifeTime = maxPacketLifeTime
        self.maxRetransmits = maxRetransmits
        self.paused = paused
        self.subchannels = subchannels
    }
}

public struct DataConsumerDescription: Sendable, Hashable {
    public var id: DataConsumerID
    public var producer: DataProducerID
    public var type: DataType
    /// The stream is the core's choice and has nothing to do with the producer's. Nil for direct ones.
    public var stream: SCTPStreamParameters?
    public var label: String
    public var subprotocol: String
    public var paused: Bool
    public var producerPaused: Bool

    public init(
        id: DataConsumerID, producer: DataProducerID, type: DataType, stream: SCTPStreamParameters?, label: String,
        subprotocol: String, paused: Bool, producerPaused: Bool
    ) {
        self.id = id
        self.producer = producer
        self.type = type
        self.stream = stream
        self.label = label
        self.subprotocol = subprotocol
        self.paused = paused
        self.producerPaused = producerPaused
    }
}
