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

/// How messages reach a data producer or leave a data consumer.
public enum DataType: String, Sendable, Hashable {
    case sctp
    /// To and from code of this process.
    case direct
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

/// A message of a data channel.
public struct DataMessage: Sendable, Hashable {
    /// What it is (RFC 8831 §8).
    public var ppid: UInt32
    /// Never empty: an empty message is one byte under a PPID of its own.
    public var payload: [UInt8]

    /// Nil: without payload.
    public init?(ppid: UInt32, payload: [UInt8]) {
        guard !payload.isEmpty else { return nil }
        (self.ppid, self.payload) = (ppid, payload)
    }

    public init(_ text: String) {
        (ppid, payload) = text.isEmpty ? (Self.emptyText, [0x20]) : (Self.text, Array(text.utf8))
    }

    public init(_ bytes: [UInt8]) {
        (ppid, payload) = bytes.isEmpty ? (Self.emptyBytes, [0]) : (Self.bytes, bytes)
    }

    public static let text: UInt32 = 51
    public static let bytes: UInt32 = 53
    public static let emptyText: UInt32 = 56
    public static let emptyBytes: UInt32 = 57
    /// DCEP (RFC 8832), which nobody speaks here.
    static let control: UInt32 = 50
}
