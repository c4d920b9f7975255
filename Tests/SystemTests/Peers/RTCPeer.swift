import Base
import Foundation
import Testing

/// aiortc, and mediasoup-client's port to it (`Tests/Peers/rtc_peer.py`, `mediasoup_peer.py`).
enum RTCPeer {
    /// Runs a peer to its end; its last line is what it tells, as JSON.
    static func run(_ script: String, _ arguments: [String], seconds: Double = 180) async throws -> JSONValue {
        let text = try await Tool.run(
            "/usr/bin/python3", [PythonPeer.path(script)] + arguments, seconds: seconds,
            environment: try await environment())
        return try JSONValue(parsing: text.split(separator: "\n").last.map(String.init) ?? "")
    }

    /// A peer that goes on until it is ended; it is connected already.
    static func start(_ script: String, _ arguments: [String]) async throws -> PythonPeer {
        try await PythonPeer(script, arguments, environment: try await environment())
    }

    private static func environment() async throws -> [String: String] {
        ["PYTHONPATH": try await PythonPackages.shared.path(), "PYTHONDONTWRITEBYTECODE": "1"]
    }
}
