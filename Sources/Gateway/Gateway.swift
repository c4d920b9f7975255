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

    /// Runs until told to stop, or until a part fails.
    /// - Parameters:
    ///   - stop: Its first element asks for an end in order.
    ///   - environment: Where the service manager says how it wants to be informed.
    ///   - onReady: Called when requests are accepted; cancelled at the end.
    /// - Throws: `GatewayError` when it can't start.
    public func run(
        until stop: AsyncStream<StopRequest>, environment: [String: String] = [:],
        onReady: @escaping @Sendable (RunningGateway) async -> Void
    ) async throws {
        if let problem = MachineCheck(settings).folderAndAddressProblems.first { throw GatewayError(problem) }
        let folders = try make {
            try MediaFolders(sources: settings.mediaFolders, recordings: settings.recordingsFolder)
        }
        let catalog = try make { try settings.catalog() }
        let unfit = settings.sourceProblems(catalog)
        guard unfit.isEmpty else { throw GatewayError(unfit.joined(separator: "\n")) }
        let selfSigned = settings.selfSignedCertificate
        try selfSigned?.prepare(logger: logger)
        let processes = try make {
            if let program = settings.pipelineProgram { return PipelineSettings(executable: program) }
            return try PipelineSettings.besideRunningProgram()
        }
        let core: EmbeddedCore
        do { core = try EmbeddedCore(settings.mediaPlane) } catch {
            // The machine knows better who has the port.
            throw GatewayError(MachineCheck(settings).webRTCPortProblem ?? "\(error)")
        }
        let events = EventBus()
        let rooms = Rooms(
            core: core, events: events,
            configuration: RoomsConfiguration(idleTimeout: settings.idleRoom, codecs: settings.codecs))
        let pipelines = PipelineSupervisor(
            rooms: rooms, catalog: catalog, folders: folders, settings: processes, events: events,
            configuration: settings.supervisor,
            logger: Logger(label: "ladle.pipelines"))

        let observation = Observation(
            settings: settings, pipelineProgram: processes.executable, core: core, rooms: rooms, pipelines: pipelines,
            events: events)
        let (ready, isReady) = AsyncStream.makeStream(of: Int.self)
        let (listening, isListening) = AsyncStream.makeStream(of: Void.self)
        let (wish, stopWish) = AsyncStream.makeStream(of: StopRequest.self)
        let door = try make {
            try SignalingServer(
                configuration: settings.signaling, rooms: rooms, pipelines: pipelines, events: events,
                version: LadleVersion.current, health: observation.health, metrics: observation.metrics,
                requests: observation.requests, logger: Logger(label: "ladle.http"),
                onListening: { port in
                    isReady.yield(port)
                    isListening.yield()
                })
        }
        let url = Locked(settings.url(port: Int(settings.listenPort)))
        let reports = ServiceNotifier(environment: environment).map { notifier in
            ServiceReports(
                notifier: notifier, watchdog: WatchdogInterval.read(environment),
                answers: { limit in await core.answers(within: limit) },
                status: { await Self.status(url.withLock { $0 }, rooms, pipelines) }, logger: logger)
        }
        let greeting = Greeting(ready: ready) { port in
            let address = settings.url(port: port)
            url.withLock { $0 = address }
            await reports?.ready()
            await onReady(
                RunningGateway(
                    url: address, mediaFolder: settings.mediaFolders.first ?? ".",
                    selfSignedCertificate: selfSigned.map { SelfSignedFiles.certificate(in: $0.folder) },
                    events: events,
                    pipelines: pipelines, stop: { stopWish.yield(StopRequest(reason: $0)) }))
        }
        // Stopped in reverse: sources and pipelines first, so that recordings are whole; then rooms and the stream of
        // events, so that whoever follows one through the door reads its end; then the door, and the core that all of
        // them talk to.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: MediaService(core: core)), .init(service: observation.counting), .init(service: greeting),
            .init(service: door),
            .init(service: EventLog(events: events, logger: logger)), .init(service: RoomService(rooms: rooms)),
            .init(service: PipelineService(pipelines: pipelines, logger: logger)),
        ]
        if let reports { services.append(.init(service: reports)) }
        if !settings.sources.isEmpty {
            let standing = StandingSources(
                settings.sources, after: listening,
                start: { request throws(ControlError) in
                    try await pipelines.ingestProgress(try await pipelines.startIngest(request).id)
                },
                record: { request throws(ControlError) in
                    let id = try await pipelines.startRecording(request).id
                    let statuses = try await pipelines.recordingProgress(id)
                    return (statuses, { _ = try? await pipelines.finishRecording(id) })
                }, logger: Logger(label: "ladle.sources"))
            services.append(.init(service: standing, successTerminationBehavior: .ignore))
        }
        services.append(.init(service: observation.notice))
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: quiet(logger)))
        do {
            let deadline = StopDeadline(logger: logger)
            defer { deadline.cancel() }
            try await withThrowingTaskGroup(of: Bool.self) { tasks in
                for requests in [stop, wish] {
                    tasks.addTask { [logger] in
                        for await request in requests {
                            logger.info("stopping: \(request.reason)")
                            reports?.stopping()
                            deadline.start()
                            await group.triggerGracefulShutdown()
                            break
                        }
                        return false
                    }
                }
                tasks.addTask {
                    try await group.run()
                    return true
                }
                while let isOver = try await tasks.next(), !isOver {}
                tasks.cancelAll()
            }
        } catch SignalingError.addressInUse(_, let port) {
            await core.shutDown()
            throw GatewayError.portInUse(settings.listenIP, UInt16(clamping: port))
        } catch let error as SignalingError {
            await core.shutDown()
            throw GatewayError("\(error)")
        }
    }

    /// "serving http://127.0.0.1:4443, 2 rooms, 1 ingest, 1 recording".
    private static func status(_ url: String, _ rooms: Rooms, _ pipelines: PipelineSupervisor) async -> String {
        func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
        let ingests = await pipelines.ingests().count { $0.state != .finished && $0.state != .failed }
        let recordings = await pipelines.recordings().count { $0.state != .finished && $0.state != .failed }
        return [
            "serving \(url)", counted(await rooms.list().count, "room"), counted(ingests, "ingest"),
            counted(recordings, "recording"),
        ].joined(separator: ", ")
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
    /// What clients have to be told to trust; nil: nothing.
    public let selfSignedCertificate: String?
    public let events: EventBus
    public let pipelines: any PipelineControlling
    /// Asks for an end in order; the reason is for the log.
    public let stop: @Sendable (_ reason: String) -> Void
}

/// Somebody wants the gateway to end in order.
public struct StopRequest: Sendable {
    /// "SIGTERM"; for the log.
    public let reason: String

    public init(reason: String) { self.reason = reason }
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
    var mediaPlane: MediaPlaneConfiguration {
        var configuration = MediaPlaneConfiguration()
        configuration.listenIP = rtpIP
        configuration.announcedAddress = announcedAddress
        configuration.portRange = rtpPorts
        configuration.portQuarantine = portQuarantine
        configuration.workers = mediaWorkers
        configuration.webRTCPort = webRTCPort
        configuration.webRTCAddresses = webRTCListens
        configuration.webRTCCertificate = webRTCCertificateFiles
        // A room of many viewers uses all cores; a small one stays on its worker.
        configuration.routersSpan = true
        configuration.coalescing = coalescing
        configuration.srtpBackend = srtpBackend
        return configuration
    }

    var supervisor: PipelineSupervisorConfiguration {
        var configuration = PipelineSupervisorConfiguration(rtpIP: rtpIP)
        configuration.limit = pipelineLimit
        return configuration
    }

    var signaling: SignalingConfiguration {
        SignalingConfiguration(
            host: listenIP, port: Int(listenPort), token: token.flatMap { BearerToken($0) }, allowsEverybody: noAuth,
            knownHosts: hosts, allowedOrigins: origins, iceServers: iceServers, tls: tlsFiles)
    }

    func url(port: Int) -> String {
        let isIPv6 = listenIP.contains(":")
        return "\(tlsFiles == nil ? "http" : "https")://\(isIPv6 ? "[\(listenIP)]" : listenIP):\(port)"
    }
}
