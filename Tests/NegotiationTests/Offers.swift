import Foundation
import Negotiation
import ORTC
import SDP
import TestSupport
import Testing

/// Offers of real programs (Tests/Vectors/sdp/offers), and what tests answer them with.
enum Offers {
    static let chromium = [
        "sendonly-audio-video", "sendrecv-audio-video", "simulcast", "screen-vp9-svc", "av1", "h264", "vp9-simulcast",
        "recvonly-audio-video", "recvonly-two-videos", "data-channel", "recvonly-and-data",
    ].map { "chromium-\($0)" }
    static let firefox = ["sendonly-audio-video", "simulcast", "recvonly-audio-video", "data-channel"].map {
        "firefox-\($0)"
    }
    static let gstreamer = ["sendonly-vp8-opus", "sendonly-h264", "recvonly-audio-video"].map { "gstreamer-\($0)" }
    static let all = chromium + firefox + gstreamer

    static let publishing = [
        "chromium-sendonly-audio-video", "chromium-sendrecv-audio-video", "chromium-simulcast",
        "chromium-screen-vp9-svc", "chromium-av1", "chromium-h264", "chromium-vp9-simulcast",
        "firefox-sendonly-audio-video", "firefox-simulcast", "gstreamer-sendonly-vp8-opus", "gstreamer-sendonly-h264",
    ]
    static let playing = [
        "chromium-recvonly-audio-video", "chromium-recvonly-two-videos", "chromium-recvonly-and-data",
        "chromium-sendrecv-audio-video", "firefox-recvonly-audio-video", "gstreamer-recvonly-audio-video",
    ]

    static func text(_ name: String) throws -> String {
        String(decoding: try Vectors.bytes("sdp/offers/\(name).sdp"), as: UTF8.self)
    }

    static func read(_ name: String) throws -> WebRTCDescription { try WebRTCDescription(parsing: text(name)) }

    static func router() throws -> RTPCapabilities {
        try RouterCapabilities.make(mediaCodecs: RouterCodecs.standard)
    }

    static let local = LocalTransport(
        credentials: ICECredentials(usernameFragment: "ladleufrag", password: "ladlepasswordladlepassword"),
        candidates: [
            CandidateAttribute(foundation: "1", priority: 2_113_937_151, address: "127.0.0.1", port: 44_444),
            CandidateAttribute(
                foundation: "2", transport: "tcp", priority: 1_015_021_823, address: "127.0.0.1", port: 44_444,
                tcpType: "passive"),
        ],
        fingerprints: [
            FingerprintAttribute(
                algorithm: "sha-256",
                value: (0..<32).map { String(format: "%02X", $0 * 7) }.joined(separator: ":"))
        ])

    /// Compares with a golden file; with LADLE_WRITE_GOLDEN=1 it is written anew.
    static func compare(_ text: String, with name: String) throws {
        let path = Vectors.path("sdp/answers/\(name).sdp")
        if ProcessInfo.processInfo.environment["LADLE_WRITE_GOLDEN"] == "1" {
            try Data(text.utf8).write(to: URL(filePath: path))
        }
        let golden = String(decoding: try Vectors.bytes("sdp/answers/\(name).sdp"), as: UTF8.self)
        #expect(text == golden, "\(name): the answer differs from Tests/Vectors/sdp/answers/\(name).sdp")
    }
}
