import Base
import ORTC
import SCTP

/// SCTP of a transport, from its creation on.
public struct SCTPTransportSetup: Sendable, Hashable {
    /// OS and MIS.
    public var streams: SCTPStreamCounts
    /// Of a message, in bytes.
    public var maximumMessageSize: Int
    /// What may wait for acknowledgement, in bytes; 268,435,456 at most.
    public var sendBufferSize: Int

    public static let largestSendBuffer = 268_435_456

    public init(
        streams: SCTPStreamCounts = SCTPStreamCounts(), maximumMessageSize: Int = SCTPSetup.standardMessageSize,
        sendBufferSize: Int = SCTPSetup.standardMessageSize
    ) {
        self.streams = streams
        self.maximumMessageSize = maximumMessageSize
        self.sendBufferSize = sendBufferSize
    }
}

public struct DataProducerSetup: Sendable, Hashable {
    public var transport: TransportID
    public var id: DataProducerID
    /// Not looked at on direct transports.
    public var stream: SCTPStreamParameters?
    public var label: String
    /// As the application names it.
    public var subprotocol: String
    public var paused: Bool

    public init(
        transport: TransportID, id: DataProducerID, stream: SCTPStreamParameters? = nil, label: String = "",
        subprotocol: String = "", paused: Bool = false
    ) {
        self.transport = transport
        self.id = id
        self.stream = stream
        self.label = label
        self.subprotocol = subprotocol
        self.paused = paused
    }
}

public struct DataProducerState: Sendable, Hashable {
    public var id: DataProducerID
    public var type: DataType
    public var stream: SCTPStreamParameters?
    public var label: String
    public var subprotocol: String
    public var paused: Bool
}

public struct DataConsumerSetup: Sendable, Hashable {
    public var transport: TransportID
    public var id: DataConsumerID
    public var producer: DataProducerID
    /// Each nil: the producer's. 0 takes away the producer's limit.
    public var ordered: Bool?
    public var maxPacketLifeTime: Int?
    public var maxRetransmits: Int?
    public var paused: Bool
    public var subchannels: Set<UInt16>

    public init(
        transport: TransportID, id: DataConsumerID, producer: DataProducerID, ordered: Bool? = nil,
        maxPacketLifeTime: Int? = nil, maxRetransmits: Int? = nil, paused: Bool = false, subchannels: Set<UInt16> = []
    ) {
        self.transport = transport
        self.id = id
        self.producer = producer
        self.ordered = ordered
        self.maxPacketLifeTime = maxPacketLifeTime
        self.maxRetransmits = maxRetransmits
        self.paused = paused
        self.subchannels = subchannels
    }
}

public struct DataConsumerState: Sendable, Hashable {
    public var id: DataConsumerID
    public var producer: DataProducerID
    public var type: DataType
    /// The stream is the server's choice, and has nothing to do with the producer's.
    public var stream: SCTPStreamParameters?
    public var label: String
    public var subprotocol: String
    public var paused: Bool
    public var producerPaused: Bool
    public var subchannels: Set<UInt16>
}
