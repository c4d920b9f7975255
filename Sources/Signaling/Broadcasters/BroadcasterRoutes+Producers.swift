import Base
import Control
import MediaCore
import ORTC

extension BroadcasterRoutes {
    var producerRoutes: [Route] {
        [
            Route(.post, "\(Self.base)/transports/{transport}/producers", produce),
            Route(.post, "\(Self.base)/producers/{producer}/pause", pauseProducer),
            Route(.post, "\(Self.base)/producers/{producer}/resume", resumeProducer),
            Route(.get, "\(Self.base)/producers/{producer}/stats", producerStats),
            Route(.delete, "\(Self.base)/producers/{producer}", removeProducer),
        ]
    }

    private func produce(_ call: Call) async throws -> Answer {
        let body = try await call.lenientBody()
        let room = try await room(of: call)
        _ = try await room.transport(transport(call), of: call.name("broadcaster"))
        let kind = try MediaKind(json: body["kind"])
        let parameters = try RTPParameters(json: body["rtpParameters"] ?? .null)
        let made = try await room.produce(
            on: transport(call), of: call.name("broadcaster"), ProduceOptions(kind: kind, rtpParameters: parameters))
        return .json(["id": .string(made.id.rawValue)])
    }

    private func pauseProducer(_ call: Call) async throws -> Answer {
        try await room(of: call).pause(producer(call), of: call.name("broadcaster"))
        return .empty
    }

    private func resumeProducer(_ call: Call) async throws -> Answer {
        try await room(of: call).resume(producer(call), of: call.name("broadcaster"))
        return .empty
    }

    private func producerStats(_ call: Call) async throws -> Answer {
        .json(try await room(of: call).stats(producer(call), of: call.name("broadcaster")))
    }

    private func removeProducer(_ call: Call) async throws -> Answer {
        try await room(of: call).closeProducer(producer(call), of: call.name("broadcaster"))
        return .text("producer deleted")
    }
}
