import Foundation
import Testing

/// A live RTSP camera on loopback (`Tests/Peers/rtsp_server.py`), gone with its object.
final class RTSPServer {
    enum Path: String, CaseIterable {
        case h264AAC = "h264-aac", h264Opus = "h264-opus", vp8Opus = "vp8-opus"
        /// Without sound.
        case h264
        /// A track of metadata alone.
        case data
    }

    struct Login {
        enum Method: String { case basic, digest }
        var user = "camera"
        var password = "hunter2secret"
        var method = Method.digest
    }

    let port: UInt16
    private let peer: PythonPeer

    init(login: Login? = nil) async throws {
        port = try LoopbackPort.free()
        peer = try await PythonPeer(
            "rtsp_server.py",
            ["\(port)"]
                + (login.map { ["--user", $0.user, "--password", $0.password, "--auth", $0.method.rawValue] } ?? []))
    }

    /// - Parameter relayed: The port that a relay listens on, instead of the server's own.
    func url(_ path: Path, relayed: UInt16? = nil, user: String? = nil) -> String {
        "rtsp://\(user.map { $0 + "@" } ?? "")127.0.0.1:\(relayed ?? port)/\(path.rawValue)"
    }
}

/// A web server on loopback with a folder of its own (`Tests/Peers/web_server.py`), gone with its object.
final class WebServer {
    let port: UInt16
    let folder: Scratch
    private let peer: PythonPeer

    init(user: String? = nil, password: String = "") async throws {
        port = try LoopbackPort.free()
        folder = try Scratch("ladle-web")
        peer = try await PythonPeer(
            "web_server.py",
            ["\(port)", folder.url.path] + (user.map { ["--user", $0, "--password", password] } ?? []))
    }

    func url(_ name: String, user: String? = nil) -> String {
        "http://\(user.map { $0 + "@" } ?? "")127.0.0.1:\(port)/\(name)"
    }
}

/// A script under Tests/Peers, run by the system's python (whose GObject bindings are Debian's).
final class PythonPeer {
    private let scratch: Scratch
    private let tool: Tool

    static func path(_ script: String, from here: String = #filePath) -> String {
        URL(fileURLWithPath: here).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Peers/\(script)").path
    }

    /// Waits until it says that it is ready.
    init(_ script: String, _ arguments: [String], environment: [String: String] = [:]) async throws {
        let scratch = try Scratch("ladle-peer")
        let tool = try Tool(
            "/usr/bin/python3", [Self.path(script)] + arguments, output: scratch.url.appendingPathComponent("log"),
            environment: environment)
        (self.scratch, self.tool) = (scratch, tool)
        _ = try await eventually("\(script) to be ready") {
            guard tool.isRunning else { throw DeadlinePassed(what: "\(script), which ended:\n\(tool.text)") }
            return tool.text.contains("ready") ? true : nil
        }
    }

    /// Asks it to end, and waits until it has.
    func stop() async throws {
        tool.signal(SIGTERM)
        let status = try await tool.wait(seconds: 60)
        #expect(status == 0, "the peer ended with \(status):\n\(tool.text)")
    }
}
