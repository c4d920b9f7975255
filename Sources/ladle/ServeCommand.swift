import ArgumentParser
import FoundationEssentials
import Gateway
import Logging

/// What `serve` and `demo` can be told.
struct ServeOptions: ParsableArguments {
    @Option(name: .long, help: "Address and port to serve HTTP on.") var listen = "127.0.0.1:4443"
    @Option(name: .long, help: "A file with the bearer token that clients must show.") var tokenFile: String?
    @Flag(name: .long, help: "Serve other machines without a token.") var noAuth = false
    @Option(name: .long, help: "A further name by which clients call this gateway.") var host: [String] = []
    @Option(name: .long, help: "A web origin whose pages may use this gateway.") var origin: [String] = []
    @Option(name: .long, help: "The address RTP is received on.") var rtpAddress = "127.0.0.1"
    @Option(name: .long, help: "The address that clients are told to send RTP to.") var announcedAddress: String?
    @Option(name: .long, help: "The UDP ports for RTP, as MIN-MAX.") var rtpPorts = "40000-49999"
    @Option(name: .long, help: "A folder whose files may be ingested; by default the working directory.")
    var media: [String] = []
    @Option(name: .long, help: "Where recordings are written.") var recordings = "recordings"
    @Option(name: .long, help: "Close an empty room after this many seconds; 0: never.") var idleRoom = 60
    @Option(name: .long, help: "trace, debug, info, notice, warning or error.") var logLevel: String?

    func settings() throws -> GatewaySettings {
        var settings = GatewaySettings()
        (settings.listenIP, settings.listenPort) = try Self.address(listen)
        settings.rtpPorts = try Self.ports(rtpPorts)
        if let tokenFile {
            guard let text = try? String(contentsOfFile: tokenFile, encoding: .utf8),
                let token = text.split(whereSeparator: \.isNewline).first
            else { throw UsageError("--token-file \(tokenFile) can't be read or is empty") }
            settings.token = String(token)
        }
        settings.noAuth = noAuth
        settings.hosts = host
        settings.origins = origin
        settings.rtpIP = rtpAddress
        settings.announcedAddress = announcedAddress
        settings.mediaFolders = (media.isEmpty ? ["."] : media).map(Self.absolute)
        settings.recordingsFolder = Self.absolute(recordings)
        settings.idleRoom = .seconds(idleRoom)
        do { try settings.validate() } catch { throw UsageError("\(error)") }
        return settings
    }

    /// - Parameter standard: The level when none was asked for.
    func startLogging(standard: Logger.Level = .info) throws {
        guard let level = logLevel.map({ Logger.Level(rawValue: $0) }) ?? standard else {
            throw UsageError(
                "--log-level is '\(logLevel ?? "")'; it can be \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
    }

    /// A path from the root, for a daemon whose messages are read elsewhere.
    static func absolute(_ path: String) -> String {
        let here = FileManager.default.currentDirectoryPath
        if path.hasPrefix("/") { return path }
        return path == "." ? here : "\(here)/\(path)"
    }

    /// "127.0.0.1:4443", "[::1]:4443" or a port alone.
    static func address(_ text: String) throws -> (String, UInt16) {
        let wrong = UsageError("--listen is '\(text)'; it is written as ADDRESS:PORT, for instance 127.0.0.1:4443")
        guard let colon = text.lastIndex(of: ":") else {
            guard let port = UInt16(text) else { throw wrong }
            return ("127.0.0.1", port)
        }
        guard let port = UInt16(text[text.index(after: colon)...]) else { throw wrong }
        let host = text[..<colon].trimmingPrefix("[")
        return (String(host.hasSuffix("]") ? host.dropLast() : host), port)
    }

    static func ports(_ text: String) throws -> ClosedRange<UInt16> {
        let parts = text.split(separator: "-")
        guard parts.count == 2, let low = UInt16(parts[0]), let high = UInt16(parts[1]), low <= high else {
            throw UsageError("--rtp-ports is '\(text)'; it is written as MIN-MAX, for instance 40000-49999")
        }
        return low...high
    }
}

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Run the gateway.")

    @OptionGroup var options: ServeOptions

    func run() async throws {
        let settings = try usage { try options.settings() }
        try usage { try options.startLogging() }
        try await runGateway(settings) { running in
            Console.note("ladle \(LadleVersion.current) serves \(running.url)")
        }
    }
}

/// Runs a gateway until it is told to stop; a failure becomes one line and an exit status.
func runGateway(_ settings: GatewaySettings, onReady: @escaping @Sendable (RunningGateway) async -> Void) async throws {
    do {
        try await Gateway(settings).run(onReady: onReady)
    } catch let error as GatewayError {
        Console.complain(error.description)
        throw ExitStatus.failed
    }
}
