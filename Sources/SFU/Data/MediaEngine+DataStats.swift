import Base
import ORTC
import SCTP

// mediasoup's getStats() and dump() of data producers and data consumers, and what transports' have of SCTP.
extension MediaEngine {
    public func stats(of id: DataProducerID, now: Instant) throws(SFUError) -> JSONValue {
        let index = try index(id, "dataProducer.getStats")
        return [
            [
                "type": "data-producer", "timestamp": JSONValue(now.nanoseconds / 1_000_000),
                "label": JSONValue(dataProducers[index].label), "protocol": JSONValue(dataProducers[index].subprotocol),
                "messagesReceived": JSONValue(dataProducers[index].messagesReceived),
                "bytesReceived": JSONValue(dataProducers[index].bytesReceived),
            ]
        ]
    }

    public func stats(of id: DataConsumerID, now: Instant) throws(SFUError) -> JSONValue {
        let index = try index(id, "dataConsumer.getStats")
        return [
            [
                "type": "data-consumer", "timestamp": JSONValue(now.nanoseconds / 1_000_000),
                "label": JSONValue(dataConsumers[index].label), "protocol": JSONValue(dataConsumers[index].subprotocol),
                "messagesSent": JSONValue(dataConsumers[index].messagesSent),
                "bytesSent": JSONValue(dataConsumers[index].bytesSent),
                "bufferedAmount": JSONValue(dataConsumers[index].bufferedAmount),
            ]
        ]
    }

    public func dump(of id: DataProducerID) throws(SFUError) -> JSONValue {
        let index = try index(id, "dataProducer.dump")
        return .object(omittingAbsent: [
            "id": JSONValue(id.rawValue), "type": JSONValue(dataProducers[index].type.rawValue),
            "sctpStreamParameters": dataProducers[index].stream?.json,
            "label": JSONValue(dataProducers[index].label),
            "protocol": JSONValue(dataProducers[index].subprotocol),
            "paused": JSONValue(dataProducers[index].paused),
        ])
    }

    public func dump(of id: DataConsumerID) throws(SFUError) -> JSONValue {
        let index = try index(id, "dataConsumer.dump")
        return .object(omittingAbsent: [
            "id": JSONValue(id.rawValue), "dataProducerId": JSONValue(dataConsumers[index].producerID.rawValue),
            "type": JSONValue(dataConsumers[index].type.rawValue),
            "sctpStreamParameters": dataConsumers[index].stream?.json,
            "label": JSONValue(dataConsumers[index].label),
            "protocol": JSONValue(dataConsumers[index].subprotocol),
            "bufferedAmountLowThreshold": JSONValue(dataConsumers[index].lowThreshold),
            "paused": JSONValue(dataConsumers[index].paused),
            "dataProducerPaused": JSONValue(dataConsumers[index].producerPaused),
            "subchannels": .array(dataConsumers[index].subchannels.sorted().map { JSONValue($0) }),
        ])
    }

    /// `sctpParameters` as the remote side has to be told; nil: the transport has no SCTP.
    public func sctpParameters(of id: TransportID) -> JSONValue? {
        transportByID[id].flatMap { transports[$0].sctp }.map { sctpLinks[$0].parameters }
    }

    /// Nil: the transport has no SCTP.
    public func sctpState(of id: TransportID) -> SCTPState? {
        transportByID[id].flatMap { transports[$0].sctp }.map { sctpLinks[$0].association.state }
    }

    func sctpStats(of transport: SlabIndex) -> [String: JSONValue] {
        guard let link = transports[transport].sctp else { return [:] }
        return ["sctpState": JSONValue(sctpLinks[link].association.state.rawValue)]
    }

    /// Of a transport's dump.
    func dataDump(of transport: SlabIndex) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "dataProducerIds": .array(
                transports[transport].dataProducers.map { JSONValue(dataProducers[$0].id.rawValue) }),
            "dataConsumerIds": .array(
                transports[transport].dataConsumers.map { JSONValue(dataConsumers[$0].id.rawValue) }),
            "maxMessageSize": JSONValue(transports[transport].maximumMessage),
        ]
        guard let link = transports[transport].sctp else { return members }
        members["sctpParameters"] = sctpLinks[link].parameters
        members["sctpState"] = JSONValue(sctpLinks[link].association.state.rawValue)
        members["sctpListener"] = [
            "streamIdTable": .array(
                sctpLinks[link].producers.sorted { $0.key < $1.key }.map {
                    ["key": JSONValue($0.key), "value": JSONValue(dataProducers[$0.value].id.rawValue)]
                })
        ]
        return members
    }

    /// Of a router's dump.
    func dataMaps(of router: SlabIndex) -> (consumersOf: JSONValue, producerOf: JSONValue) {
        var (consumersOf, producerOf): ([JSONValue], [JSONValue]) = ([], [])
        for transport in routers[router].transports {
            for producer in transports[transport].dataProducers {
                let id = JSONValue(dataProducers[producer].id.rawValue)
                let names = dataProducers[producer].consumers.map { JSONValue(dataConsumers[$0].id.rawValue) }
                consumersOf.append(["key": id, "values": .array(names)])
                producerOf += names.map { ["key": $0, "value": id] }
            }
        }
        return (.array(consumersOf), .array(producerOf))
    }
}
