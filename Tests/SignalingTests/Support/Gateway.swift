import Base
import Control
import Events
import Logging
import MediaCore
import ORTC
import ScriptedCore
import ServiceLifecycle
import Signaling
import Testing

/// The real door on a free port, over a core without media.
struct Gateway: Sendable {
    let core: ScriptedCore
    let events: EventBus
    let rooms: Rooms
    let pipelines: ScriptedPipelines
    let server: SignalingServer
    let client: RawClient

    /// Runs `body` beside the server, then stops it gracefully.
    static func run(
        _ configuration: SignalingConfiguration = SignalingConfiguration(port: 0),
        mediaCodecs: [RTPCodecCapability] = RouterCodecs.standard,
        health: any HealthSource = AlwaysReady(), metrics: any MetricsSource = NoMetrics(),
        requests: RequestCounter = RequestCounter(),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: @Sendable (Gateway) async throws -> Void
    ) async throws {
        let core = ScriptedCore(mediaCodecs: mediaCodecs)
        let events = EventBus(boot: "0a1b2c3d", capacity: 100)
        let rooms = Rooms(core: core, events: events, configuration: RoomsConfiguration(idleTimeout: .zero))
        let pipelines = ScriptedPipelines()
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = try SignalingServer(
            configuration: configuration, rooms: rooms, pipelines: pipelines, events: events, version: "1.2.3",
            health: health, metrics: metrics, requests: requests, logger: logger, onListening: { listening.yield($0) })
        let services = ServiceGroup(configuration: .init(services: [server], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { listening.finish() }
                try await services.run()
            }
            guard let port = await ports.first(where: { _ in true }) else {
                try await group.waitForAll()
                return
            }
            let gateway = Gateway(
                core: core, events: events, rooms: rooms, pipelines: pipelines, server: server,
                client: RawClient(port: port))
            do { try await body(gateway) } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }
}

extension JSONValue {
    /// What every broadcaster is made with.
    static func broadcaster(_ id: String, capabilities: RTPCapabilities? = nil) -> JSONValue {
        .object(omittingAbsent: [
            "id": .string(id), "displayName": "Broadcaster", "device": ["name": "FFmpeg"],
            "rtpCapabilities": capabilities?.json,
        ])
    }

    static let vp8: JSONValue = [
        "kind": "video",
        "rtpParameters": [
            "codecs": [["mimeType": "video/vp8", "payloadType": 101, "clockRate": 90_000]],
            "encodings": [["ssrc": 2222]],
        ],
    ]
}
