import Base
import Control
import MediaCore
import ORTC

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
        case "webrtc": return try await createWebRTCTransport(body, for: call.name("broadcaster"), in: room)
        default: throw ControlError.type("invalid type")
        }
        let request = TransportRequest(
            rtcpMux: try body.flag("rtcpMux", default: false), comedia: try body.flag("comedia", default: true),
            enableSRTP: try body.flag("enableSrtp", default: false),
            srtpCryptoSuite: try body.optionalText("srtpCryptoSuite"), sctp: try Self.sctp(body))
        let made = try await room.createPlainTransport(for: call.name("broadcaster"), options: request)
        return .json(
            .object(omittingAbsent: [
                "id": .string(made.id.rawValue),
                "ip": .string(made.tuple.localAddress),
                "port": JSONValue(made.tuple.localPort),
                "rtcpPort": made.rtcpTuple.map { JSONValue($0.localPort) },
                "srtpParameters": made.srtpParameters.map(Self.json),
                "sctpParameters": made.sctpParameters?.json,
            ]))
    }

    /// For sending as much as for receiving: its tracks are kept in step.
    private func createWebRTCTransport(_ body: JSONBody, for member: String, in room: Room) async throws -> Answer {
        let request = WebRTCTransportRequest(producing: true, sctp: try Self.sctp(body))
        let made = try await room.createWebRTCTransport(for: member, request)
        return .json(
            .object(omittingAbsent: [
                "id": .string(made.id.rawValue),
                "iceParameters": made.iceParameters.json,
                "iceCandidates": .array(made.iceCandidates.map(\.json)),
                "dtlsParameters": made.dtlsParameters.json,
                "sctpParameters": made.sctpParameters?.json,
            ]))
    }

    private static func json(_ parameters: SRTPParameters) -> JSONValue {
        ["cryptoSuite": .string(parameters.cryptoSuite), "keyBase64": .string(parameters.keyBase64)]
    }

    private static func srtpParameters(_ given: JSONValue?) throws(ControlError) -> SRTPParameters? {
        guard let given else { return nil }
        guard let suite = given["cryptoSuite"]?.stringValue, let key = given["keyBase64"]?.stringValue else {
            throw ControlError.type("body.srtpParameters is not {cryptoSuite, keyBase64}, two strings")
        }
        return SRTPParameters(cryptoSuite: suite, keyBase64: key)
    }

    /// `{dtlsParameters}` for WebRTC transports, `{ip, port, rtcpPort?, srtpParameters?}` for plain ones. With SRTP the answer tells
    /// our own parameters, which the remote side's suite may have changed.
    private func connect(_ call: Call) async throws -> Answer {
        let body = try await call.lenientBody()
        let room = try await room(of: call)
        let id = transport(call)
        if try await room.transport(id, of: call.name("broadcaster")).webRTC != nil {
            try await room.connect(id, of: call.name("broadcaster"), DTLSParameters(json: body["dtlsParameters"]))
            return .empty
        }
        guard body["dtlsParameters"] == nil else {
            throw ControlError(.invalid, "transport with id \"\(id)\" is not a WebRtcTransport")
        }
        let remote = PlainTransportRemote(
            ip: try body.optionalText("ip"), port: try body.optionalPort("port"),
            rtcpPort: try body.optionalPort("rtcpPort"),
            srtpParameters: try Self.srtpParameters(body["srtpParameters"]))
        let connected = try await room.connect(id, of: call.name("broadcaster"), remote)
        guard let own = connected.srtpParameters else { return .empty }
        return .json(["srtpParameters": Self.json(own)])
    }

    private func transportStats(_ call: Call) async throws -> Answer {
        .json(try await room(of: call).stats(transport(call), of: call.name("broadcaster")))
    }

    private func removeTransport(_ call: Call) async throws -> Answer {
        try await room(of: call).closeTransport(transport(call), of: call.name("broadcaster"))
        return .text("transport deleted")
    }
}
