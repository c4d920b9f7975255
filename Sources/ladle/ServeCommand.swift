import ArgumentParser
import FoundationEssentials
import Gateway
import Glibc
import Logging

/// What `serve` and `demo` can be told. Each stands for the setting of the same flag in `SettingsKey.all`.
struct ServeOptions: ParsableArguments {
    @Option(name: .long, help: help("listen")) var listen: String?
    @Option(name: .long, help: help("tokenFile")) var tokenFile: String?
    @Flag(name: .long, help: help("noAuth")) var noAuth = false
    @Option(name: .long, help: help("hosts")) var host: [String] = []
    @Option(name: .long, help: help("origins")) var origin: [String] = []
    @Option(name: .long, help: help("tls.certificate")) var tlsCert: String?
    @Option(name: .long, help: help("tls.key")) var tlsKey: String?
    @Flag(name: .long, help: help("tls.selfSigned")) var tlsSelfSigned = false
    @Option(name: .long, help: help("rtp.address")) var rtpAddress: String?
    @Option(name: .long, help: help("rtp.announcedAddress")) var announcedAddress: String?
    @Option(name: .long, help: help("rtp.ports")) var rtpPorts: String?
    @Option(name: .long, help: help("rtp.workers")) var rtpWorkers: String?
    @Option(name: .long, help: help("webrtc.port")) var webrtcPort: String?
    @Option(name: .long, help: help("webrtc.addresses")) var webrtcAddress: [String] = []
    @Option(name: .long, help: help("webrtc.announcedAddresses")) var webrtcAnnouncedAddress: [String] = []
    @Option(name: .long, help: help("media")) var media: [String] = []
    @Option(name: .long, help: help("recordings")) var recordings: String?
    @Option(name: .long, help: help("pipelines")) var pipelines: [String] = []
    @Option(name: .long, help: help("idleRoom")) var idleRoom: String?
    @Option(name: .long, help: help("limits.pipelines")) var pipelineLimit: String?
    @Option(name: .long, help: help("log.level")) var logLevel: String?
    @Option(name: .long, help: help("log.format")) var logFormat: String?

    private static func help(_ path: String) -> ArgumentHelp {
        guard let key = SettingsKey[path] else { preconditionFailure("no setting is called \(path)") }
        let standard = key.standardText.map { " Default: \($0)." } ?? ""
        return ArgumentHelp("\(key.help)\(standard)")
    }

    /// By the keys of the settings that they stand for.
    var flags: [LoadedSettings.Flag] {
        let single = [
            "listen": listen, "tokenFile": tokenFile, "noAuth": noAuth ? "true" : nil,
            "tls.certificate": tlsCert, "tls.key": tlsKey, "tls.selfSigned": tlsSelfSigned ? "true" : nil,
            "rtp.address": rtpAddress,
            "rtp.announcedAddress": announcedAddress, "rtp.ports": rtpPorts, "rtp.workers": rtpWorkers,
            "webrtc.port": webrtcPort, "recordings": recordings,
            "idleRoom": idleRoom, "limits.pipelines": pipelineLimit, "log.level": logLevel, "log.format": logFormat,
        ].compactMapValues { $0.map { [$0] } }
        let lists = [
            "hosts": host, "origins": origin, "webrtc.addresses": webrtcAddress,
            "webrtc.announcedAddresses": webrtcAnnouncedAddress, "media": media, "pipelines": pipelines,
        ]
        return single.merging(lists) { $1 }.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
            .map { LoadedSettings.Flag(key: $0.key, values: $0.value) }
    }

    /// Settings out of flags, variables and the file; whatever is wrong is said line by line.
    /// - Parameter file: Nil: none is read.
    func load(file: String?) throws -> LoadedSettings {
        do throws(SettingsError) {
            return try LoadedSettings.load(
                file: file, environment: ProcessInfo.processInfo.environment, flags: flags,
                folder: FileManager.default.currentDirectoryPath)
        } catch {
            for problem in error.problems { Console.complain("\(problem)") }
            // The command line alone is wrong, or what others have set up.
            let isUsage = error.problems.allSatisfy { $0.place.hasPrefix("--") || $0.place == "listen" }
            throw isUsage ? ExitStatus.usage : ExitStatus.configuration
        }
    }
}

extension ExitStatus {
    /// The settings file or the environment is wrong (EX_CONFIG of sysexits.h).
    static let configuration = ExitCode(78)
}

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the gateway.",
        discussion: """
            Settings come from flags, then from the environment (LADLE_LISTEN and so on), then from the settings file, \
            then from their defaults. `ladle check --show` tells which counts.
            """)

    @Option(
        name: .long, help: "The settings file. Default: LADLE_CONFIG, or \(LoadedSettings.standardFile) if it exists.")
    var config: String?
    @OptionGroup var options: ServeOptions

    func run() async throws {
        let file = LoadedSettings.file(named: config, environment: ProcessInfo.processInfo.environment)
        let loaded = try options.load(file: file)
        startLogging(loaded)
        try await runGateway(loaded.settings) { running in
            Console.note("ladle \(LadleVersion.current) serves \(running.url)")
        }
    }
}

/// - Parameter standard: The level when nobody asked for one.
func startLogging(_ loaded: LoadedSettings, standard: LogLevel? = nil) {
    var settings = loaded.settings
    if let standard, loaded.places["log.level"] == nil { settings.logLevel = standard }
    GatewayLog.start(level: settings.logLevel, format: settings.logFormat)
    for warning in loaded.warnings { Logger(label: "ladle").warning("\(warning)") }
}

/// Runs a gateway until a signal or its own wish; a failure becomes one line and an exit status.
func runGateway(_ settings: GatewaySettings, onReady: @escaping @Sendable (RunningGateway) async -> Void) async throws {
    let environment = ProcessInfo.processInfo.environment
    // A reader that went away is no reason to leave a recording unfinished.
    signal(SIGPIPE, SIG_IGN)
    // The service manager's SIGHUP means "read your settings again", which is a restart here; a terminal's means its end.
    let interrupts = Interrupts(hangupStops: environment["NOTIFY_SOCKET"] == nil)
    let (stop, wish) = AsyncStream.makeStream(of: StopRequest.self)
    let carrier = Task { [signals = interrupts.stream] in
        let names = [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP"]
        for await signal in signals { wish.yield(StopRequest(reason: names[signal] ?? "signal \(signal)")) }
    }
    defer { carrier.cancel() }
    do {
        try await Gateway(settings).run(until: stop, environment: environment, onReady: onReady)
    } catch let error as GatewayError {
        Console.complain(error.description)
        throw ExitStatus.failed
    }
    // Kept to here: with it the signals would end the program at once.
    _ = consume interrupts
}
