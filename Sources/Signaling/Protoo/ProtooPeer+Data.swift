import Base
import Control
import MediaCore
import ORTC
import Protoo

// Data channels of a client.
extension ProtooPeer {
    /// SCTP for a transport, as the client asks for it. Those of the newer dialect have it without asking: the latest ones do
    /// not tell what they can do, and who has no use for it does not notice.
    func sctp(for data: JSONValue) throws -> SCTPOptions? {
        guard let asked = data["sctpCapabilities"], asked.isTruthy else {
            return dialect == .modern ? SCTPOptions() : nil
        }
        return SCTPOptions(streams: try SCTPStreamCounts(json: asked["numStreams"]) ?? SCTPStreamCounts())
    }

    /// What a client's `join` says of data channels.
    func takesDataChannels(_ data: JSONValue) -> Bool { data["sctpCapabilities"].isTruthy || dialect == .modern }

    func produceData(_ data: JSONValue) async throws -> JSONValue {
        let id = try await transport(data)
        let options = ProduceDataOptions(
            stream: try SCTPStreamParameters(json: data["sctpStreamParameters"]),
            label: data["label"]?.stringValue ?? "", subprotocol: data["protocol"]?.stringValue ?? "")
        let appData = data["appData"]?.objectValue ?? [:]
        let channel = dialect == .modern ? appData["channel"]?.stringValue : nil
        let made = try await room.produceData(
            on: id, of: seat.id, options, channel: channel, appData: .object(appData))
        return PeerJSON.made("dataProducerId", made.id.rawValue, dialect)
    }

    func dataProducerStats(_ data: JSONValue) async throws -> JSONValue {
        let id = DataProducerID(rawValue: Self.word(data["dataProducerId"]))
        try await room.ownDataProducer(id, of: seat)
        return stats(try await room.stats(id, of: seat.id))
    }

    func dataConsumerStats(_ data: JSONValue) async throws -> JSONValue {
        let id = DataConsumerID(rawValue: Self.word(data["dataConsumerId"]))
        try await room.ownDataConsumer(id, of: seat)
        return stats(try await room.stats(id, of: seat.id))
    }

    /// The client is asked to make its half; messages do not wait for that. One for each, whatever the replicas.
    func offerData(_ producer: DataProducerID) async {
        guard let offer = await room.offerData(producer, to: seat) else { return }
        request("newDataConsumer", PeerJSON.newDataConsumer(offer, dialect), for: .dataConsumer(offer.consumer.id))
    }
}

/// What a client was asked to accept.
enum PeerObject: Sendable, Hashable {
    case consumer(ConsumerID)
    case dataConsumer(DataConsumerID)
}

extension PeerJSON {
    static func newDataConsumer(_ offer: PeerDataOffer, _ dialect: Dialect) -> JSONValue {
        let consumer = offer.consumer
        var members: [String: JSONValue] = [
            "dataProducerId": .string(consumer.producer.rawValue),
            "id": .string(consumer.id.rawValue),
            "label": .string(consumer.label),
            "protocol": .string(consumer.subprotocol),
        ]
        if let stream = consumer.stream { members["sctpStreamParameters"] = stream.json }
        var appData = offer.appData.objectValue ?? [:]
        if dialect == .modern {
            members["transportId"] = .string(consumer.transport.rawValue)
            members["dataConsumerId"] = .string(consumer.id.rawValue)
            appData["channel"] = appData["channel"] ?? .string(offer.channel)
            // Absent for the bot.
            if let sender = offer.sender {
                appData["peerId"] = .string(sender)
                members["peerId"] = .string(sender)
            }
        } else {
            members["peerId"] = offer.sender.map { JSONValue.string($0) } ?? .null
        }
        members["appData"] = .object(appData)
        return .object(members)
    }
}
