import Base
import Control
import Events
import Glibc
import Logging
import MediaCore
import MediaPlane
import Pipelines
import ServiceLifecycle
import Signaling

/// The daemon: one core, its rooms, pipelines and doors, started in order and stopped in reverse.
public struct Gateway: Sendable {
    private let settings: GatewaySettings
    private let logger = Logger(label: "ladle")

    public init(_ settings: GatewaySettings) throws(GatewayError) {
        try settings.validate()
        self.settings = settings
    }

    /// Runs until SIGTERM or SIGINT, or until a part fails.
    /// - Parameter onReady: Called when requests are accepted; cancelled at the end.
    /// - Throws: `GatewayError` when it can't start.
    public func run(onReady: @escaping @Sendable (RunningGateway) async -> Void) async throws {
        try make { try settings.checkMachine() }
        let folders = try make {
            try MediaFolders(sources: settings.mediaFolders, recordings: settings.recordingsFolder)
        }
        let catalog = try make { try PipelineCatalog(folder: try PipelinesFolder.find(settings.pipelinesFolder)) }
        let processes = try make {
            if let program = settings.pipelineProgram { return PipelineSettings(executable: program) }
            return try PipelineSettings.besideRunningProgram()
        }
        let core = try make { try EmbeddedCore(settings.mediaPlane) }
        let events = EventBus()
        let rooms = Rooms(
            core: core, events: events, configuration: RoomsConfiguration(idleTimeout: settings.idleRoom))
        let pipelines = PipelineSupervisor(
            rooms: rooms, catalog: catalog, folders: folders, settings: processes, events: events,
            configuration: PipelineSupervisorConfiguration(rtpIP: settings.rtpIP),
            logger: Logger(label: "ladle.pipelines"))

        let observation = Observation(
            settings: settings, pipelineProgram: processes.executable, core: core, rooms: rooms, pipelines: pipelines,
            events: events)
        let (ready, isReady) = AsyncStream.makeStream(of: Int.self)
        let door = try make {
            try SignalingServer(
                configuration: settings.signaling, rooms: rooms, pipelines: pipelines, events: events,
                version: LadleVersion.current, health: observation.health, metrics: observation.metrics,
                requests: observation.requests, logger: Logger(label: "ladle.http"),
                onListening: { port in isReady.yield(port) })
        }
        let greeting = Greeting(ready: ready) { port in
            await onReady(
                RunningGateway(
                    url: settings.url(port: port), mediaFolder: settings.mediaFolders.first ?? ".", events: events,
                    pipelines: pipelines))
        }
        // Stopped in reverse: pipelines first, so that recordings are whole; then rooms and the stream of events, so that
        // whoever follows one through the door reads its end; then the door, and the core that all of them talk to.
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: MediaService(core: core)), .init(service: observation.counting),
                    .init(service: greeting), .init(service: door),
                    .init(service: EventLog(events: events, logger: logger)), .init(service: RoomService(rooms: rooms)),
                    .init(service: PipelineService(pipelines: pipelines)), .init(service: observation.notice),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(logger)))
        do {
            try await group.run()
        } catch SignalingError.addressInUse(_, let port) {
            await core.shutDown()
            throw GatewayError.portInUse(settings.listenIP, UInt16(clamping: port))
        } catch let error as SignalingError {
            await core.shutDown()
            throw GatewayError("\(error)")
        }
    }

    /// Whatever a part complains of at its making is a reason not to start.
    private func make<Part>(_ body: () throws -> Part) throws(GatewayError) -> Part {
        do { return try body() } catch { throw GatewayError("\(error)") }
    }

    /// The group's own notes are no news of the gateway's life.
    private func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}

/// What a program around a running gateway may use.
public struct RunningGateway: Sendable {
    /// Where HTTP is served.
    public let url: String
    public let mediaFolder: String
    public let events: EventBus
    public let pipelines: any PipelineControlling
}

extension GatewayError {
    static func portInUse(_ ip: String, _ port: UInt16) -> GatewayError {
        let owner = PortOwner.ofListener(port: port)
        return GatewayError(
            "port \(port) on \(ip) is taken by \(owner.map(String.init(describing:)) ?? "another process"); "
                + "stop it, or choose another port with --listen")
    }
}

extension GatewaySettings {
    /// Refuses what this machine has not: better at the start than with the first file or the first transport.
    func checkMachine() throws(GatewayError) {
        for folder in mediaFolders { try checkFolder("media", folder) }
        // The folder itself is made when it is needed, but no tree of a mistyped path.
        if access(recordingsFolder, F_OK) == 0 {
            try checkFolder("recordings", recordingsFolder)
        } else {
            let parent = recordingsFolder.split(separator: "/").dropLast().joined(separator: "/")
            try checkFolder("recordings", "/" + parent)
        }
        guard let rtp = SocketAddress(rtpIP, port: 0), (try? UDPSocket.bind(to: rtp)) != nil else {
            throw GatewayError("rtp address: \(rtpIP) is no address of this machine")
        }
    }

    private func checkFolder(_ setting: String, _ folder: String) throws(GatewayError) {
        var about = stat()
        guard stat(folder, &about) == 0 else {
            throw GatewayError("\(setting): can't use the folder \(folder): \(String(cString: strerror(errno)))")
        }
        guard about.st_mode & S_IFMT == S_IFDIR else { throw GatewayError("\(setting): \(folder) is no folder") }
    }

    var mediaPlane: MediaPlaneConfiguration {
        var configuration = MediaPlaneConfiguration()
        configuration.listenIP = rtpIP
        configuration.announcedAddress = announcedAddress
        configuration.portRange = rtpPorts
        return configuration
    }

    var signaling: SignalingConfiguration {
        SignalingConfiguration(
            host: listenIP, port: Int(listenPort), token: token.flatMap { BearerToken($0) }, allowsEverybody: noAuth,
            knownHosts: hosts, allowedOrigins: origins)
    }

    func url(port: Int) -> String {
        let isIPv6 = listenIP.contains(":")
        return "http://\(isIPv6 ? "[\(listenIP)]" : listenIP):\(port)"
    }
}
