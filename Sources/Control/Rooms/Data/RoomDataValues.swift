import Base
import MediaCore
import ORTC

/// A data producer as the room knows it.
public struct RoomDataProducer: Sendable {
    public var id: DataProducerID
    public var transport: TransportID
    /// The id of who sends; nil: the room itself.
    public var broadcaster: String?
    public var type: DataType
    public var stream: SCTPStreamParameters?
    public var label: String
    public var subprotocol: String
    public var paused: Bool
    /// What it is for: its label, unless its sender says otherwise.
    public var channel: String
    /// What its sender wants others to know of it; an object.
    public var appData: JSONValue
}

/// A data consumer as the room knows it.
public struct RoomDataConsumer: Sendable {
    public var id: DataConsumerID
    public var producer: DataProducerID
    public var transport: TransportID
    /// The id of who receives.
    public var broadcaster: String
    public var type: DataType
    public var stream: SCTPStreamParameters?
    public var label: String
    public var subprotocol: String
    public var paused: Bool
    public var producerPaused: Bool
}

/// What mediasoup's demo does with data channels, by what they are for.
public enum DataChannelUse {
    /// For everybody.
    public static let chat = "chat"
    /// For the room's bot.
    public static let bot = "bot"
}

extension ClosingReason {
    /// mediasoup's word: the data producer behind it closed.
    public static let dataProducerClosed = "dataproducerclose"
}
