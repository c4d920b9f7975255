import Base

// Data channels.

public struct DataProducerSubject: Sendable, Hashable {
    public var transport: TransportSubject
    public var id: String
    /// As its sender named it; may be empty, as may `subprotocol`.
    public var label: String
    public var subprotocol: String

    public init(transport: TransportSubject, id: String, label: String, subprotocol: String) {
        self.transport = transport
        self.id = id
        self.label = label
        self.subprotocol = subprotocol
    }
}

public struct DataConsumerSubject: Sendable, Hashable {
    public var transport: TransportSubject
    public var id: String
    public var dataProducerID: String
    public var label: String
    public var subprotocol: String

    public init(transport: TransportSubject, id: String, dataProducerID: String, label: String, subprotocol: String) {
        self.transport = transport
        self.id = id
        self.dataProducerID = dataProducerID
        self.label = label
        self.subprotocol = subprotocol
    }
}

extension Fact {
    var dataPayload: [String: JSONValue] {
        switch self {
        case .dataProducerCreated(let subject, let paused): subject.members.with("paused", .bool(paused))
        case .dataProducerPaused(let subject), .dataProducerResumed(let subject): subject.members
        case .dataProducerClosed(let subject, let reason): subject.members.with("reason", .string(reason))
        case .dataConsumerCreated(let subject, let paused, let producerPaused):
            subject.members.with("paused", .bool(paused)).with("producerPaused", .bool(producerPaused))
        case .dataConsumerPaused(let subject, let byProducer), .dataConsumerResumed(let subject, let byProducer):
            subject.members.with("byProducer", .bool(byProducer))
        case .dataConsumerClosed(let subject, let reason): subject.members.with("reason", .string(reason))
        default: [:]
        }
    }

    /// For people.
    var dataDetails: String {
        switch self {
        case .dataProducerCreated(let subject, let paused): subject.words + (paused ? ", paused" : "")
        case .dataProducerPaused(let subject), .dataProducerResumed(let subject): subject.words
        case .dataProducerClosed(let subject, let reason): "\(subject.words), \(words(for: reason))"
        case .dataConsumerCreated(let subject, let paused, _): subject.words + (paused ? ", paused" : "")
        case .dataConsumerPaused(let subject, let byProducer), .dataConsumerResumed(let subject, let byProducer):
            subject.words + (byProducer ? ", by its producer" : "")
        case .dataConsumerClosed(let subject, let reason): "\(subject.words), \(words(for: reason))"
        default: ""
        }
    }
}

extension DataProducerSubject {
    fileprivate var members: [String: JSONValue] {
        transport.members.with("dataProducerId", .string(id)).with("label", .string(label))
            .with("protocol", .string(subprotocol))
    }

    fileprivate var words: String { "\(channel(label)) by \(transport.broadcaster.displayName)" }
}

extension DataConsumerSubject {
    fileprivate var members: [String: JSONValue] {
        transport.members.with("dataConsumerId", .string(id)).with("dataProducerId", .string(dataProducerID))
            .with("label", .string(label)).with("protocol", .string(subprotocol))
    }

    fileprivate var words: String { "\(channel(label)) for \(transport.broadcaster.displayName)" }
}

/// Labels are somebody else's texts, of any length.
private func channel(_ label: String) -> String {
    label.isEmpty ? "data" : "data \"\(label.count > 64 ? "\(label.prefix(64))…" : label)\""
}
