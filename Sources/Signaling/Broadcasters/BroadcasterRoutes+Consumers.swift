import Base
import Control
import MediaCore
import ORTC

extension BroadcasterRoutes {
    var consumerRoutes: [Route] {
        [
            Route(.post, "\(Self.base)/transports/{transport}/consume", consume),
            Route(.post, "\(Self.base)/consumers/{consumer}/pause", pauseConsumer),
            Route(.post, "\(Self.base)/consumers/{consumer}/resume", resumeConsumer),
            Route(.post, "\(Self.base)/consumers/{consumer}/key-frame", requestKeyFrame),
            Route(.get, "\(Self.base)/consumers/{consumer}/stats", consumerStats),
            Route(.delete, "\(Self.base)/consumers/{consumer}", removeConsumer),
        ]
    }

    /// By the query, as the scripts do; or by the body, which can say more.
    private func consume(_ call: Call) async throws -> Answer {
        let body = try await call.lenientBody()
        let room = try await room(of: call)
        let owner = try await room.broadcaster(call.name("broadcaster"))
        let capabilities = try body.optionalObject("rtpCapabilities").map { try RTPCapabilities(json: $0) }
        guard capabilities ?? owner.rtpCapabilities != nil else {
            throw ControlError(.invalid, "broadcaster does not have rtpCapabilities")
        }
        _ = try await room.transport(transport(call), of: owner.id)
        guard let producer = try call.query["producerId"] ?? body.optionalText("producerId"), !producer.isEmpty else {
            throw ControlError.type("missing producerId")
        }
        let request = ConsumeRequest(
            producer: ProducerID(rawValue: producer), rtpCapabilities: capabilities,
            paused: try body.flag("paused", default: false), enableRTX: try body.optionalFlag("enableRtx"))
        let made = try await room.consume(on: transport(call), of: owner.id, request)
        return .json([
            "id": .string(made.id.rawValue),
            "producerId": .string(made.producer.rawValue),
            "kind": .string(made.kind.rawValue),
            "rtpParameters": made.rtpParameters.json,
            "type": .string(made.type),
        ])
    }

    private func pauseConsumer(_ call: Call) async throws -> Answer {
        try await room(of: call).pause(consumer(call), of: call.name("broadcaster"))
        return .empty
    }

    private func resumeConsumer(_ call: Call) async throws -> Answer {
        try await room(of: call).resume(consumer(call), of: call.name("broadcaster"))
        return .empty
    }

    private func requestKeyFrame(_ call: Call) async throws -> Answer {
        try await room(of: call).requestKeyFrame(consumer(call), of: call.name("broadcaster"))
        return .empty
    }

    private func consumerStats(_ call: Call) async throws -> Answer {
        .json(try await room(of: call).stats(consumer(call), of: call.name("broadcaster")))
    }

    private func removeConsumer(_ call: Call) async throws -> Answer {
        try await room(of: call).closeConsumer(consumer(call), of: call.name("broadcaster"))
        return .text("consumer deleted")
    }
}
