import Base
import Control
import MediaCore
import ORTC

// Data channels of broadcasters: over SCTP in bare datagrams, on plain transports that were made with it.
extension BroadcasterRoutes {
    private static let producer = "\(base)/data-producers/{dataProducer}"
    private static let consumer = "\(base)/data-consumers/{dataConsumer}"

    var dataRoutes: [Route] {
        [
            Route(.post, "\(Self.base)/transports/{transport}/produce/data", produceData),
            Route(.post, "\(Self.base)/transports/{transport}/consume/data", consumeData),
            Route(.post, "\(Self.producer)/pause", pauseDataProducer),
            Route(.post, "\(Self.producer)/resume", resumeDataProducer),
            Route(.get, "\(Self.producer)/stats", dataProducerStats),
            Route(.delete, Self.producer, removeDataProducer),
            Route(.post, "\(Self.consumer)/pause", pauseDataConsumer),
            Route(.post, "\(Self.consumer)/resume", resumeDataConsumer),
            Route(.get, "\(Self.consumer)/stats", dataConsumerStats),
            Route(.delete, Self.consumer, removeDataConsumer),
        ]
    }

    /// The demo's `sctpCapabilities: {numStreams}`; or mediasoup's `enableSctp`, with `numSctpStreams`.
    static func sctp(_ body: JSONBody) throws -> SCTPOptions? {
        if let capabilities = try body.optionalObject("sctpCapabilities") {
            return SCTPOptions(streams: try SCTPStreamCounts(json: capabilities["numStreams"]) ?? SCTPStreamCounts())
        }
        guard try body.flag("enableSctp", default: false) else { return nil }
        return SCTPOptions(streams: try SCTPStreamCounts(json: body["numSctpStreams"]) ?? SCTPStreamCounts())
    }

    private func produceData(_ call: Call) async throws -> Answer {
        let body = try await call.lenientBody()
        let room = try await room(of: call)
        _ = try await room.transport(transport(call), of: call.name("broadcaster"))
        let options = ProduceDataOptions(
            stream: try SCTPStreamParameters(json: body["sctpStreamParameters"]),
            label: try body.optionalText("label") ?? "", subprotocol: try body.optionalText("protocol") ?? "")
        let made = try await room.produceData(
            on: transport(call), of: call.name("broadcaster"), options,
            appData: try body.optionalObject("appData") ?? [:])
        return .json(["id": .string(made.id.rawValue)])
    }

    private func consumeData(_ call: Call) async throws -> Answer {
        let body = try await call.lenientBody()
        let room = try await room(of: call)
        // The demo asks for them here, too.
        guard try await room.broadcaster(call.name("broadcaster")).rtpCapabilities != nil else {
            throw ControlError(.invalid, "broadcaster does not have rtpCapabilities")
        }
        _ = try await room.transport(transport(call), of: call.name("broadcaster"))
        guard let producer = try body.optionalText("dataProducerId"), !producer.isEmpty else {
            throw ControlError.type("missing dataProducerId")
        }
        let made = try await room.consumeData(
            on: transport(call), of: call.name("broadcaster"),
            ConsumeDataOptions(producer: DataProducerID(rawValue: producer)))
        return .json(
            .object(omittingAbsent: [
                "id": .string(made.id.rawValue), "streamId": made.stream.map { JSONValue($0.streamID) },
            ]))
    }

    private func pauseDataProducer(_ call: Call) async throws -> Answer {
        try await room(of: call).pause(dataProducer(call), of: call.name("broadcaster"))
        return .empty
    }

    private func resumeDataProducer(_ call: Call) async throws -> Answer {
        try await room(of: call).resume(dataProducer(call), of: call.name("broadcaster"))
        return .empty
    }

    private func dataProducerStats(_ call: Call) async throws -> Answer {
        .json(try await room(of: call).stats(dataProducer(call), of: call.name("broadcaster")))
    }

    private func removeDataProducer(_ call: Call) async throws -> Answer {
        try await room(of: call).closeDataProducer(dataProducer(call), of: call.name("broadcaster"))
        return .text("data producer deleted")
    }

    private func pauseDataConsumer(_ call: Call) async throws -> Answer {
        try await room(of: call).pause(dataConsumer(call), of: call.name("broadcaster"))
        return .empty
    }

    private func resumeDataConsumer(_ call: Call) async throws -> Answer {
        try await room(of: call).resume(dataConsumer(call), of: call.name("broadcaster"))
        return .empty
    }

    private func dataConsumerStats(_ call: Call) async throws -> Answer {
        .json(try await room(of: call).stats(dataConsumer(call), of: call.name("broadcaster")))
    }

    private func removeDataConsumer(_ call: Call) async throws -> Answer {
        try await room(of: call).closeDataConsumer(dataConsumer(call), of: call.name("broadcaster"))
        return .text("data consumer deleted")
    }

    private func dataProducer(_ call: Call) -> DataProducerID { DataProducerID(rawValue: call.name("dataProducer")) }
    private func dataConsumer(_ call: Call) -> DataConsumerID { DataConsumerID(rawValue: call.name("dataConsumer")) }
}
