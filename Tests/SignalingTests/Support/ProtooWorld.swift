import Base
import Control
import Events
import Logging
import MediaCore
import MediaPlane
import ORTC
import ScriptedCore
import ServiceLifecycle
import Signaling
import Testing

/// The real door on a free port, over whichever core.
struct ProtooWorld<Core: MediaCore>: Sendable {
    let core: Core
    let rooms: Rooms
    let port: Int

    static func run(
        _ core: Core, configuration: SignalingConfiguration = SignalingConfiguration(port: 0),
        codecs: [RTPCodecCapability]? = nil, _ body: @Sendable (ProtooWorld) async throws -> Void
    ) async throws {
        let events = EventBus(boot: "0a1b2c3d", capacity: 100)
        let rooms = Rooms(
            core: core, events: events, configuration: RoomsConfiguration(idleTimeout: .zero, codecs: codecs))
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = try SignalingServer(
            configuration: configuration, rooms: rooms, pipelines: ScriptedPipelines(), events: events,
            version: "1.2.3", logger: logger, onListening: { listening.yield($0) })
        let services = ServiceGroup(configuration: .init(services: [server], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            let carrier = Task { await rooms.run() }
            guard let port = await ports.first(where: { _ in true }) else { return }
            let world = ProtooWorld(core: core, rooms: rooms, port: port)
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(world)) } catch { outcome = .failure(error) }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
            await rooms.shutDown()
            carrier.cancel()
            try outcome.get()
        }
    }

    func open(
        _ peer: String, room: String = "r", _ more: String = "", headers: [String: String] = ProtooClient.subprotocol
    ) async throws -> ProtooClient {
        try await ProtooClient.open(port, "roomId=\(room)&peerId=\(peer)\(more)", headers: headers)
    }
}

extension ProtooWorld where Core == ScriptedCore {
    static func run(
        _ configuration: SignalingConfiguration = SignalingConfiguration(port: 0),
        _ body: @Sendable (ProtooWorld) async throws -> Void
    ) async throws {
        try await run(ScriptedCore(), configuration: configuration, body)
    }
}

/// What web applications do one after the other.
extension ProtooClient {
    func data(_ method: String, _ data: JSONValue? = nil) async throws -> JSONValue {
        let response = try await ask(method, data)
        return try #require(response["ok"] == true ? response["data"] : nil, "\(response)")
    }

    /// Joins with what the router can do.
    /// - Returns: The others.
    @discardableResult
    func join(
        _ name: String, device: JSONValue = ["flag": "chrome", "name": "Chrome", "version": "1"]
    ) async throws -> JSONValue {
        let capabilities = try await data("getRouterRtpCapabilities")
        return try await data(
            "join",
            [
                "displayName": .string(name), "device": device,
                "rtpCapabilities": capabilities,
            ])["peers"] ?? .null
    }

    func transport(producing: Bool = false, consuming: Bool = false) async throws -> JSONValue {
        try await data(
            "createWebRtcTransport",
            ["forceTcp": false, "producing": .bool(producing), "consuming": .bool(consuming)])["id"] ?? .null
    }

    /// A video of the simplest kind.
    func produce(on transport: JSONValue, ssrc: Int64 = 22, appData: JSONValue = [:]) async throws -> JSONValue {
        try await data("produce", Self.video(on: transport, ssrc: ssrc, appData: appData))["id"] ?? .null
    }

    static func video(on transport: JSONValue, ssrc: Int64 = 22, appData: JSONValue = [:]) -> JSONValue {
        [
            "transportId": transport, "kind": "video", "appData": appData,
            "rtpParameters": [
                "mid": .string("\(ssrc)"),
                "codecs": [["mimeType": "video/VP8", "payloadType": 96, "clockRate": 90_000]],
                "encodings": [["ssrc": .integer(ssrc)]], "rtcp": ["cname": "cn"],
            ],
        ]
    }
}
