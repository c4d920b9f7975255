import ArgumentParser
import Base
import FoundationEssentials
import Glibc
import PipelineControl
import Pipelines

/// What is to be opened, and by what; the same for `ingest` and `explain`.
struct SourceOptions: ParsableArguments {
    @Argument(
        help: """
            `test`, a media file, an address (http, https, rtsp, rtmp, srt, udp), a camera (v4l2:/dev/video0) or a \
            microphone (alsa:hw:1); `ladle devices` lists those.
            """)
    var source: String?
    @Option(name: .long, help: "The description that runs it; see `ladle pipelines`.") var pipeline: String?
    @Option(name: .long, help: "NAME=VALUE: what the description lets you choose. May be repeated.") var set: [String] =
        []
    @Option(name: .long, help: "Of rtsp: tcp or udp.") var transport: String?
    @Flag(name: .long, help: "Of rtmp and srt: wait for one who sends, instead of asking a server.") var listen = false
    @Option(name: .long, help: "A file with user:password for the source; nobody sees it in the process list.")
    var credentialsFile: String?
    @Option(name: .long, help: "What video becomes when it can't be copied: vp8 or h264.") var video: String?

    var isEmpty: Bool { source == nil && pipeline == nil }

    func check() throws {
        if let video, VideoTarget(rawValue: video) == nil {
            throw ValidationError("--video is '\(video)'; it can be vp8 or h264")
        }
        if let transport, NetworkSource.RTSPTransport(rawValue: transport) == nil {
            throw ValidationError("--transport is '\(transport)'; it can be tcp or udp")
        }
    }

    /// The source with its credentials; nil: the pipeline makes its own.
    func sourceText() throws -> String? {
        guard var text = source else {
            guard credentialsFile == nil else {
                throw UsageError("--credentials-file is for an address, and none is named")
            }
            return nil
        }
        guard SourceAddress.looksLikeAddress(text) else {
            guard credentialsFile == nil else { throw UsageError("--credentials-file is for addresses of a network") }
            return text
        }
        if let file = credentialsFile {
            guard let content = try? String(contentsOfFile: file, encoding: .utf8) else {
                throw UsageError("can't read the credentials file \(file): \(String(cString: strerror(errno)))")
            }
            do { text = try SourceCredentials(content).added(to: text) } catch {
                throw UsageError("--credentials-file \(file): \(error)")
            }
        }
        do {
            let address = try SourceAddress(text)
            // libav reads it there.
            if listen, address.scheme == .srt, address.query["mode"] == nil {
                text += (text.contains("?") ? "&" : "?") + "mode=listener"
            }
        } catch {
            throw UsageError("\(error)")
        }
        return text
    }

    /// As texts; the description says what they are.
    func parameters() throws -> [String: JSONValue] {
        var parameters = try Self.parameters(set)
        if let transport { parameters["transport"] = .string(transport) }
        if listen, source.flatMap({ try? SourceAddress($0) })?.scheme != .srt { parameters["listen"] = true }
        return parameters
    }

    static func parameters(_ set: [String]) throws -> [String: JSONValue] {
        var parameters: [String: JSONValue] = [:]
        for text in set {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw UsageError("--set is '\(text)'; it is written as NAME=VALUE")
            }
            let name = String(text[..<equals])
            guard parameters[name] == nil else { throw UsageError("--set names \(name) twice") }
            parameters[name] = .string(String(text[text.index(after: equals)...]))
        }
        return parameters
    }
}
