import Foundation
import Testing

/// The ffmpeg tool as a server or a sender on loopback, in real time, copying a clip; gone with its object.
final class FFmpegPeer {
    let scratch: Scratch
    let tool: Tool

    /// - Parameter loop: Begin again at the end, timestamps running on.
    private init(clip: String, loop: Bool = true, _ output: [String]) throws {
        scratch = try Scratch("ladle-ffmpeg")
        tool = try Tool(
            "ffmpeg",
            ["-nostdin", "-v", "error", "-re"] + (loop ? ["-stream_loop", "-1"] : []) + ["-i", clip, "-c", "copy"]
                + output,
            output: scratch.url.appendingPathComponent("log"))
    }

    /// A server that one client may pull from, once.
    static func rtmpServer() async throws -> (FFmpegPeer, url: String) {
        let port = try LoopbackPort.free()
        let url = "rtmp://127.0.0.1:\(port)/live/stream"
        let peer = try FFmpegPeer(
            clip: try await TestSignal.shared.clip(.h264AAC), ["-f", "flv", "-listen", "1", url])
        try await peer.listens(on: port, .tcp)
        return (peer, url)
    }

    /// Somebody who publishes to a listener.
    static func rtmpPublisher(to url: String) async throws -> FFmpegPeer {
        try FFmpegPeer(clip: try await TestSignal.shared.clip(.h264AAC), ["-f", "flv", url])
    }

    /// A listener that one caller may pull from.
    static func srtListener() async throws -> (FFmpegPeer, port: UInt16) {
        let port = try LoopbackPort.free(.udp)
        let peer = try FFmpegPeer(
            clip: try await TestSignal.shared.clip(.h264AAC),
            ["-f", "mpegts", "srt://127.0.0.1:\(port)?mode=listener&transtype=live"])
        try await peer.listens(on: port, .udp)
        return (peer, port)
    }

    static func srtCaller(to port: UInt16) async throws -> FFmpegPeer {
        try FFmpegPeer(
            clip: try await TestSignal.shared.clip(.h264AAC),
            ["-f", "mpegts", "srt://127.0.0.1:\(port)?mode=caller&transtype=live"])
    }

    static func udpSender(to port: UInt16) async throws -> FFmpegPeer {
        try FFmpegPeer(
            clip: try await TestSignal.shared.clip(.h264AAC),
            ["-f", "mpegts", "udp://127.0.0.1:\(port)?pkt_size=1316"])
    }

    /// Live HLS, segments of a second, six of them in the list.
    static func hls(into folder: URL) async throws -> FFmpegPeer {
        let list = folder.appendingPathComponent("live.m3u8").path
        let peer = try FFmpegPeer(
            clip: try await TestSignal.shared.clip(.h264AAC),
            [
                "-f", "hls", "-hls_time", "1", "-hls_list_size", "6", "-hls_flags", "delete_segments+omit_endlist",
                list,
            ])
        try await eventually("three segments in \(list)\n\(peer.tool.text)") {
            let text = (try? String(contentsOfFile: list, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").filter { $0.hasSuffix(".ts") }.count >= 3 ? true : nil
        }
        return peer
    }

    private func listens(on port: UInt16, _ kind: LoopbackPort.Kind) async throws {
        _ = try await eventually("ffmpeg on port \(port)") {
            guard self.tool.isRunning else { throw DeadlinePassed(what: "ffmpeg, which ended:\n\(self.tool.text)") }
            return LoopbackPort.isOpen(port, kind) ? true : nil
        }
    }
}
