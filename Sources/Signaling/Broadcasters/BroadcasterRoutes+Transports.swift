import Base
import Control
import MediaCore

extension BroadcasterRoutes {
    var transportRoutes: [Route] {
        [
            Route(.post, "\(Self.base)/transports", createTransport),
            Route(.post, "\(Self.base)/transports/{transport}/connect", connect),
            Route(.get, "\(Self.base)/transports/{transport}/stats", transportStats),
            Route(.delete, "\(Self.base)/transports/{transport}", removeTransport),
        ]
    }

    private func createTransport(_ call: Call) async throws -> Answer {
        let body = try await call.lenientBody()
        let room = try await room(of: call)
        _ = try await room.broadcaster(call.name("broadcaster"))
        switch body["type"]?.stringValue {
        case "plain": break
        case "webrtc":
            throw ControlError.unsupported("this gateway has no WebRTC transports yet; ask for type \"plain\"")
        default: throw ControlError.type("invalid type")
        }
        let request = TransportRequest(
            rtcpMux: try body.flag("rtcpMux", default: false), comedia: try body.flag("comedia", default: true),
            enableSRTP: try body.flag("enableSrtp", default: false),
            srtpCryptoSuite: try body.optionalText("srtpCryptoSuite"))
        let made = try await room.createPlainTransport(for: call.name("broadcaster"), options: request)
        return .json(
            .object(omittingAbsent: [
                "id": .string(made.id.rawValue),
                "ip": .string(made.tuple.localAddress),
                "port": JSONValue(made.tuple.localPort),
                "rtcpPort": made.rtcpTuple.map { JSONValue($0.localPort) },
            ]))
    }

    /// `{ip, port, rtcpPort?}`. `{dtlsParameters}` is for WebRTC transports.
    private func connect(_ call: Call) async throws -> Answer {
        let body = try await call.lenientBody()
        let room = try await room(of: call)
        let id = transport(call)
        _ = try await room.transport(id, of: call.name("broadcaster"))
        guard body["dtlsParameters"] == nil else {
            throw ControlError(.invalid, "transport with id \"\(id)\" is not a WebRtcTransport")
        }
        guard body["srtpParameters"] == nil else {
            throw ControlError.unsupported("SRTP is not supported yet: body.srtpParameters can't be used")
        }
        let remote = PlainTransportRemote(
            ip: try body.optionalText("ip"), port: try body.optionalPort("port"),
            rtcpPort: try body.optionalPort("rtcpPort"))
        try await room.connect(id, of: call.name("broadcaster"), remote)
        return .empty
    }

    private func transportStats(_ call: Call) async throws -> Answer {
        .json(try await room(of: call).stats(transport(call), of: call.name("broadcaster")))
    }

    private func removeTransport(_ call: Call) async throws -> Answer {
        try await room(of: call).closeTransport(transport(call), of: call.name("broadcaster"))
        return .text("transport deleted")
    }
}
