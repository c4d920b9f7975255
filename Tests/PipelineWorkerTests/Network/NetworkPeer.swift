import Base
import Glibc
import PipelineControl
import TestSupport

/// Peers from outside for network sources, and the clip that they play.
enum NetworkPeer {
    /// Forty seconds of the test source as H264 and AAC, with a key frame each second.
    static let h264 = Task<TemporaryFile, any Error> {
        try await looped([
            "-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "baseline", "-g", "30", "-pix_fmt", "yuv420p",
            "-c:a", "aac",
        ])
    }
    static let vp8 = Task<TemporaryFile, any Error> { try await looped(["-c", "copy"]) }

    /// Ten times the four seconds of the test source: a machine that is busy shall not come too late.
    private static func looped(_ options: [String]) async throws -> TemporaryFile {
        let once = try await Clip.make(options, container: "mkv")
        return try await onThread {
            let folder = try Folder()
            let path = "\(folder.path)/long.mkv"
            try ExternalTool.output(
                ["ffmpeg", "-v", "error", "-stream_loop", "9", "-i", once.path, "-c", "copy", path])
            let file = try TemporaryFile()
            file.write(try ExternalTool.output(["cat", path]))
            return file
        }
    }

    /// A TCP and UDP port that nobody uses at the moment.
    static func freePort() throws -> UInt16 {
        // The relay's port is free again as soon as it is gone.
        let relay = try CuttingRelay(to: 9)
        defer { usleep(20_000) }
        return relay.port
    }

    /// The ffmpeg tool, which plays a clip in time, over and over, to an address.
    static func publish(_ clip: TemporaryFile, _ format: String, to address: String, options: [String] = []) throws
        -> PeerProcess
    {
        try PeerProcess(
            ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", clip.path, "-c", "copy"] + options
                + ["-f", format, address])
    }

    static func job(
        _ url: String, listens: Bool = false, transport: NetworkSource.RTSPTransport = .tcp, patience: Double = 5,
        retry: RetryPolicy = .never
    ) -> IngestJob {
        IngestJob(
            source: .network(NetworkSource(url: url, transport: transport, listens: listens, patience: patience)),
            loop: false, videoCodec: .vp8, routerCodecs: Router.all, retry: retry)
    }
}

/// A folder of a test, gone with its object.
final class Folder: Sendable {
    let path: String

    init() throws {
        var name = Array("/tmp/ladle-folder-XXXXXX\0".utf8.map { CChar($0) })
        guard mkdtemp(&name) != nil else { throw WorkerProcess.Timeout(description: "no folder") }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { _ = try? ExternalTool.run(["rm", "-r", path]) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw WorkerProcess.Timeout(description: "can't write \(name)")
        }
    }
}
