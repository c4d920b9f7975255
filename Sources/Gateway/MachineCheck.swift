import Base
import Control
import Glibc
import MediaPlane
import Pipelines
import Signaling

/// Whether this machine has what settings ask for; each problem is one line that names the setting.
public struct MachineCheck: Sendable {
    let settings: GatewaySettings

    public init(_ settings: GatewaySettings) { self.settings = settings }

    /// Everything that would keep the gateway from starting or its sources from being found.
    public var problems: [String] {
        folderAndAddressProblems + tlsProblems + portProblems + (webRTCPortProblem.map { [$0] } ?? [])
            + pipelineProblems
    }

    /// What a person should know, though the gateway would start.
    public var warnings: [String] {
        guard settings.tlsCertificate != nil, let files = settings.tlsFiles else { return [] }
        return (try? files.check()) ?? []
    }

    private var tlsProblems: [String] {
        // One of our own making is made when it's needed.
        guard settings.tlsCertificate != nil, let files = settings.tlsFiles else { return [] }
        do throws(SignalingError) { _ = try files.check() } catch { return ["\(error)"] }
        return []
    }

    /// Better said at the start than with the first file or the first transport.
    var folderAndAddressProblems: [String] {
        var problems = settings.mediaFolders.compactMap { folderProblem("media", $0, R_OK | X_OK) }
        // The folder itself is made when it is needed, but no tree of a mistyped path.
        let recordings = settings.recordingsFolder
        if access(recordings, F_OK) == 0 {
            if let problem = folderProblem("recordings", recordings, R_OK | W_OK | X_OK) { problems.append(problem) }
        } else {
            let parent = "/" + recordings.split(separator: "/").dropLast().joined(separator: "/")
            if let problem = folderProblem("recordings", parent, W_OK | X_OK) { problems.append(problem) }
        }
        let rtp = SocketAddress(settings.rtpIP, port: 0)
        if rtp.flatMap({ try? UDPSocket.bind(to: $0) }) == nil {
            problems.append("rtp.address: \(settings.rtpIP) is no address of this machine")
        }
        return problems + webRTCAddressProblems
    }

    private func folderProblem(_ setting: String, _ folder: String, _ mode: Int32) -> String? {
        var about = stat()
        guard stat(folder, &about) == 0 else {
            return "\(setting): can't use the folder \(folder): \(String(cString: strerror(errno)))"
        }
        guard about.st_mode & S_IFMT == S_IFDIR else { return "\(setting): \(folder) is no folder" }
        guard access(folder, mode) == 0 else {
            let wanted = mode & W_OK != 0 ? "write into" : "read"
            return "\(setting): this user may not \(wanted) the folder \(folder)"
        }
        return nil
    }

    /// Whether HTTP could be served now.
    private var portProblems: [String] {
        guard settings.listenPort != 0, let address = SocketAddress(settings.listenIP, port: settings.listenPort) else {
            return []
        }
        let family = address.isIPv4 ? AF_INET : AF_INET6
        let file = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { return ["listen: \(address): \(String(cString: strerror(errno)))"] }
        defer { close(file) }
        // As the server does it: connections of the last run that linger are no hindrance.
        var yes: Int32 = 1
        setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let isBound = withUnsafeBytes(of: address.storage) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { bind(file, $0.baseAddress, address.length) == 0 }
        }
        if isBound { return [] }
        switch errno {
        case EADDRINUSE: return [GatewayError.portInUse(settings.listenIP, settings.listenPort).description]
        case EADDRNOTAVAIL: return ["listen: \(settings.listenIP) is no address of this machine"]
        case EACCES: return ["listen: this user may not serve port \(settings.listenPort); choose one from 1024 on"]
        default: return ["listen: \(settings.listenText): \(String(cString: strerror(errno)))"]
        }
    }

    /// Descriptions that can't be read, the program that runs them, and sources that name none of them.
    private var pipelineProblems: [String] {
        var problems: [String] = []
        if settings.pipelineProgram == nil {
            do throws(PipelinesError) { _ = try PipelineSettings.besideRunningProgram() } catch {
                problems.append(error.message)
            }
        }
        do {
            problems += settings.sourceProblems(try settings.catalog())
        } catch {
            problems += "\(error)".split(separator: "\n").map(String.init)
        }
        if let folders = try? MediaFolders(sources: settings.mediaFolders, recordings: settings.recordingsFolder) {
            for source in settings.sources.map(\.ingest) {
                guard case .file(let name) = source.source else { continue }
                do throws(PipelinesError) { _ = try folders.openSource(name) } catch {
                    problems.append("sources: in room \"\(source.room)\": \(error.message)")
                }
            }
        }
        return problems
    }
}

extension GatewaySettings {
    /// The descriptions that belong to Ladle and those of further folders.
    func catalog() throws -> PipelineCatalog {
        try PipelineCatalog(folders: [try PipelinesFolder.find(pipelinesFolder)] + furtherPipelines)
    }

    /// Sources that no description fits: to be told at the start, since trying again would change nothing.
    func sourceProblems(_ catalog: PipelineCatalog) -> [String] {
        sources.map(\.ingest).compactMap { source in
            do throws(ControlError) {
                _ = try IngestJobs(catalog: catalog).plan(source)
                return nil
            } catch {
                return "sources: in room \"\(source.room)\": \(error.message)"
            }
        }
    }
}
