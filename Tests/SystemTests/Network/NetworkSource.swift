import Base
import Foundation
import Testing

/// One way that media comes over a network, with a peer on loopback that offers it.
enum NetworkSource: String, CaseIterable, CustomTestStringConvertible {
    case httpMP4, httpWebM, hls, rtspTCP, rtspUDP, rtspVP8, rtspLogin, rtmpPull, rtmpListen, srtCaller, srtListener, udp

    var testDescription: String { rawValue }

    /// Codecs of its recording.
    var codecs: Set<String> {
        switch self {
        case .httpWebM, .rtspVP8: ["vp8", "opus"]
        default: ["h264", "opus"]
        }
    }

    /// A file has an end; everything else is live.
    var isFile: Bool { self == .httpMP4 || self == .httpWebM }

    /// A source that runs, and what a request for it says.
    struct Running {
        var source: String
        var parameters: JSONValue = [:]
        /// Waits until the ingest listens, then sends; what it gives back must be kept.
        var sender: (@Sendable () async throws -> AnyObject)?
        /// Gone with it: servers and senders.
        var peers: [AnyObject] = []
        /// What must be shown nowhere.
        var secret: String?
    }

    func start() async throws -> Running {
        switch self {
        case .httpMP4: return try await file(.h264AAC)
        case .httpWebM: return try await file(.vp8Opus)
        case .hls:
            let server = try await WebServer()
            let sender = try await FFmpegPeer.hls(into: server.folder.url)
            return Running(source: server.url("live.m3u8"), peers: [server, sender])
        case .rtspTCP:
            let server = try await RTSPServer()
            return Running(source: server.url(.h264AAC), peers: [server])
        case .rtspUDP:
            let server = try await RTSPServer()
            return Running(source: server.url(.h264Opus), parameters: ["transport": "udp"], peers: [server])
        case .rtspVP8:
            let server = try await RTSPServer()
            return Running(source: server.url(.vp8Opus), peers: [server])
        case .rtspLogin:
            let login = RTSPServer.Login()
            let server = try await RTSPServer(login: login)
            return Running(
                source: server.url(.h264Opus, user: "\(login.user):\(login.password)"), peers: [server],
                secret: login.password)
        case .rtmpPull:
            let (server, url) = try await FFmpegPeer.rtmpServer()
            return Running(source: url, peers: [server])
        case .rtmpListen:
            let port = try LoopbackPort.free()
            let url = "rtmp://127.0.0.1:\(port)/live/stream"
            return Running(source: url, parameters: ["listen": true]) {
                try await Self.listening(port, .tcp)
                return try await FFmpegPeer.rtmpPublisher(to: url)
            }
        case .srtCaller:
            let (server, port) = try await FFmpegPeer.srtListener()
            return Running(source: "srt://127.0.0.1:\(port)", peers: [server])
        case .srtListener:
            let port = try LoopbackPort.free(.udp)
            return Running(source: "srt://127.0.0.1:\(port)?mode=listener") {
                try await Self.listening(port, .udp)
                return try await FFmpegPeer.srtCaller(to: port)
            }
        case .udp:
            let port = try LoopbackPort.free(.udp)
            return Running(source: "udp://127.0.0.1:\(port)") {
                try await Self.listening(port, .udp)
                return try await FFmpegPeer.udpSender(to: port)
            }
        }
    }

    /// Five seconds of it.
    private func file(_ codecs: TestSignal.Codecs) async throws -> Running {
        let server = try await WebServer()
        let name = "clip.\(codecs.rawValue)"
        try await Tool.run(
            "ffmpeg",
            [
                "-nostdin", "-v", "error", "-i", try await TestSignal.shared.clip(codecs), "-t", "5", "-c", "copy",
                server.folder.path(name),
            ])
        return Running(source: server.url(name), peers: [server])
    }

    private static func listening(_ port: UInt16, _ kind: LoopbackPort.Kind) async throws {
        try await eventually("a listener on port \(port)") { LoopbackPort.isOpen(port, kind) ? true : nil }
    }
}

/// Numbers that are measured on the way, for whoever reads the output.
func figure(_ text: String) { print("figure: \(text)") }
