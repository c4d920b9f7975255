import Base
import Control
import Events
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// The HTTP door: the broadcaster API under `/rooms`, everything else under `/api/v1`; for those who watch over the
/// gateway, `/health` and `/metrics`; and protoo's WebSocket for clients of mediasoup applications.
///
/// It stops gracefully: requests under way are answered, event streams end, then `run` returns; clients that read or
/// send too slowly for that are cut off.
public struct SignalingServer: Service {
    private let configuration: SignalingConfiguration
    private let doors: Doors
    private let rooms: Rooms
    private let tls: TLSKeeper?
    private let logger: Logger
    private let onListening: @Sendable (_ port: Int) async -> Void

    /// - Parameters:
    ///   - version: Of the product, for `GET /api/v1/version`.
    ///   - health: For `GET /health/ready`.
    ///   - metrics: For `GET /metrics`.
    ///   - requests: Where answered requests are counted.
    ///   - sessions: Of WHIP and WHEP clients.
    ///   - onListening: Called once, when requests are accepted; with the port, which the system may have chosen.
    /// - Throws: `SignalingError.configuration`, also for files of TLS that can't be used.
    public init(
        configuration: SignalingConfiguration, rooms: Rooms, pipelines: any PipelineControlling, events: EventBus,
        version: String, health: any HealthSource = AlwaysReady(), metrics: any MetricsSource = NoMetrics(),
        requests: RequestCounter = RequestCounter(), sessions: ClientSessions = ClientSessions(), logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) throws(SignalingError) {
        try configuration.validate()
        if let files = configuration.tls { tls = try TLSKeeper(files, logger: logger) } else { tls = nil }
        self.configuration = configuration
        self.rooms = rooms
        self.logger = logger
        self.onListening = onListening
        let owners = IngestOwners(pipelines: pipelines)
        let whip = WHIPRoutes(rooms: rooms, sessions: sessions, iceServers: configuration.iceServers)
        let whep = WHEPRoutes(rooms: rooms, sessions: sessions, iceServers: configuration.iceServers)
        let table = RouteTable(
            routes: BroadcasterRoutes(rooms: rooms).routes + whip.routes + whep.routes
                + RoomRoutes(rooms: rooms, events: events, version: version).routes
                + IngestRoutes(pipelines: pipelines, owners: owners).routes
                + RecordingRoutes(pipelines: pipelines).routes + PipelineRoutes(pipelines: pipelines).routes
                + EventRoutes(events: events).routes + HealthRoutes(health: health).routes
                + MetricsRoutes(source: metrics).routes + PageRoutes().routes)
        doors = Doors(
            doorkeeper: Doorkeeper(configuration: configuration), routes: table, bodyLimit: configuration.bodyLimit,
            requests: requests, logger: logger)
    }

    /// What can be asked for, as OpenAPI writes it: "GET /rooms/{room}".
    public var routes: [String] { doors.routes.routes.map { "\($0.method.rawValue) \($0.path)" } }

    /// - Throws: `SignalingError.addressInUse` or `.cannotListen`.
    public func run() async throws {
        let application = Application(
            responder: doors,
            server: httpAndWebSockets,
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "ladle",
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.maximumConnections)),
            onServerRunning: { [configuration, onListening] channel in
                await onListening(channel.localAddress?.port ?? configuration.port)
            },
            logger: quiet(logger))
        let renewal = Task { [tls, configuration] in await tls?.watch(every: configuration.tlsLookInterval) }
        defer { renewal.cancel() }
        do {
            try await runUntilPatienceEnds(application)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw SignalingError.addressInUse(host: configuration.host, port: configuration.port)
        } catch let error as IOError {
            throw SignalingError.cannotListen(
                host: configuration.host, port: configuration.port, cause: String(cString: strerror(error.errnoCode)))
        }
    }

    private var httpAndWebSockets: HTTPServerBuilder {
        let http = HTTP1Channel.Configuration(
            idleTimeout: .nanoseconds(configuration.idleTimeout.nanoseconds),
            // 16 kB: far beyond what scripts and browsers send; the limit is per connection.
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 16 * 1024, maxHeaderFieldCount: 100))
        let door = ProtooDoor(
            doorkeeper: doors.doorkeeper, limits: configuration.webSockets, requests: doors.requests)
        return HTTPServerBuilder { [rooms, configuration, tls, logger] responder in
            let channel = OneDoorChannel(http: HTTP1Channel(responder: responder, configuration: http), door: door) {
                socket, visit in
                let connection = ProtooConnection(
                    socket: socket, visit: visit, limits: configuration.webSockets, logger: logger)
                await connection.run(in: rooms)
            }
            return if let tls { TLSChannel(door: channel, keeper: tls) } else { channel }
        }
    }

    /// A client that has stopped reading, or sends half a request, would keep the gateway from stopping.
    private func runUntilPatienceEnds(_ application: some ApplicationProtocol) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await application.run()
                return true
            }
            group.addTask { [patience = configuration.stopPatience] in
                // Throws when cancelled: the server has ended by itself.
                guard (try? await gracefulShutdown()) != nil else { return false }
                return (try? await Task.sleep(for: patience)) == nil
            }
            let hasEnded = try await group.next() ?? true
            group.cancelAll()
            guard !hasEnded else { return }
            do { _ = try await group.next() } catch is CancellationError {}
        }
    }

    /// The HTTP library's own notes are no news of the gateway's life.
    private func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}
