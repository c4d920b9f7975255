import Control
import MediaCore
import SDP
import TestSupport
import Testing

/// Offers of real programs (Tests/Vectors/sdp/offers).
enum Offers {
    static func text(_ name: String) throws -> String {
        String(decoding: try Vectors.bytes("sdp/offers/\(name).sdp"), as: UTF8.self)
    }

    static let publishing = "chromium-sendonly-audio-video"
    static let playing = "chromium-recvonly-audio-video"
}

extension Gateway {
    func post(_ path: String, offer: String, headers: [String: String] = [:]) async throws -> Reply {
        try await client.send(
            "POST", path, text: try Offers.text(offer),
            headers: ["Content-Type": "application/sdp"].merging(headers) { $1 })
    }

    func patch(_ path: String, _ fragment: String, ifMatch: String? = nil) async throws -> Reply {
        var headers = ["Content-Type": "application/trickle-ice-sdpfrag"]
        headers["If-Match"] = ifMatch
        return try await client.send("PATCH", path, text: fragment, headers: headers)
    }

    /// The room as it stands.
    func room(_ name: String = "demo") async throws -> RoomSnapshot {
        try #require(await rooms.list().first { $0.name == name })
    }
}

extension Reply {
    var location: String { headers["location"] ?? "" }
}
